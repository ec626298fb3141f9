import { fixedSize, MOST_STEPS, type Header, type ImageFormat } from './format.js';

/** PNG specification (third edition): signature in clause 5.2, chunks in 5.3. */
export const png = {
  type: 'png',
  mediaType: 'image/png',
  loader: 'VipsForeignLoadPngBuffer',
  base64Start: 'iVBORw0KGgo',
  recognises: (bytes) =>
    bytes.length >= 8 && bytes.readUInt32BE(0) === 0x89504e47 && bytes.readUInt32BE(4) === 0x0d0a1a0a,
  readHeader: (bytes) => {
    const { width, height } = fixedSize(bytes, 'png');
    return { width, height, complete: hasEnd(bytes), ...costOf(bytes) };
  },
} as const satisfies ImageFormat;

/** Samples of a pixel by colour type (table 11.1). */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** By bit depth, colour type and interlace method (IHDR, clause 11.2.1). Interlaced ones are also held in memory whole. */
function costOf(bytes: Buffer): Pick<Header, 'pixelNs' | 'whole'> {
  const [depth = 8, colourType = 6, , , interlace = 0] = bytes.subarray(24, 29);
  const bits = depth * (SAMPLES[colourType] ?? 4);
  const interlaced = interlace !== 0;
  return {
    pixelNs: 5 + bits / 2 + (interlaced ? 10 : 0),
    whole: interlaced ? 'it is an interlaced PNG' : 'it is a PNG',
  };
}

/** Walks the chunks (length, type, data, CRC) until IEND. */
function hasEnd(bytes: Buffer): boolean {
  let offset = 8;
  for (let steps = 0; steps < MOST_STEPS && offset + 12 <= bytes.length; steps += 1) {
    const next = offset + 12 + bytes.readUInt32BE(offset);
    if (bytes.readUInt32BE(offset + 4) === 0x49454e44) return next <= bytes.length;
    offset = next;
  }
  return false;
}
