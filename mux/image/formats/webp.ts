import { fixedSize, type ImageFormat } from './format.js';

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
    return { width, height, complete: bytes.length >= 8 + bytes.readUInt32LE(4) };
  },
} as const satisfies ImageFormat;
