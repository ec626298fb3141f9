/** Every image format that a camera may send, by the name that messages about it use. */
import { jpeg } from './jpeg.js';
import { notAnImage, type ImageFormat } from './format.js';
import { png } from './png.js';
import { webp } from './webp.js';

const FORMATS = { jpeg, png, webp } satisfies Record<string, ImageFormat>;

export type ImageType = keyof typeof FORMATS;
export type MediaType = (typeof FORMATS)[ImageType]['mediaType'];

const entries = Object.entries(FORMATS) as [ImageType, (typeof FORMATS)[ImageType]][];

/** The format by the first bytes. @throws EdgemuxError IMAGE_NOT_AN_IMAGE */
export function formatOf(bytes: Uint8Array): { type: ImageType; format: (typeof FORMATS)[ImageType] } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = entries.find(([, format]) => format.recognises(view));
  if (found) return { type: found[0], format: found[1] };
  throw notAnImage(`not one of ${entries.map(([type]) => type).join(', ')} by its first bytes`);
}

/** The loaders of libvips that may read a payload. */
export const LOADERS: readonly string[] = entries.map(([, { loader }]) => loader);

/** First characters of every format's base64 text. */
export const BASE64_STARTS: readonly string[] = entries.map(([, { base64Start }]) => base64Start);
