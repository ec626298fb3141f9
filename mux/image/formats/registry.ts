/** Every image format that a camera may send. */
import { jpeg } from './jpeg.js';
import { IMAGE_TYPES, notAnImage, type ImageFormat, type ImageType } from './format.js';
import { png } from './png.js';
import { webp } from './webp.js';

const FORMATS = { jpeg, png, webp } satisfies { [T in ImageType]: ImageFormat & { type: T } };

export type MediaType = (typeof FORMATS)[ImageType]['mediaType'];

const formats: readonly (ImageFormat & { mediaType: MediaType })[] = IMAGE_TYPES.map((type) => FORMATS[type]);

/** The format by the first bytes. @throws EdgemuxError IMAGE_NOT_AN_IMAGE */
export function formatOf(bytes: Uint8Array): ImageFormat & { mediaType: MediaType } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = formats.find((format) => format.recognises(view));
  if (found) return found;
  throw notAnImage(`not one of ${IMAGE_TYPES.join(', ')} by its first bytes`);
}

/** The loaders of libvips that may read a payload. */
export const LOADERS: readonly string[] = formats.map(({ loader }) => loader);

/** First characters of every format's base64 text. */
export const BASE64_STARTS: readonly string[] = formats.map(({ base64Start }) => base64Start);
