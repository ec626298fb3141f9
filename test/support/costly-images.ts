/** Small files that cost much to decode: what somebody sends who wants to take a device or a server from the others. */
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

/** Origin and step of the seven passes of Adam7 (PNG specification, third edition, clause 8.1). */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A black interlaced PNG of `side` × `side` pixels: RGB of 8 bits, or RGBA of 16. */
export function interlacedPng(side: number, depth: 8 | 16): Buffer {
  const bytesPerPixel = depth === 8 ? 3 : 8;
  const sizes = PASSES.map(([x, y, across, down]) => {
    const [columns, rows] = [Math.ceil((side - x) / across), Math.ceil((side - y) / down)];
    return rows * (1 + columns * bytesPerPixel);
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([depth, depth === 8 ? 2 : 6, 0, 0, 1], 8);
  return pngOf(
    header,
    sizes.reduce((sum, size) => sum + size, 0),
  );
}

/** A PNG of one bit a pixel: a kilobyte for nine megapixels. */
export function flatPng(side: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([1, 0, 0, 0, 0], 8);
  return pngOf(header, side * (1 + Math.ceil(side / 8)));
}

/** With pixels of zeros. */
function pngOf(header: Uint8Array, bytes: number): Buffer {
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(bytes))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function plain(side: number): Sharp {
  return sharp({ create: { width: side, height: side, channels: 3, background: '#456' } });
}

/** One of each kind that is decoded whole, `side` × `side`. */
export async function costlyImages(side: number): Promise<Record<string, Buffer>> {
  return {
    'interlaced PNG of 64 bits a pixel': interlacedPng(side, 16),
    'progressive JPEG': await plain(side).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
    'PNG of 48 bits a pixel': await plain(side).toColourspace('rgb16').png().toBuffer(),
    'lossless WebP': await plain(side).webp({ lossless: true, effort: 0 }).toBuffer(),
  };
}
