/** Encoded image ↔ tensor. */
import { networkInput } from '../zoo/input.js';
import { formatOf, type MediaType } from './formats/registry.js';
import type { DecodeLimits } from './decode.js';
import { decodeMs, isCostly } from './decode-cost.js';
import { decodePicture, prepare } from './prepare.js';
import { pipeline } from './pipelines.js';
import { sharp } from './sharp.js';

/** Size of the tensor that the zoo's networks take; a zoo's `input` is one. */
export interface PixelShape {
  height: number;
  width: number;
  channels: 1 | 3;
}

export interface EncodedImage {
  bytes: Uint8Array;
  type: MediaType;
}

/**
 * Decodes an image and stretches it to a size.
 *
 * @returns exactly height · width · channels bytes, uint8 HWC
 * @throws EdgemuxError IMAGE_UNDECODABLE, also for more pixels than `limits.maxPixels`; IMAGE_DAMAGED
 */
export async function decodeImage(
  bytes: Uint8Array,
  { height, width, channels }: PixelShape,
  limits: DecodeLimits,
): Promise<Uint8Array> {
  const input = networkInput({ height, width, channels, layout: 'NHWC', dtype: 'uint8' });
  return prepare(await decodePicture(bytes, limits, [input]), input);
}

/** Inputs of at most this many values (H · W · C) are re-encoded without loss; see `encodeForUpload`. */
const LOSSLESS_VALUES = 4096;
/** JPEG quality of larger inputs. */
const UPLOAD_QUALITY = 92;

/**
 * What an offloaded frame sends: the smaller of the original image, where that is not costly to decode, and a re-encoding at the
 * model's input size.
 *
 * Small inputs go as PNG: at 28 x 28 grey it takes 537 bytes where JPEG 90 takes 554 and JPEG 95 takes 655, and
 * JPEG changes 0.4-0.9 % of the classes there (measured on 2,000 test images) while PNG changes none. Larger
 * inputs go as JPEG 92 without chroma subsampling: a photograph at 224 x 224 takes 28-41 kB instead of 116-140 kB
 * as PNG, at 35-37 dB; subsampling would save a quarter of that and cost 3-5 dB. Lossless WebP saves 16 % over PNG
 * for twice the time on both ends.
 *
 * @param pixels uint8 HWC of `input`
 * @param original the image as the camera sent it; null where only a part of it is to be sent
 */
export async function encodeForUpload(
  pixels: Uint8Array,
  input: PixelShape,
  original: Uint8Array | null,
): Promise<EncodedImage> {
  const values = input.height * input.width * input.channels;
  const encoded: EncodedImage =
    values <= LOSSLESS_VALUES
      ? { bytes: await encodePng(pixels, input), type: 'image/png' }
      : { bytes: await encodeJpeg(pixels, input, UPLOAD_QUALITY), type: 'image/jpeg' };
  return original === null || encoded.bytes.length < original.length || isCostlyImage(original)
    ? encoded
    : { bytes: original, type: formatOf(original).mediaType };
}

/** A plain picture of many pixels may be few bytes: they would cost a server what they save on the way. */
function isCostlyImage(image: Uint8Array): boolean {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  const { height, pixelNs, width } = formatOf(bytes).readHeader(bytes);
  return isCostly(decodeMs(width * height, pixelNs));
}

/** uint8 HWC → JPEG without chroma subsampling, which would cost small images more accuracy than bytes. */
export function encodeJpeg(pixels: Uint8Array, shape: PixelShape, quality: number): Promise<Uint8Array> {
  return pipeline(() =>
    sharp(pixels, { raw: rawShape(shape) })
      .toColourspace(shape.channels === 1 ? 'b-w' : 'srgb')
      .jpeg({ quality, chromaSubsampling: '4:4:4' })
      .toBuffer(),
  );
}

/** uint8 HWC → PNG. */
export function encodePng(pixels: Uint8Array, shape: PixelShape): Promise<Uint8Array> {
  return pipeline(() =>
    sharp(pixels, { raw: rawShape(shape) })
      .toColourspace(shape.channels === 1 ? 'b-w' : 'srgb')
      .png({ compressionLevel: 9 })
      .toBuffer(),
  );
}

function rawShape({ height, width, channels }: PixelShape): {
  height: number;
  width: number;
  channels: 1 | 3;
} {
  return { height, width, channels };
}
