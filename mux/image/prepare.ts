/**
 * One picture, decoded once, prepared for every network that looks at it.
 *
 * What becomes of a picture is said by a network's input (`mux/zoo/input.ts`): the part that is seen and the kernel.
 */
import { EdgemuxError, messageOf } from '../../common/errors.js';
import { inputBytes, type Kernel, type NetworkInput } from '../zoo/input.js';
import type { ImageLimits } from './image-check.js';
import { sharp, type KernelEnum, type Sharp } from './sharp.js';

/** A decoded picture: oriented, flattened on black, grey or sRGB. Raw uint8 HWC. */
export interface Picture {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

const KERNEL: Record<Kernel, keyof KernelEnum> = {
  bilinear: 'linear',
  bicubic: 'cubic',
  lanczos: 'lanczos3',
};

/**
 * Decodes a picture for all inputs that may be wanted of it.
 *
 * @param wanted every input that `prepare` will be asked for: what none of them needs may be left out of the decode
 * @throws EdgemuxError IMAGE_UNDECODABLE, also for more pixels than `limits.maxPixels`
 */
export async function decodePicture(
  bytes: Uint8Array,
  limits: Pick<ImageLimits, 'maxPixels'>,
  wanted: readonly NetworkInput[],
): Promise<Picture> {
  void wanted;
  try {
    const image = sharp(bytes, {
      limitInputPixels: limits.maxPixels,
      failOn: 'error',
      sequentialRead: true,
      autoOrient: true,
    });
    const grey = (await image.metadata()).space === 'b-w';
    const { data, info } = await image
      .flatten({ background: '#000' })
      .toColourspace(grey ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 1 && info.channels !== 3) throw new Error(`decoded to ${info.channels} channels`);
    return { pixels: data, height: info.height, width: info.width, channels: info.channels };
  } catch (cause) {
    throw undecodable(cause);
  }
}

/** Pixels that are there already, such as a test image: uint8 HWC of `shape`. */
export function pictureOf(
  pixels: Uint8Array,
  { height, width, channels }: Pick<NetworkInput, 'height' | 'width' | 'channels'>,
): Picture {
  return { pixels, height, width, channels };
}

/**
 * What a network sees of a picture.
 *
 * @returns exactly height · width · channels bytes, uint8 HWC
 * @throws EdgemuxError IMAGE_UNDECODABLE
 */
export async function prepare(picture: Picture, input: NetworkInput): Promise<Uint8Array> {
  const { pixels, height, width, channels } = picture;
  const same = height === input.height && width === input.width && channels === input.channels;
  if (same && input.fit === 'stretch' && pixels.length === inputBytes(input)) return pixels;
  try {
    const { data, info } = await fitted(sharp(pixels, { raw: { height, width, channels } }), picture, input)
      .toColourspace(input.channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== input.channels || data.length !== inputBytes(input)) {
      throw new Error(`prepared to ${info.width} x ${info.height} x ${info.channels}`);
    }
    return data;
  } catch (cause) {
    throw undecodable(cause);
  }
}

function fitted(image: Sharp, picture: Picture, { fit, height, kernel, share, width }: NetworkInput): Sharp {
  const options = { kernel: KERNEL[kernel] };
  if (fit === 'stretch') return image.resize(width, height, { ...options, fit: 'fill' });
  if (fit === 'letterbox')
    return image.resize(width, height, { ...options, fit: 'contain', background: '#000' });
  const scale = Math.max(
    Math.round(width / share) / picture.width,
    Math.round(height / share) / picture.height,
  );
  const [wide, high] = [picture.width, picture.height].map((side) => Math.round(side * scale)) as [
    number,
    number,
  ];
  return image.resize(Math.max(wide, width), Math.max(high, height), { ...options, fit: 'fill' }).extract({
    left: Math.round((Math.max(wide, width) - width) / 2),
    top: Math.round((Math.max(high, height) - height) / 2),
    width,
    height,
  });
}

function undecodable(cause: unknown): EdgemuxError {
  const text = messageOf(cause).replace(/\s+/g, ' ');
  return new EdgemuxError('IMAGE_UNDECODABLE', `the image cannot be decoded: ${text}`, { cause });
}
