import { fixedSize, type ImageFormat } from './format.js';

const LOSSY_NS = 24;
/** Of an extended file too (VP8X), which may hold either. */
const LOSSLESS_NS = 40;

/** RFC 9649: a RIFF container, whose length stands in bytes 4 to 7. */
export const webp = {
  type: 'webp',
  mediaType: 'image/webp',
  loader: 'VipsForeignLoadWebpBuffer',
  base64Start: 'UklGR',
  recognises: (bytes) =>
    bytes.length >= 12 &&
    bytes.toString('latin1', 0, 4) === 'RIFF' &&
    bytes.toString('latin1', 8, 12) === 'WEBP',
  readHeader: (bytes) => {
    const { width, height } = fixedSize(bytes, 'webp');
    const pixelNs = bytes.toString('latin1', 12, 16) === 'VP8 ' ? LOSSY_NS : LOSSLESS_NS;
    const complete = bytes.length >= 8 + bytes.readUInt32LE(4);
    return { width, height, complete, whole: 'it is a WebP', pixelNs };
  },
} as const satisfies ImageFormat;
