import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import fc from 'fast-check';
import { isEdgemuxError } from '../../../common/errors.js';
import { isCostly, wholePixels } from '../../../mux/image/decode-cost.js';
import { checkImage } from '../../../mux/image/image-check.js';
import { SHIPPED_ZOO } from '../support/zoos.js';

const limits = { maxBytes: 1 << 20, maxPixels: 1_000_000 };
const photo = sharp({
  create: {
    width: 60,
    height: 40,
    channels: 3,
    background: '#a53',
    noise: { type: 'gaussian', mean: 128, sigma: 40 },
  },
});
const jpeg = await photo.clone().jpeg().toBuffer();
const progressive = await photo.clone().jpeg({ progressive: true }).toBuffer();
const png = await photo.clone().png().toBuffer();
const webp = await photo.clone().webp().toBuffer();
const lossless = await photo.clone().webp({ lossless: true }).toBuffer();
const extended = await photo.clone().ensureAlpha(0.5).webp().toBuffer();

function refused(t: Test, payload: Uint8Array, code: string, some = limits): void {
  try {
    checkImage(payload, some);
  } catch (error) {
    if (!isEdgemuxError(error)) throw error;
    t.equal(error.code, code, error.message);
    return;
  }
  t.fail(`${code} expected`);
}

/** A baseline JPEG whose first scan has one of its components: the others come in scans of their own. */
function inScans(whole: Buffer): Buffer {
  const scan = whole.indexOf(Buffer.from([0xff, 0xda]));
  const header = Buffer.from('ffda0008010100003f00', 'hex');
  return Buffer.concat([whole.subarray(0, scan), header, Buffer.alloc(8, 0x55), Buffer.from('ffd9', 'hex')]);
}

