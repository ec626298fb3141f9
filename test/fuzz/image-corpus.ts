/** Images of every kind that admission knows, and bombs: small files that promise or unfold to something huge. */
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

/** Sound images, small, so that a case costs little. */
export async function soundImages(): Promise<Buffer[]> {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  const photo = sharp({ create: { width: 60, height: 40, channels: 3, background: '#a53', noise } });
  const frames = sharp({
    create: { width: 20, height: 80, channels: 4, background: '#3a58', pageHeight: 20 },
  });
  return Promise.all([
    photo.clone().jpeg().toBuffer(),
    photo.clone().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
    photo.clone().toColourspace('b-w').jpeg().toBuffer(),
    photo.clone().toColourspace('cmyk').jpeg().toBuffer(),
    photo.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    photo.clone().png().toBuffer(),
    photo.clone().png({ palette: true }).toBuffer(),
    photo.clone().ensureAlpha(0.5).png({ progressive: true }).toBuffer(),
    photo.clone().toColourspace('rgb16').png().toBuffer(),
    photo.clone().webp().toBuffer(),
    photo.clone().webp({ lossless: true }).toBuffer(),
    photo.clone().ensureAlpha(0.5).webp().toBuffer(),
    frames
      .clone()
      .webp({ loop: 0, delay: [10, 10, 10, 10] })
      .toBuffer(),
    frames
      .clone()
      .gif({ delay: [10, 10, 10, 10] })
      .toBuffer(),
  ]);
}

/** Largest image that admission lets through by default, in pixels. */
const MOST_PIXELS = 40_000_000;

/** Files of some kilobytes that want many megabytes, or much time, of whoever decodes them. */
export function bombs(): Promise<Buffer[]> {
  made ??= makeBombs();
  return made;
}

/** They take seconds to make, and more than one door wants them. */
let made: Promise<Buffer[]> | null = null;

async function makeBombs(): Promise<Buffer[]> {
  const side = Math.floor(Math.sqrt(MOST_PIXELS));
  const flat = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#fff' }, limitInputPixels: false });
  const progressive = await flat(3000, 3000).jpeg({ progressive: true, quality: 40 }).toBuffer();
  return [
    hollowPng(60_000, 60_000),
    hollowPng(0x7fffffff, 0x7fffffff),
    hollowPng(side, side),
    inflatingPng(side, side),
    inflatingPng(side + 10, side + 10),
    manyChunks(),
    hugeText(),
    await flat(side, side).jpeg({ quality: 20 }).toBuffer(),
    progressive,
    manyScans(progressive, 60),
    await flat(16_000, 2400).webp({ quality: 1, effort: 0 }).toBuffer(),
    await manyFrames('webp'),
    await manyFrames('gif'),
  ];
}

/** A PNG whose header promises what its data does not hold. */
export function hollowPng(width: number, height: number): Buffer {
  return png(width, height, 2, deflateSync(Buffer.alloc(64)));
}

/** A PNG of zeros only: 1,000 times as large when inflated. */
export function inflatingPng(width: number, height: number): Buffer {
  return png(width, height, 0, deflateSync(Buffer.alloc((width + 1) * height), { level: 9 }));
}

function png(width: number, height: number, colourType: number, data: Buffer, more: Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colourType, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    ...[signature, chunk('IHDR', header), ...more],
    ...[chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))],
  ]);
}

/** A PNG with 60,000 chunks that nobody asked for. */
function manyChunks(): Buffer {
  const small = Array<Buffer>(60_000).fill(chunk('tEXt', Buffer.from('a\0b')));
  return png(40, 40, 0, deflateSync(Buffer.alloc(41 * 40)), small);
}

/** A PNG with a compressed text of 64 MiB. */
function hugeText(): Buffer {
  const text = Buffer.concat([Buffer.from('Comment\0\0'), deflateSync(Buffer.alloc(64 << 20), { level: 9 })]);
  return png(40, 40, 0, deflateSync(Buffer.alloc(41 * 40)), [chunk('zTXt', text)]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(Number(crc32(body)));
  return Buffer.concat([length, body, sum]);
}

/** A progressive JPEG whose last scan comes again and again: each goes over every block of the image. */
function manyScans(jpeg: Buffer, times: number): Buffer {
  const lastScan = jpeg.lastIndexOf(Buffer.from([0xff, 0xda]));
  const scan = jpeg.subarray(lastScan, jpeg.length - 2);
  return Buffer.concat([
    jpeg.subarray(0, jpeg.length - 2),
    ...Array<Buffer>(times).fill(scan),
    jpeg.subarray(-2),
  ]);
}

function manyFrames(format: 'webp' | 'gif'): Promise<Buffer> {
  const [width, pageHeight, frames] = [64, 64, 300];
  const pixels = Buffer.alloc(width * pageHeight * frames * 3);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = (at >> 12) & 0xff;
  const raw = { width, height: pageHeight * frames, channels: 3, pageHeight } as const;
  return sharp(pixels, { raw, limitInputPixels: false }).toFormat(format, { effort: 1 }).toBuffer();
}
