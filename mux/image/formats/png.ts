import { fixedSize, MOST_STEPS, type ImageFormat } from './format.js';

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
    return { width, height, complete: hasEnd(bytes) };
  },
} as const satisfies ImageFormat;

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
