import { MOST_STEPS, notAnImage, truncated, type Header, type ImageFormat } from './format.js';

/**
 * ITU T.81. Its segments are walked here: the JPEG reader of `image-size` steps byte by byte through whatever is not a
 * marker (1.4 s for 8 MiB of zeros) and does not say where the pixels start, which it takes to tell the end marker of a
 * thumbnail from that of the image.
 *
 * Cameras write more than the standard allows: bytes that belong to nothing before a marker, a second start marker (an
 * EXIF header put before a whole file), no end marker. All that is passed over here, and tidied away for the decoder,
 * so that what libjpeg still complains of is damage.
 */
export const jpeg = {
  type: 'jpeg',
  mediaType: 'image/jpeg',
  loader: 'VipsForeignLoadJpegBuffer',
  base64Start: '/9j/',
  recognises: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8,
  readHeader,
  tidied,
} as const satisfies ImageFormat;

/** Start-of-frame markers C0-CF but DHT, JPG and DAC (table B.1). */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Markers without a length: TEM, RST0 to RST7 and SOI. Nothing but the first SOI has a place before a scan. */
function standsAlone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

const START_OF_IMAGE = Buffer.from([0xff, 0xd8]);
/** Cannot occur inside entropy-coded data, where FF is followed by a stuffed 00 (clause B.1.1.5). */
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

/** First bytes of a scan header (DA). */
const START_OF_SCAN = Buffer.from([0xff, 0xda]);
/** Scans counted at most: libvips decodes no more. */
const MOST_SCANS = 100;
/** Sequential and Huffman-coded, 8 or 12 bits: SOF0, SOF1. Everything else is progressive, lossless or arithmetic. */
const SEQUENTIAL = [0xc0, 0xc1];

interface Walk {
  width: number;
  height: number;
  /** Marker of the frame header. */
  frame: number;
  /** Components of the frame that the first scan does not have: others follow. */
  componentsLeft: number;
  /** Where the segments lie, from … to, neighbours as one; the last ends with the header of the first scan. */
  segments: [number, number][];
}

/** Walks the segments up to the first scan. */
function walk(bytes: Buffer): Walk {
  let size: { width: number; height: number; frame: number; components: number } | undefined;
  const segments: [number, number][] = [];
  let offset = 2;
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const at = bytes.indexOf(0xff, offset);
    if (at < 0 && offset < bytes.length) throw notAnImage(`a JPEG without a marker from byte ${offset} on`);
    if (at < 0 || at + 4 > bytes.length) throw truncated('jpeg');
    const marker = bytes.readUInt8(at + 1);
    if (marker === 0xff || marker === 0x00 || standsAlone(marker)) {
      offset = at + (marker === 0xff ? 1 : 2);
      continue;
    }
    const length = bytes.readUInt16BE(at + 2);
    if (marker === 0xd9 || length < 2) throw notAnImage(`a JPEG whose headers break off at byte ${at}`);
    offset = at + 2 + length;
    extend(segments, at, offset);
    if (isStartOfFrame(marker) && at + 9 <= bytes.length) {
      const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
      size = { width, height, frame: marker, components: bytes[at + 9] ?? 0 };
    }
    if (marker !== 0xda) continue;
    if (!size) throw notAnImage('a JPEG scan before its frame header');
    const { components, ...frame } = size;
    return { ...frame, componentsLeft: components - (bytes[at + 4] ?? 0), segments };
  }
  throw notAnImage('a JPEG of headers only');
}

function extend(segments: [number, number][], from: number, to: number): void {
  const last = segments.at(-1);
  if (last?.[1] === from) last[1] = to;
  else segments.push([from, to]);
}

/** Whether the end is there is for the decoder to say: pixels can be whole without the end marker, and cut before one. */
function readHeader(bytes: Buffer): Header {
  const { width, height, frame, componentsLeft, segments } = walk(bytes);
  return { width, height, complete: true, ...costOf(bytes, { frame, componentsLeft, segments }) };
}

/**
 * A JPEG of one sequential scan shrinks while it is decoded. Of any other libjpeg keeps all coefficients (2 bytes each) and
 * goes over them once a scan.
 */
function costOf(
  bytes: Buffer,
  { frame, componentsLeft, segments }: Pick<Walk, 'frame' | 'componentsLeft' | 'segments'>,
): Pick<Header, 'pixelNs' | 'whole'> {
  const sequential = SEQUENTIAL.includes(frame);
  if (sequential && componentsLeft <= 0) return { pixelNs: 3.5, whole: null };
  let scans = 1;
  let at = bytes.indexOf(START_OF_SCAN, segments.at(-1)?.[1] ?? 0);
  for (; at >= 0 && scans < MOST_SCANS; at = bytes.indexOf(START_OF_SCAN, at + 2)) scans += 1;
  return {
    pixelNs: 6 + 1.2 * scans,
    whole: sequential ? 'it is a JPEG of several scans' : 'it is a progressive JPEG',
  };
}

function tidied(bytes: Buffer): Buffer {
  const { segments } = walk(bytes);
  const scanAt = segments.at(-1)?.[1] ?? bytes.length;
  const ends = bytes.lastIndexOf(END_OF_IMAGE) >= scanAt;
  if (ends && segments.length === 1 && segments[0]?.[0] === 2) return bytes;
  const parts = segments.map(([from, to]) => bytes.subarray(from, to));
  return Buffer.concat([
    START_OF_IMAGE,
    ...parts,
    bytes.subarray(scanAt),
    ends ? Buffer.alloc(0) : END_OF_IMAGE,
  ]);
}
