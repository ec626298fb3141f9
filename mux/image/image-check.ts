/**
 * The admission check: is this payload an image that we would decode? Synchronous and cheap, on header bytes
 * only, so that a hostile payload costs the main thread nothing worth having. The formats are in `formats/`.
 */
import { EdgemuxError } from '../../common/errors.js';
import { notAnImage, truncated, type ImageType } from './formats/format.js';
import { BASE64_STARTS, formatOf } from './formats/registry.js';

export interface ImageLimits {
  /** Largest payload admitted, in bytes. */
  maxBytes: number;
  /** Largest width × height admitted, in pixels. */
  maxPixels: number;
}

/** What the header says; `width` and `height` in pixels, as stored (before EXIF orientation). */
export interface ImageInfo {
  type: ImageType;
  width: number;
  height: number;
}

/**
 * Checks size, type, completeness and pixel count of an encoded image, without decoding it.
 *
 * @throws EdgemuxError IMAGE_EMPTY, IMAGE_TOO_LARGE, IMAGE_NOT_AN_IMAGE, IMAGE_TRUNCATED (JPEG without end marker,
 *   PNG without IEND, WebP shorter than its RIFF length), IMAGE_TOO_MANY_PIXELS
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
  const { width, height, complete } = format.readHeader(view);
  if (width * height > limits.maxPixels) {
    throw new EdgemuxError(
      'IMAGE_TOO_MANY_PIXELS',
      `the ${type} image has ${width} x ${height} pixels; at most ${limits.maxPixels} are admitted`,
      { details: { type, width, height } },
    );
  }
  if (!complete) throw truncated(type);
  if (width === 0 || height === 0) throw notAnImage(`a ${type} image of ${width} x ${height} pixels`);
  return { type, width, height };
}

/** The first characters of an image as base64 text, of a `data:` URL too; `+` alone of that alphabet needs an escape. */
const BASE64_START = new RegExp(
  `^\\s*(data:image/[a-z+.-]+;base64,)?\\s*(${BASE64_STARTS.join('|').replaceAll('+', '\\+')})`,
);

/**
 * The image inside a base64 text of one (a `data:` URL too); any other payload as it came. What begins like base64
 * of an image and goes on otherwise decodes to something that `checkImage` refuses.
 *
 * @param maxBytes limit of the decoded image: a longer text is left alone, to be refused for its size
 */
export function unwrapBase64(payload: Uint8Array, maxBytes = Infinity): Uint8Array {
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const start = BASE64_START.exec(view.toString('latin1', 0, 64));
  if (!start || view.length > maxBytes * 1.4 + 128) return payload;
  const from = start[1] === undefined ? 0 : start[0].indexOf(',') + 1;
  return Buffer.from(view.toString('latin1', from), 'base64');
}
