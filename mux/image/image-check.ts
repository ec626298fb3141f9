/**
 * The admission check: is this payload an image that we would decode? Synchronous and cheap, on header bytes
 * only, so that a hostile payload costs the main thread nothing worth having. The formats are in `formats/`.
 */
import { EdgemuxError } from '../../common/errors.js';
import { decodeMs } from './decode-cost.js';
import { notAnImage, truncated, type ImageType } from './formats/format.js';
import { formatOf } from './formats/registry.js';

export interface ImageLimits {
  /** Largest payload admitted, in bytes. */
  maxBytes: number;
  /** Largest width × height admitted, in pixels. */
  maxPixels: number;
  /** The same for an image that cannot shrink while it is decoded: what `wholePixels` says; not less than the others if absent. */
  maxWholePixels?: number;
}

/** What the header says; `width` and `height` in pixels, as stored (before EXIF orientation). */
export interface ImageInfo {
  type: ImageType;
  width: number;
  height: number;
  /** Processor time that decoding is expected to take, in ms (see `decode-cost.ts`). */
  decodeMs: number;
}

/**
 * Checks size, type, completeness and pixel count of an encoded image, without decoding it.
 *
 * @throws EdgemuxError IMAGE_EMPTY, IMAGE_TOO_LARGE, IMAGE_NOT_AN_IMAGE, IMAGE_TRUNCATED (JPEG cut before its first
 *   scan, PNG without IEND, WebP shorter than its RIFF length), IMAGE_TOO_MANY_PIXELS, IMAGE_TOO_COSTLY
 */
export function checkImage(payload: Uint8Array, limits: ImageLimits): ImageInfo {
  if (payload.length === 0) throw new EdgemuxError('IMAGE_EMPTY', 'the payload is empty');
  if (payload.length > limits.maxBytes) {
    throw new EdgemuxError(
      'IMAGE_TOO_LARGE',
      `the payload has ${payload.length} bytes; at most ${limits.maxBytes} are admitted`,
    );
  }
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const format = formatOf(view);
  const { type } = format;
  const { width, height, complete, whole, pixelNs } = format.readHeader(view);
  if (width * height > limits.maxPixels) {
    throw new EdgemuxError(
      'IMAGE_TOO_MANY_PIXELS',
      `the ${type} image has ${width} x ${height} pixels; at most ${limits.maxPixels} are admitted`,
      { details: { type, width, height } },
    );
  }
  if (!complete) throw truncated(type);
  if (width === 0 || height === 0) throw notAnImage(`a ${type} image of ${width} x ${height} pixels`);
  const { maxPixels, maxWholePixels = maxPixels } = limits;
  if (whole !== null && width * height > maxWholePixels) {
    throw new EdgemuxError(
      'IMAGE_TOO_COSTLY',
      `the image of ${width} x ${height} pixels has to be decoded whole, for ${whole}: that is done up to ${maxWholePixels} pixels ` +
        `(key maxWholePixels); a baseline JPEG may have ${maxPixels}`,
      { details: { type, width, height } },
    );
  }
  return { type, width, height, decodeMs: decodeMs(width * height, pixelNs) };
}
