/**
 * Pictures as cameras really send them, odd and damaged ones: what becomes of each. Files that lie beside the checkout
 * (`../shared/cases/images`) are read where they are; everywhere else like ones are made of a picture of our own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { checkImage } from '../../../mux/image/image-check.js';
import { decodePicture, prepare } from '../../../mux/image/prepare.js';
import { unwrapImage } from '../../../mux/image/unwrap.js';
import { networkInput, type Kernel, type NetworkInput } from '../../../mux/zoo/input.js';

const FOLDER = '../shared/cases/images';
const limits = { maxBytes: 1 << 20, maxPixels: 1_000_000 };
const END = Buffer.from([0xff, 0xd9]);
const input = (size: number, kernel: Kernel, channels: 1 | 3 = 3): NetworkInput =>
  networkInput({ height: size, width: size, channels, layout: 'NHWC', dtype: 'uint8', kernel });

const own = await sharp({
  create: {
    width: 320,
    height: 240,
    channels: 3,
    background: '#a53',
    noise: { type: 'gaussian', mean: 128, sigma: 40 },
  },
})
  .jpeg({ quality: 75 })
  .toBuffer();

/** A case by its file's name, or made by `make` where there is no such file. */
function sample(name: string, make: (plain: Buffer) => Buffer): Buffer {
  const path = join(FOLDER, name);
  return existsSync(path) ? readFileSync(path) : make(own);
}

const plain = sample('00-plain.jpg', (bytes) => bytes);

/** The way of a payload: text undone, checked, decoded. */
async function taken(payload: Uint8Array, damaged: 'drop' | 'answer' = 'answer') {
  const image = unwrapImage(payload, limits);
  checkImage(image, limits);
  return decodePicture(image, { ...limits, damaged }, []);
}

const { pixels: whole } = await taken(plain, 'drop');

t.test(
  'a JPEG cut in half with an end marker put on is damaged: refused by default, or decoded and marked',
  async (t) => {
    const half = sample('esp-half-eoi.jpg', (bytes) =>
      Buffer.concat([bytes.subarray(0, bytes.length / 2), END]),
    );
    await t.rejects(taken(half, 'drop'), { code: 'IMAGE_DAMAGED' });
    const picture = await taken(half, 'answer');
    t.equal(picture.damaged, true);
    t.equal(picture.pixels.length, whole.length);
    const upper = whole.length / 4;
    t.same(
      Buffer.from(picture.pixels.slice(0, upper)),
      Buffer.from(whole.slice(0, upper)),
      'what came is there',
    );
  },
);

t.test(
  'a JPEG cut at any place is damaged, with and without an end marker, progressive or not',
  async (t) => {
    const progressive = await sharp(plain).jpeg({ progressive: true }).toBuffer();
    for (const [bytes, from] of [
      [plain, 0.2],
      [progressive, 0.6],
    ] as const) {
      for (let share = from; share < 1; share += 0.13) {
        const cut = bytes.subarray(0, Math.floor(bytes.length * share));
        await t.rejects(taken(cut, 'drop'), { code: 'IMAGE_DAMAGED' }, `at ${share.toFixed(2)}`);
        await t.rejects(taken(Buffer.concat([cut, END]), 'drop'), { code: 'IMAGE_DAMAGED' });
      }
      const last = Buffer.concat([bytes.subarray(0, -6), END]);
      await t.rejects(taken(last, 'drop'), { code: 'IMAGE_DAMAGED' }, 'four bytes before the end');
    }
  },
);

t.test('a JPEG with a hole of zeros is damaged', async (t) => {
  const holed = Buffer.from(plain);
  holed.fill(0, Math.floor(plain.length * 0.5), Math.floor(plain.length * 0.8));
  await t.rejects(taken(holed, 'drop'), { code: 'IMAGE_DAMAGED' });
});

t.test(
  'damage is seen however many pictures are decoded at once, and none is seen in the others',
  async (t) => {
    const cut = Buffer.concat([plain.subarray(0, -60), END]);
    const untidy = Buffer.concat([plain.subarray(0, -2), Buffer.alloc(5), END]);
    const turns = Array.from(
      { length: 240 },
      (_, at) => [plain, cut, plain, untidy, plain, plain][at % 6] ?? plain,
    );
    const found = await Promise.all(
      turns.map((bytes) => taken(bytes, 'answer').then(({ damaged }) => damaged)),
    );
    t.same(
      found,
      turns.map((bytes) => bytes === cut),
    );
  },
);

