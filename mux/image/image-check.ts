/**
 * The admission check: is this payload an image that we would decode? Synchronous and cheap, on header bytes
 * only, so that a hostile payload costs the main thread nothing worth having.
 *
 * `image-size` reads the headers of PNG and WebP, which lie at fixed places. Its JPEG reader steps byte by byte
 * through whatever is not a marker (1.4 s for 8 MiB of zeros) and does not say where the pixels start, which we
 * need to tell the end marker of a thumbnail from that of the image: JPEG segments are walked here.
 */
import { imageSize } from 'image-size';
import { EdgemuxError, messageOf } from '../../common/errors.js';

export interface ImageLimits {
  /** Largest payload admitted, in bytes. */
  maxBytes: number;
  /** Largest width × height admitted, in pixels. */
  maxPixels: number;
}

/** What the header says; `width` and `height` in pixels, as stored (before EXIF orientation). */
export interface ImageInfo {
  type: 'jpeg' | 'png' | 'webp';
  width: number;
  height: number;
}

/** Segments or chunks walked at most: a real image of 16 MiB has some thousands, a hostile one millions. */
const MOST_STEPS = 50_000;

type Header = ImageInfo & { complete: boolean };

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
  const { type, width, height, complete } = readHeader(payload);
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

function readHeader(bytes: Uint8Array): Header {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view[0] === 0xff && view[1] === 0xd8) return readJpeg(view);
  if (view.length >= 8 && view.readUInt32BE(0) === 0x89504e47 && view.readUInt32BE(4) === 0x0d0a1a0a) {
    return { type: 'png', ...dimensions(view, 'png'), complete: pngIsComplete(view) };
  }
  if (
    view.length >= 12 &&
    view.toString('latin1', 0, 4) === 'RIFF' &&
    view.toString('latin1', 8, 12) === 'WEBP'
  ) {
    return { type: 'webp', ...dimensions(view, 'webp'), complete: view.length >= 8 + view.readUInt32LE(4) };
  }
  throw notAnImage('neither JPEG, PNG nor WebP by its first bytes');
}

/** Width and height of a PNG or WebP from its first 64 bytes. */
function dimensions(view: Buffer, type: 'png' | 'webp'): { width: number; height: number } {
  if (view.length < 33) throw truncated(type);
  try {
    const { width, height } = imageSize(view.subarray(0, 64));
    return { width, height };
  } catch (cause) {
    throw notAnImage(`a broken ${type} header (${messageOf(cause)})`);
  }
}

/** Walks the chunks (length, type, data, CRC; PNG specification clause 5.3) until IEND. */
function pngIsComplete(view: Buffer): boolean {
  let offset = 8;
  for (let steps = 0; steps < MOST_STEPS && offset + 12 <= view.length; steps += 1) {
    const next = offset + 12 + view.readUInt32BE(offset);
    if (view.readUInt32BE(offset + 4) === 0x49454e44) return next <= view.length;
    offset = next;
  }
  return false;
}

/** Start-of-frame markers C0-CF but DHT, JPG and DAC (ITU T.81 table B.1). */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Cannot occur inside entropy-coded data, where FF is followed by a stuffed 00 (T.81 clause B.1.1.5). */
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

/** Walks the segments up to the first scan, then looks for the end marker behind it. */
function readJpeg(view: Buffer): Header {
  let size: { width: number; height: number } | undefined;
  let offset = 2;
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    if (offset + 4 > view.length) throw truncated('jpeg');
    if (view[offset] !== 0xff) throw notAnImage(`a JPEG without a marker at byte ${offset}`);
    const marker = view.readUInt8(offset + 1);
    if (marker === 0xff) {
      offset += 1; // fill byte
      continue;
    }
    const next = offset + 2 + view.readUInt16BE(offset + 2);
    if (isStartOfFrame(marker) && offset + 9 <= view.length) {
      size = { height: view.readUInt16BE(offset + 5), width: view.readUInt16BE(offset + 7) };
    }
    if (marker === 0xda) {
      if (!size) throw notAnImage('a JPEG scan before its frame header');
      return { type: 'jpeg', ...size, complete: view.lastIndexOf(END_OF_IMAGE) >= next };
    }
    offset = next;
  }
  throw notAnImage('a JPEG of headers only');
}

/** First base64 characters of JPEG, PNG and WebP (`RIFF`). */
const BASE64_START = /^\s*(data:image\/[a-z+.-]+;base64,)?\s*(\/9j\/|iVBORw0KGgo|UklGR)/;

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

function truncated(type: string): EdgemuxError {
  return new EdgemuxError('IMAGE_TRUNCATED', `the ${type} image ends before its end marker`, {
    details: { type },
  });
}

function notAnImage(what: string): EdgemuxError {
  return new EdgemuxError('IMAGE_NOT_AN_IMAGE', `the payload is no image: ${what}`);
}