/** A PNG header that promises `width` × `height` pixels of which there are none. */
function hollowPng(width: number, height: number, kind: readonly number[] = [8, 2, 0, 0, 0]): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(8);
    out.writeUInt32BE(data.length, 0);
    out.writeUInt32BE(Number(crc32(body)), 4);
    return Buffer.concat([out.subarray(0, 4), body, out.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set(kind, 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const data = chunk('IDAT', deflateSync(Buffer.alloc(64)));
  return Buffer.concat([signature, chunk('IHDR', header), data, chunk('IEND', Buffer.alloc(0))]);
}

t.test('JPEG, PNG and WebP of every kind pass with their type and size', (t) => {
  for (const bytes of [jpeg, progressive]) {
    t.match(checkImage(bytes, limits), { type: 'jpeg', width: 60, height: 40 });
  }
  t.match(checkImage(png, limits), { type: 'png', width: 60, height: 40 });
  for (const bytes of [webp, lossless, extended]) {
    t.match(checkImage(bytes, limits), { type: 'webp', width: 60, height: 40 });
  }
  t.end();
});

t.test('the shipped sample photographs pass', (t) => {
  const folder = join(SHIPPED_ZOO, 'samples');
  for (const name of readdirSync(folder))
    t.equal(checkImage(readFileSync(join(folder, name)), limits).type, 'jpeg');
  t.end();
});

t.test('an empty payload, one byte too many and plain text are told apart', (t) => {
  refused(t, new Uint8Array(), 'IMAGE_EMPTY');
  refused(t, jpeg, 'IMAGE_TOO_LARGE', { ...limits, maxBytes: jpeg.length - 1 });
  t.equal(checkImage(jpeg, { ...limits, maxBytes: jpeg.length }).type, 'jpeg');
  refused(t, Buffer.from('this is a shopping list'), 'IMAGE_NOT_AN_IMAGE');
  refused(t, Buffer.from('GIF89a........'), 'IMAGE_NOT_AN_IMAGE');
  refused(t, Buffer.from('<svg width="10" height="10"/>'), 'IMAGE_NOT_AN_IMAGE');
  t.end();
});

t.test('a PNG or WebP cut at any point, and a JPEG cut before its first scan, is refused', (t) => {
  for (const whole of [jpeg, progressive]) {
    const scan = whole.indexOf(Buffer.from([0xff, 0xda])) + 4;
    for (let length = 1; length < scan; length += 7) {
      t.throws(() => checkImage(whole.subarray(0, length), limits), { name: 'EdgemuxError' });
    }
    refused(t, whole.subarray(0, scan - 4), 'IMAGE_TRUNCATED');
  }
  for (const whole of [png, webp, lossless, extended]) {
    for (let length = 1; length < whole.length; length += Math.ceil(whole.length / 97)) {
      t.throws(() => checkImage(whole.subarray(0, length), limits), { name: 'EdgemuxError' });
    }
    refused(t, whole.subarray(0, whole.length - 1), 'IMAGE_TRUNCATED');
    refused(t, whole.subarray(0, whole.length / 2), 'IMAGE_TRUNCATED');
  }
  t.end();
});

t.test(
  'a JPEG that is cut in its pixels, or lacks its end marker alone, passes: the decoder can tell',
  (t) => {
    for (const whole of [jpeg, progressive]) {
      for (const bytes of [whole.subarray(0, -2), whole.subarray(0, whole.length * 0.75)])
        t.match(checkImage(bytes, limits), { type: 'jpeg', width: 60, height: 40 });
    }
    t.end();
  },
);

t.test('stray bytes before a marker and a second start marker are passed over', (t) => {
  const stray = Buffer.from([1, 0xff, 0, 0x77]);
  const untidy = [
    Buffer.concat([jpeg.subarray(0, 2), stray, jpeg.subarray(2)]),
    Buffer.concat([jpeg.subarray(0, 20), stray, jpeg.subarray(20)]),
    Buffer.concat([Buffer.from('ffd8ffe10006aabbccdd', 'hex'), jpeg]),
    Buffer.concat([Buffer.from('ffd8', 'hex'), jpeg]),
  ];
  for (const bytes of untidy) t.match(checkImage(bytes, limits), { type: 'jpeg', width: 60, height: 40 });
  t.end();
});

t.test('the header of a thumbnail does not stand for that of the image', (t) => {
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 0]), Buffer.from('Exif\0\0'), jpeg]);
  segment.writeUInt16BE(segment.length - 2, 2);
  const whole = Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
  t.match(checkImage(whole, limits), { type: 'jpeg', width: 60, height: 40 });
  refused(t, whole.subarray(0, segment.length + 2), 'IMAGE_TRUNCATED');
  t.end();
});

t.test('bytes behind the end of an image, as some cameras add, are tolerated', (t) => {
  const padding = Buffer.alloc(37);
  for (const whole of [jpeg, png, webp]) t.ok(checkImage(Buffer.concat([whole, padding]), limits));
  t.end();
});

t.test('50 megapixels are refused by their header alone', (t) => {
  refused(t, hollowPng(10_000, 5_000), 'IMAGE_TOO_MANY_PIXELS', { maxBytes: 1 << 20, maxPixels: 40_000_000 });
  refused(t, hollowPng(0x7fffffff, 0x7fffffff), 'IMAGE_TOO_MANY_PIXELS');
  refused(t, hollowPng(0, 5), 'IMAGE_NOT_AN_IMAGE');
  t.match(checkImage(hollowPng(1000, 1000), limits), { type: 'png', width: 1000, height: 1000 });
  t.end();
});

t.test('what has to be decoded whole may have fewer pixels than a baseline JPEG', (t) => {
  const few = { ...limits, maxWholePixels: 60 * 40 - 1 };
  t.match(checkImage(jpeg, few), { width: 60, height: 40 });
  for (const whole of [progressive, inScans(jpeg), png, webp, lossless, extended])
    refused(t, whole, 'IMAGE_TOO_COSTLY', few);
  const enough = { ...limits, maxWholePixels: 60 * 40 };
  for (const whole of [progressive, inScans(jpeg), png, webp, lossless, extended])
    t.match(checkImage(whole, enough), { width: 60, height: 40 });
  try {
    checkImage(png, few);
  } catch (error) {
    t.match(error, { message: /60 x 40.*it is a PNG.*2399 pixels \(key maxWholePixels\).*1000000/ });
  }
  t.end();
});

