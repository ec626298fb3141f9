/** Frames for the path: 720p scenes with a camera's weight, and small pictures. The same bytes on every machine run. */
import sharp from 'sharp';
import { seededRandom } from '../../../common/random.js';
import { encodeJpeg } from '../../../mux/image.js';
import { loadTestSet, type TestSet } from '../../../mux/testset.js';
import type { Zoo } from '../../../mux/zoo.js';

const WIDTH = 1280;
const HEIGHT = 720;
const TILE = 80;
const COLUMNS = WIDTH / TILE;
const ROWS = Math.floor(HEIGHT / TILE);
/** What a camera's encoder is commonly set to; chroma is subsampled, as cameras do. */
const SCENE_QUALITY = 85;
/** Sensor noise, ± grey levels. */
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
    const { height, width } = zoo.input;
    const picture = test.images((at * COLUMNS * ROWS + tile) % test.count);
    const grey = await sharp(picture, { raw: { height, width, channels: 1 } })
      .resize(TILE, TILE)
      .extractChannel(0)
      .raw()
      .toBuffer();
    hang(pixels, grey, colour(), { left: (tile % COLUMNS) * TILE, top: Math.floor(tile / COLUMNS) * TILE });
  }
  addNoise(pixels, random);
  return sharp(pixels, { raw: { height: HEIGHT, width: WIDTH, channels: 3 } })
    .jpeg({ quality: SCENE_QUALITY })
    .toBuffer();
}

function wall(from: Colour, to: Colour): Uint8Array {
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0, at = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const share = (x + y) / (WIDTH + HEIGHT);
      for (const channel of [0, 1, 2] as const) {
        pixels[at++] = from[channel] + share * (to[channel] - from[channel]);
      }
    }
  }
  return pixels;
}

/** Blends a tinted picture in; its grey levels are its opacity. */
function hang(
  pixels: Uint8Array,
  grey: Uint8Array,
  tint: Colour,
  place: { left: number; top: number },
): void {
  for (let y = 0; y < TILE; y += 1) {
    for (let x = 0; x < TILE; x += 1) {
      const opacity = (grey[y * TILE + x] ?? 0) / 255;
      const at = ((place.top + y) * WIDTH + place.left + x) * 3;
      for (const channel of [0, 1, 2] as const) {
        const under = pixels[at + channel] ?? 0;
        pixels[at + channel] = under + opacity * (tint[channel] - under);
      }
    }
  }
}

function addNoise(pixels: Uint8Array, random: () => number): void {
  for (let at = 0; at < pixels.length; at += 1) {
    const noisy = (pixels[at] ?? 0) + Math.round((2 * random() - 1) * NOISE);
    pixels[at] = Math.max(0, Math.min(255, noisy));
  }
}
