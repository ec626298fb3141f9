/**
 * An encoded image as raw pixels: the one rule of colour, for daemon, server, tools and, proved equal by a test, the
 * trainer (scripts/train/data/pictures.py).
 *
 * - Orientation as EXIF says.
 * - What is transparent lies on black.
 * - Sixteen bits become the upper eight.
 * - Colour profiles are ignored, as all usual training pipelines do (torchvision, Keras, OpenCV): converting would show
 *   the networks other pixels than their training had, by 10 levels and more where a profile is no sRGB.
 * - CMYK without colour management: R = (1 - C)(1 - K).
 * - Grey stays grey; what a grey network sees of colour is ITU-R BT.601's luma (`grey.ts`).
 */
import { EdgemuxError, isEdgemuxError, messageOf } from '../../common/errors.js';
import { formatOf } from './formats/registry.js';
import { ownWords, pipeline, wordsAreOwn, type Through } from './pipelines.js';
import type { Pixels } from './resample.js';
import { sharp, type Metadata, type Sharp } from './sharp.js';

/** A decoded picture: oriented, opaque, grey or RGB. Raw uint8 HWC. */
export interface Picture extends Pixels {
  /** Size of the whole image in pixels; `pixels` has fewer where no more were wanted, not in the same proportion. */
  readonly original: { readonly width: number; readonly height: number };
  /** A part of the picture is missing or broken: it was filled in by the decoder. */
  readonly damaged: boolean;
}

/** Characters of what libvips says that go into a message. */
const MOST_WORDS = 300;
/**
 * Where less is wanted than there is, libvips decodes a JPEG at a half, a quarter or an eighth, as long as twice what is
 * wanted remains; and less than twice where so many pixels are wanted of the shorter side, for large pictures have
 * less detail in a pixel. More of it fails the tolerance (test/mux/image/pixels.test.ts).
 */
const QUICK = 600;
/** What libjpeg says of data that is broken, and not merely untidy (`extraneous bytes before marker`). */
const DAMAGE = /corrupt jpeg data: (?!\d+ extraneous)|premature end/i;

export interface DecodeLimits {
  /** An image with more pixels is refused. */
  maxPixels: number;
  /** What becomes of a damaged image: `drop` refuses it, `answer` (the default) decodes what there is. */
  damaged?: 'drop' | 'answer';
}

/**
 * Decodes an image.
 *
 * @param sizeFor the size that is wanted of a picture of the size given: the same, or smaller for less work
 * @throws EdgemuxError IMAGE_UNDECODABLE, IMAGE_DAMAGED
 */
export async function decode(
  bytes: Uint8Array,
  { maxPixels, damaged: onDamage = 'answer' }: DecodeLimits,
  sizeFor: (size: { width: number; height: number }) => { width: number; height: number },
): Promise<Picture> {
  try {
    const format = formatOf(bytes);
    const source = format.tidied?.(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) ?? bytes;
    // libpng warns of much that is harmless; a warning of libjpeg is looked at
    if (format.type !== 'jpeg') return await decodeWith(source, maxPixels, sizeFor, 'error');
    const strictly = (through: Through): Promise<Picture> =>
      decodeWith(source, maxPixels, sizeFor, 'warning', through);
    try {
      return await strictly(pipeline);
    } catch (first) {
      const warning = wordsAreOwn(first) ? first : await ownWords(strictly);
      const damaged = DAMAGE.test(messageOf(warning));
      if (damaged && onDamage === 'drop')
        throw new EdgemuxError(
          'IMAGE_DAMAGED',
          `a part of the image is missing or broken: ${oneLine(warning)}`,
        );
      return { ...(await decodeWith(source, maxPixels, sizeFor, 'error')), damaged };
    }
  } catch (cause) {
    if (isEdgemuxError(cause, 'IMAGE_DAMAGED')) throw cause;
    throw new EdgemuxError('IMAGE_UNDECODABLE', `the image cannot be decoded: ${oneLine(cause)}`, { cause });
  }
}

/** libvips writes a line for every row that it did not get, all of them the same. */
function oneLine(error: unknown): string {
  return [...new Set(messageOf(error).split('\n'))].join(' ').replace(/\s+/g, ' ').slice(0, MOST_WORDS);
}

async function decodeWith(
  source: Uint8Array,
  limitInputPixels: number,
  sizeFor: (size: { width: number; height: number }) => { width: number; height: number },
  failOn: 'warning' | 'error',
  through: Through = pipeline,
): Promise<Picture> {
  const image = sharp(source, {
    limitInputPixels,
    failOn,
    sequentialRead: true,
    autoOrient: true,
    ignoreIcc: true,
  });
  const header = await through(() => image.metadata());
  const whole = header.autoOrient;
  const { width, height } = sizeFor(whole);
  if (width !== whole.width || height !== whole.height) {
    const fastShrinkOnLoad = Math.min(width, height) >= QUICK;
    image.resize(width, height, { fit: 'fill', kernel: 'cubic', fastShrinkOnLoad });
  }
  const { data, info } = await through(() =>
    inSpace(image, header).raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }),
  );
  const size = { original: whole, height: info.height, width: info.width, damaged: false };
  if (info.channels === 4) return { ...size, pixels: fromCmyk(data), channels: 3 };
  if (info.channels === 2) throw new Error(`decoded to ${info.channels} channels`);
  return { ...size, pixels: data, channels: info.channels };
}

function inSpace(image: Sharp, { space }: Metadata): Sharp {
  if (space === 'cmyk') return image.pipelineColourspace('cmyk').toColourspace('cmyk');
  const grey = space === 'b-w' || space === 'grey16';
  return image.flatten({ background: '#000' }).toColourspace(grey ? 'b-w' : 'srgb');
}

function fromCmyk(inks: Uint8Array): Uint8Array {
  const made = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4) {
    const light = 255 - (inks[from + 3] ?? 0);
    for (let ink = 0; ink < 3; ink += 1, to += 1) {
      made[to] = Math.round((light * (255 - (inks[from + ink] ?? 0))) / 255);
    }
  }
  return made;
}