t.test(
  'the networks say how much is decoded whole, 9 megapixels at least, unless somebody else does',
  (t) => {
    const [small, large] = [
      { height: 28, width: 28 },
      { height: 1024, width: 1280 },
    ];
    t.equal(wholePixels([small], null), 9_000_000);
    t.equal(wholePixels([small, large], null), 16 * 1024 * 1280);
    t.equal(wholePixels([small, large], 5000), 5000);
    t.end();
  },
);

t.test('the expected cost follows pixels, bits, interlacing, scans and format', (t) => {
  const cost = (bytes: Uint8Array): number =>
    checkImage(bytes, { maxBytes: 1 << 20, maxPixels: 40_000_000 }).decodeMs;
  const of = (depth: number, colourType: number, interlace = 0): number =>
    cost(hollowPng(3000, 3000, [depth, colourType, 0, 0, interlace]));
  t.ok(cost(hollowPng(6000, 6000)) > 3.9 * cost(hollowPng(3000, 3000)), 'pixels');
  t.ok(of(1, 0) < of(8, 0) && of(8, 0) < of(8, 2) && of(8, 2) < of(16, 6), 'bits a pixel');
  t.ok(of(8, 2, 1) > of(8, 2), 'interlaced');
  t.equal(of(8, 3), of(8, 0), 'a palette is one sample');
  t.ok(cost(progressive) > cost(jpeg) && cost(inScans(jpeg)) > cost(jpeg), 'more than one pass');
  const scan = Buffer.from('ffda0008010000000000', 'hex');
  const scans = (n: number): Buffer => Buffer.concat([progressive, ...Array<Buffer>(n).fill(scan)]);
  t.ok(cost(scans(50)) > cost(progressive), 'scans');
  t.equal(cost(scans(1000)), cost(scans(5000)), 'more are not decoded');
  t.ok(cost(lossless) > cost(webp), 'WebP');
  t.ok(isCostly(of(16, 6, 1)));
  t.notOk(isCostly(cost(png)));
  t.end();
});

t.test('a JPEG with garbage, or a scan, where its frame header should be is none', (t) => {
  refused(t, Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(5000)]), 'IMAGE_NOT_AN_IMAGE');
  refused(t, Buffer.from('ffd8ffda0004aaaaffd9', 'hex'), 'IMAGE_NOT_AN_IMAGE');
  refused(t, Buffer.from('ffd8', 'hex'), 'IMAGE_TRUNCATED');
  t.end();
});

t.test('headers without end are given up', (t) => {
  const endless = Buffer.concat([Buffer.from('ffd8', 'hex'), Buffer.alloc(1 << 20, 'ffe00002', 'hex')]);
  refused(t, endless, 'IMAGE_NOT_AN_IMAGE', { ...limits, maxBytes: 2 << 20 });
  const fill = Buffer.concat([Buffer.from('ffd8', 'hex'), Buffer.alloc(1 << 20, 0xff)]);
  refused(t, fill, 'IMAGE_NOT_AN_IMAGE', { ...limits, maxBytes: 2 << 20 });
  const chunks = Buffer.concat([png.subarray(0, 33), Buffer.alloc(1 << 20)]);
  refused(t, chunks, 'IMAGE_TRUNCATED', { ...limits, maxBytes: 2 << 20 });
  t.end();
});

t.test('whatever the bytes, the answer is an image or one of our refusals', (t) => {
  const starts = [Buffer.alloc(0), jpeg.subarray(0, 200), png.subarray(0, 60), webp.subarray(0, 40)];
  fc.assert(
    fc.property(
      fc.constantFrom(...starts),
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(199),
      (start, noise, at) => {
        const bytes = Buffer.concat([start, noise]);
        if (bytes.length > 0) bytes[at % bytes.length]! ^= 0xff;
        try {
          checkImage(bytes, limits);
        } catch (error) {
          return isEdgemuxError(error);
        }
        return true;
      },
    ),
    { numRuns: 2000 },
  );
  t.end();
});
