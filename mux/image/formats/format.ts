/** What an image format is: how its bytes are known, what its header says, and what decodes it. */
import { imageSize } from 'image-size';
import { EdgemuxError, messageOf } from '../../../common/errors.js';

/** The formats that a camera may send, by the name that messages about them use. */
export const IMAGE_TYPES = ['jpeg', 'png', 'webp'] as const;
export type ImageType = (typeof IMAGE_TYPES)[number];

/** What a header says; `width` and `height` in pixels, as stored (before EXIF orientation). */
export interface Header {
  width: number;
  height: number;
  /** false where the end marker, or what the header promises, is not there. */
  complete: boolean;
  /** Why all pixels are decoded even where few are wanted; null for what shrinks while it is decoded. */
  whole: string | null;
  /**
   * Processor time that decoding takes for a pixel, in ns on a server core of 2023: by kind and depth
   * alone, for the dearest content that is likely.
   */
  pixelNs: number;
}

export interface ImageFormat {
  type: ImageType;
  /** `image/…`, as in the content type of a request. */
  mediaType: `image/${string}`;
  /** libvips' loader from memory: all others are blocked. */
  loader: `VipsForeignLoad${string}Buffer`;
  /** First characters of the base64 text of every image of this format. */
  base64Start: string;
  /** Told by the first bytes alone. */
  recognises(bytes: Buffer): boolean;
  /**
   * Synchronous, and cheap whatever the bytes are: at most MOST_STEPS steps, no decoding.
   *
   * @throws EdgemuxError IMAGE_NOT_AN_IMAGE, IMAGE_TRUNCATED
   */
  readHeader(bytes: Buffer): Header;
  /**
   * The image as its decoder takes it without complaint, where cameras are known to write it otherwise; the same bytes
   * where there is nothing to tidy.
   *
   * @throws EdgemuxError IMAGE_NOT_AN_IMAGE, IMAGE_TRUNCATED
   */
  tidied?(bytes: Buffer): Buffer;
}

/** Segments or chunks walked at most: a real image of 16 MiB has some thousands, a hostile one millions. */
export const MOST_STEPS = 50_000;

/** Bytes that a fixed header needs at least, and that `image-size` is shown at most. */
const FIXED_HEADER = { least: 33, most: 64 };

/** Width and height in a header of fixed places, as PNG and WebP have. */
export function fixedSize(bytes: Buffer, type: ImageType): { width: number; height: number } {
  if (bytes.length < FIXED_HEADER.least) throw truncated(type);
  try {
    const { width, height } = imageSize(bytes.subarray(0, FIXED_HEADER.most));
    return { width, height };
  } catch (cause) {
    throw notAnImage(`a broken ${type} header (${messageOf(cause)})`);
  }
}

export function truncated(type: ImageType): EdgemuxError {
  return new EdgemuxError('IMAGE_TRUNCATED', `the ${type} image ends before its end marker`, {
    details: { type },
  });
}

export function notAnImage(what: string): EdgemuxError {
  return new EdgemuxError('IMAGE_NOT_AN_IMAGE', `the payload is no image: ${what}`);
}
