/**
 * One picture, decoded once, prepared for every network that looks at it: with the pixels of the network's training.
 *
 * What becomes of a picture is said by a network's input (`mux/zoo/input.ts`). The measure is what torchvision's
 * transforms give on Pillow's pictures (test/mux/image/pixels.test.ts; the table is in docs/your-own-models.md).
 * Ours is equal bit by bit and takes the main thread, libvips' is within two levels and takes another: so
 * ours enlarges, where libvips is half a pixel off, and shrinks where that is little work.
 */
import { EdgemuxError, messageOf } from '../../common/errors.js';
import type { Kernel, NetworkInput } from '../zoo/input.js';
import { decode, type DecodeLimits, type Picture } from './decode.js';
import { fitted, type Fitted } from './fit.js';
import { colourOf, greyOf } from './grey.js';
import { pipeline } from './pipelines.js';
import { resample, resampleWork, type Pixels, type Region } from './resample.js';
import { sharp, type KernelEnum } from './sharp.js';

export type { Picture } from './decode.js';

const KERNEL: Record<Kernel, keyof KernelEnum> = {
  bilinear: 'linear',
  bicubic: 'cubic',
  lanczos: 'lanczos3',
};

/** Below 4: where a picture shrinks to a fourth or less, libvips averages pixels before its kernel, which blurs. */
const NEAR = 3.9;
/**
 * From this ratio on the blur is seen, and a first step with a sharp kernel goes to `NEAR` times the wanted size. It
 * costs half as much as decoding a frame of 720p: small inputs, whose frames are small, have it wherever there is blur.
 */
const FAR = { large: 6, small: NEAR };
/** Side of a large input in pixels. */
const LARGE = 160;

/** Multiply-adds up to which a picture is shrunk here, in about a millisecond: what a hop to libvips costs. */
const SMALL_WORK = 1_500_000;

/**
 * Decodes a picture for all inputs that may be wanted of it.
 *
 * @param wanted every input that `prepare` will be asked for: a picture much larger than they need is shrunk
 *   while it is decoded
 * @throws EdgemuxError IMAGE_UNDECODABLE, also for more pixels than `limits.maxPixels`; IMAGE_DAMAGED
 */
export async function decodePicture(
  bytes: Uint8Array,
  limits: DecodeLimits,
  wanted: readonly NetworkInput[],
): Promise<Picture> {
  return decode(bytes, limits, (size) => {
    if (wanted.length === 0) return size;
    const scaled = wanted.map((input) => fitted(size, input).scaled);
    return {
      width: Math.max(...scaled.map(({ width }) => firstStep(size.width, width))),
      height: Math.max(...scaled.map(({ height }) => firstStep(size.height, height))),
    };
  });
}

/** Pixels that are there already, such as a test image: uint8 HWC of `shape`. */
export function pictureOf(
  pixels: Uint8Array,
  { height, width, channels }: Pick<NetworkInput, 'height' | 'width' | 'channels'>,
): Picture {
  return { pixels, height, width, channels, original: { width, height }, damaged: false };
}

/**
 * What a network sees of a picture.
 *
 * @returns exactly height · width · channels bytes, uint8 HWC
 * @throws EdgemuxError IMAGE_UNDECODABLE
 */
export async function prepare(
  picture: Pixels & Partial<Pick<Picture, 'original'>>,
  input: NetworkInput,
): Promise<Uint8Array> {
  const same =
    picture.height === input.height && picture.width === input.width && picture.channels === input.channels;
  if (same && input.fit !== 'crop') return picture.pixels;
  try {
    const fit = fitted(picture.original ?? picture, input);
    const seen = await scaledTo(picture, fit, input.kernel);
    return inChannels(boxed(seen, fit.seen, picture.channels, input), picture.channels, input.channels);
  } catch (cause) {
    const text = messageOf(cause).replace(/\s+/g, ' ');
    throw new EdgemuxError('IMAGE_UNDECODABLE', `the image cannot be prepared: ${text}`, { cause });
  }
}

/** Length to which a side goes first on its way to `target`. */
function firstStep(side: number, target: number): number {
  const far = target < LARGE ? FAR.small : FAR.large;
  return side > far * target ? Math.round(NEAR * target) : side;
}

async function scaledTo(picture: Pixels, { scaled, seen }: Fitted, kernel: Kernel): Promise<Uint8Array> {
  if (resampleWork(picture, scaled, kernel) <= SMALL_WORK) return resample(picture, scaled, seen, kernel);
  const width = firstStep(picture.width, scaled.width);
  const height = firstStep(picture.height, scaled.height);
  const near =
    width === picture.width && height === picture.height
      ? picture
      : { ...picture, width, height, pixels: await shrink(picture, { width, height }, 'cubic') };
  const enlarges = scaled.width > near.width || scaled.height > near.height;
  if (enlarges || resampleWork(near, scaled, kernel) <= SMALL_WORK)
    return resample(near, scaled, seen, kernel);
  return shrink(near, scaled, KERNEL[kernel], seen);
}

/** By libvips, on a thread of its own. */
async function shrink(
  { pixels, width, height, channels }: Pixels,
  scaled: { width: number; height: number },
  kernel: keyof KernelEnum,
  region: Region = { left: 0, top: 0, width: scaled.width, height: scaled.height },
): Promise<Uint8Array> {
  return pipeline(() =>
    sharp(pixels, { raw: { width, height, channels } })
      .resize(scaled.width, scaled.height, { fit: 'fill', kernel })
      .extract(region)
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer(),
  );
}

/** Puts black bars around what is smaller than the input. */
function boxed(
  seen: Uint8Array,
  { width, height }: Region,
  channels: 1 | 3,
  input: NetworkInput,
): Uint8Array {
  if (width === input.width && height === input.height) return seen;
  const made = new Uint8Array(input.width * input.height * channels);
  const left = Math.floor((input.width - width) / 2);
  const top = Math.floor((input.height - height) / 2);
  const line = width * channels;
  for (let row = 0; row < height; row += 1) {
    const at = ((top + row) * input.width + left) * channels;
    made.set(seen.subarray(row * line, (row + 1) * line), at);
  }
  return made;
}

function inChannels(pixels: Uint8Array, from: 1 | 3, to: 1 | 3): Uint8Array {
  if (from === to) return pixels;
  return to === 1 ? greyOf(pixels) : colourOf(pixels);
}
