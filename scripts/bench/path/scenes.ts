/** Frames for the path: 720p scenes with a camera's weight, and small pictures. The same bytes on every machine run. */
import sharp from 'sharp';
import { seededRandom } from '../../../common/random.js';
import { encodeJpeg } from '../../../mux/image/image.js';
import { loadTestSet, type TestSet } from '../../../lab/zoo/testset.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';

const WIDTH = 1280;
const HEIGHT = 720;
const TILE = 80;
const COLUMNS = WIDTH / TILE;
const ROWS = Math.floor(HEIGHT / TILE);
/** What a camera's encoder is commonly set to; chroma is subsampled, as cameras do. */
const SCENE_QUALITY = 85;
/** Sensor noise, ± grey levels. With it a frame has about 1.1 bits a pixel, as photographs have at this quality. */
const NOISE = 6;
const SMALL_QUALITY = 95;

type Colour = readonly [number, number, number];

/**
 * `count` different 1280×720 JPEG frames: a wall of two colours shading into each other, hung with tinted test images
 * of the zoo, each another one, under sensor noise.
 *
 * @param zoo one with grey test images
 */
export async function scenes(zoo: Zoo, count: number): Promise<Uint8Array[]> {
  const test = await loadTestSet(zoo);
  const made: Uint8Array[] = [];
  for (let at = 0; at < count; at += 1) made.push(await scene(zoo, test, at));
  return made;
}

/** `count` test images as the zoo's input has them, as small JPEG frames. */
export async function smallFrames(zoo: Zoo, count: number): Promise<Uint8Array[]> {
  const test = await loadTestSet(zoo);
  const indices = Array.from({ length: count }, (_, at) => at % test.count);
  return Promise.all(indices.map((index) => encodeJpeg(test.images(index), zoo.input, SMALL_QUALITY)));
}

async function scene(zoo: Zoo, test: TestSet, at: number): Promise<Uint8Array> {
  const random = seededRandom(at + 1);
  const colour = (): Colour => [random() * 255, random() * 255, random() * 255];
  const pixels = wall(colour(), colour());
  for (let tile = 0; tile < COLUMNS * ROWS; tile += 1) {
    const picture = test.images((at * COLUMNS * ROWS + tile) % test.count);
    hang(pixels, picture, zoo.input, colour(), {
      left: (tile % COLUMNS) * TILE,
      top: Math.floor(tile / COLUMNS) * TILE,
    });
  }
  addNoise(pixels, random);
  return sharp(Uint8Array.from(pixels), { raw: { height: HEIGHT, width: WIDTH, channels: 3 } })
    .jpeg({ quality: SCENE_QUALITY })
    .toBuffer();
}

function wall(from: Colour, to: Colour): Float32Array {
  const pixels = new Float32Array(WIDTH * HEIGHT * 3);
  let at = 0;
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const share = (x + y) / (WIDTH + HEIGHT);
      pixels[at] = from[0] + share * (to[0] - from[0]);
      pixels[at + 1] = from[1] + share * (to[1] - from[1]);
      pixels[at + 2] = from[2] + share * (to[2] - from[2]);
      at += 3;
    }
  }
  return pixels;
}

/** Blends a tinted picture in, enlarged to a tile; its grey levels are its opacity. */
function hang(
  pixels: Float32Array,
  picture: Uint8Array,
  size: { height: number; width: number },
  tint: Colour,
  place: { left: number; top: number },
): void {
  for (let y = 0; y < TILE; y += 1) {
    for (let x = 0; x < TILE; x += 1) {
      const opacity = greyAt(picture, size, x / TILE, y / TILE) / 255;
      const at = ((place.top + y) * WIDTH + place.left + x) * 3;
      for (let channel = 0; channel < 3; channel += 1) {
        const under = pixels[at + channel] ?? 0;
        pixels[at + channel] = under + opacity * ((tint[channel] ?? 0) - under);
      }
    }
  }
}

/** Grey level at a place in [0, 1)², linear between the pixels. */
function greyAt(
  picture: Uint8Array,
  { height, width }: { height: number; width: number },
  right: number,
  down: number,
): number {
  const [x, y] = [right * (width - 1), down * (height - 1)];
  const at = Math.floor(y) * width + Math.floor(x);
  const [dx, dy] = [x - Math.floor(x), y - Math.floor(y)];
  const above = (picture[at] ?? 0) * (1 - dx) + (picture[at + 1] ?? 0) * dx;
  const below = (picture[at + width] ?? 0) * (1 - dx) + (picture[at + width + 1] ?? 0) * dx;
  return above * (1 - dy) + below * dy;
}

function addNoise(pixels: Float32Array, random: () => number): void {
  for (let at = 0; at < pixels.length; at += 1) {
    const noisy = (pixels[at] ?? 0) + (2 * random() - 1) * NOISE;
    pixels[at] = Math.max(0, Math.min(255, Math.round(noisy)));
  }
}
