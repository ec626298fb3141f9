import { MOST_STEPS, notAnImage, truncated, type Header, type ImageFormat } from './format.js';

/**
 * ITU T.81. Its segments are walked here: the JPEG reader of `image-size` steps byte by byte through whatever is not a
 * marker (1.4 s for 8 MiB of zeros) and does not say where the pixels start, which it takes to tell the end marker of a
 * thumbnail from that of the image.
 */
export const jpeg = {
  type: 'jpeg',
  mediaType: 'image/jpeg',
  loader: 'VipsForeignLoadJpegBuffer',
  base64Start: '/9j/',
  recognises: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8,
  readHeader,
} as const satisfies ImageFormat;

/** Start-of-frame markers C0-CF but DHT, JPG and DAC (table B.1). */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Cannot occur inside entropy-coded data, where FF is followed by a stuffed 00 (clause B.1.1.5). */
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

/** Walks the segments up to the first scan, then looks for the end marker behind it. */
function readHeader(bytes: Buffer): Header {
  let size: { width: number; height: number } | undefined;
  let offset = 2;
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    if (offset + 4 > bytes.length) throw truncated('jpeg');
    if (bytes[offset] !== 0xff) throw notAnImage(`a JPEG without a marker at byte ${offset}`);
    const marker = bytes.readUInt8(offset + 1);
    if (marker === 0xff) {
      offset += 1; // fill byte
      continue;
    }
    const next = offset + 2 + bytes.readUInt16BE(offset + 2);
    if (isStartOfFrame(marker) && offset + 9 <= bytes.length) {
      size = { height: bytes.readUInt16BE(offset + 5), width: bytes.readUInt16BE(offset + 7) };
    }
    if (marker === 0xda) {
      if (!size) throw notAnImage('a JPEG scan before its frame header');
      return { ...size, complete: bytes.lastIndexOf(END_OF_IMAGE) >= next };
    }
    offset = next;
  }
  throw notAnImage('a JPEG of headers only');
}