t.test('what is whole is answered with the pixels of the plain picture, however it comes', async (t) => {
  const text = Buffer.from(plain.toString('base64'));
  const comment = Buffer.concat([Buffer.from('fffe0006', 'hex'), Buffer.from('edge')]);
  const cases = {
    'esp-no-eoi.jpg': sample('esp-no-eoi.jpg', (bytes) => bytes.subarray(0, -2)),
    'double-soi.jpg': sample('double-soi.jpg', (bytes) => Buffer.concat([bytes.subarray(0, 2), bytes])),
    'an EXIF header before a whole file': Buffer.concat([
      Buffer.from('ffd8ffe1000845786966', 'hex'),
      Buffer.alloc(2),
      plain,
    ]),
    'stray bytes before a marker': Buffer.concat([
      plain.subarray(0, 2),
      comment,
      Buffer.from([7, 7, 7]),
      plain.subarray(2),
    ]),
    'stray bytes before the end marker': Buffer.concat([plain.subarray(0, -2), Buffer.alloc(5), END]),
    'half of the end marker': plain.subarray(0, -1),
    'bytes behind the end': Buffer.concat([plain, Buffer.alloc(64, 0x5a)]),
    'dataurl-upper.txt': sample('dataurl-upper.txt', (bytes) =>
      Buffer.from(`data:image/JPEG;base64,${bytes.toString('base64')}`),
    ),
    'b64-quoted.txt': sample('b64-quoted.txt', (bytes) => Buffer.from(`"${bytes.toString('base64')}"`)),
    base64: text,
    'a buffer of Node-RED': Buffer.from(JSON.stringify(plain)),
  };
  for (const [name, payload] of Object.entries(cases)) {
    const picture = await taken(payload, 'drop');
    t.notOk(picture.damaged, name);
    t.ok(Buffer.compare(picture.pixels, whole) === 0, `${name}: the same pixels`);
  }
});

const motion = join(FOLDER, 'uvc-avi1-no-dht.jpg');
const skip = existsSync(motion) ? false : `${motion} is not there`;
t.test('a motion JPEG without Huffman tables decodes by the standard ones', { skip }, async (t) => {
  const picture = await taken(readFileSync(motion), 'drop');
  t.equal(picture.damaged, false);
  t.equal(picture.pixels.length, whole.length);
});

t.test('an edge of 16 pixels enlarged to 32 stays in the middle, and a ramp keeps its mean', async (t) => {
  const line = (make: (x: number) => number) =>
    sharp(
      Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => make(Math.floor(i / 3) % 16)),
      {
        raw: { width: 16, height: 16, channels: 3 },
      },
    )
      .png()
      .toBuffer();
  const made = { step: await line((x) => (x < 8 ? 0 : 255)), ramp: await line((x) => x * 16) };
  const first = async (name: 'step' | 'ramp', kernel: Kernel) => {
    const picture = await taken(sample(`${name}16.png`, () => made[name]));
    const pixels = await prepare(picture, input(32, kernel));
    return [...pixels.slice(0, 32 * 3)].filter((_, i) => i % 3 === 0);
  };
  // Pillow 9.4's own lines: the test of pixels asks it anew where it is installed
  t.same((await first('step', 'bilinear')).slice(13, 19), [0, 0, 64, 191, 255, 255]);
  t.same((await first('step', 'bicubic')).slice(13, 19), [0, 0, 52, 203, 255, 255]);
  t.same((await first('step', 'lanczos')).slice(11, 20), [2, 8, 0, 0, 54, 201, 255, 255, 247]);
  t.same((await first('ramp', 'bilinear')).slice(0, 5), [0, 4, 12, 20, 28]);
  t.same((await first('ramp', 'bicubic')).slice(0, 5), [0, 3, 11, 20, 28]);
  t.same((await first('ramp', 'lanczos')).slice(0, 5), [0, 2, 11, 21, 29]);
});

t.test('what hides behind transparency is black', async (t) => {
  const clear = await sharp(Buffer.alloc(320 * 240 * 4, Buffer.from([200, 100, 50, 0])), {
    raw: { width: 320, height: 240, channels: 4 },
  })
    .png()
    .toBuffer();
  const bytes = sample('png-rgba-alpha0.png', () => clear);
  const picture = await taken(bytes);
  const alpha = await sharp(bytes).ensureAlpha().extractChannel(3).raw().toBuffer();
  const seen = alpha.filter((value, i) => value === 0 && (picture.pixels[i * 3] ?? 1) > 0);
  t.ok(alpha.includes(0), 'some of it is transparent');
  t.equal(seen.length, 0, 'and none of that is seen');
});
