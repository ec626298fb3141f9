/**
 * The pixels of the training: what a network sees here against what Pillow, and torchvision's transforms on it, give.
 *
 * On photographs where they lie beside the checkout: 16 of them, or 200 with EDGEMUX_TEST_FULL=1, which also prints the
 * table of docs/your-own-models.md.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { decodePicture, prepare } from '../../../mux/image/prepare.js';
import { FITS, KERNELS, networkInput, type NetworkInput } from '../../../mux/zoo/input.js';
import { argmax } from '../../../mux/rules/probabilities.js';
import { loadZoo, type Zoo } from '../../../mux/zoo/zoo.js';
import { loadTestSet } from '../../../lab/zoo/testset.js';
import { cpuInference, SHIPPED_ZOO } from '../support/zoos.js';
import { Gaps } from './support/gaps.js';
import { Reference, withoutPython } from './support/reference.js';

const PHOTOS = '../shared/data/photos';
const limits = { maxPixels: 40_000_000 };
const full = process.env['EDGEMUX_TEST_FULL'] === '1';
const skip = withoutPython('PIL', 'numpy');
const folder = mkdtempSync(join(tmpdir(), 'edgemux-pixels-'));
const reference = skip === false ? new Reference() : null;
t.teardown(async () => {
  await reference?.stop();
  rmSync(folder, { recursive: true });
});

type Asked = Partial<NetworkInput> & { size: number };
const input = ({ size, ...rest }: Asked): NetworkInput =>
  networkInput({ height: size, width: size, channels: 3, layout: 'NHWC', dtype: 'uint8', ...rest });
const everyWay = (size: number): NetworkInput[] =>
  FITS.flatMap((fit) =>
    KERNELS.map((kernel) => input({ size, fit, kernel, share: fit === 'crop' ? 0.875 : 1 })),
  );

/** As the daemon does it: each input's pixels from a picture that was decoded for that input. */
async function ours(path: string, wanted: NetworkInput): Promise<Uint8Array> {
  return prepare(await decodePicture(readFileSync(path), limits, [wanted]), wanted);
}

/** `count` photographs, spread over all there are; the shipped samples elsewhere. */
function photographs(count: number): string[] {
  const from = existsSync(PHOTOS) ? PHOTOS : join(SHIPPED_ZOO, 'samples');
  const names = readdirSync(from).sort();
  const step = Math.max(1, Math.floor(names.length / count));
  return names
    .filter((_, i) => i % step === 0)
    .slice(0, count)
    .map((name) => join(from, name));
}

/** The middle of a picture as a file of its own, without loss. */
async function middleOf(path: string, width: number, height: number): Promise<string> {
  const cut = join(folder, 'middle.png');
  await sharp(readFileSync(path), { ignoreIcc: true })
    .resize(width, height, { fit: 'cover', kernel: 'nearest' })
    .png()
    .toFile(cut);
  return cut;
}

interface Row {
  way: string;
  input: NetworkInput;
  all: Gaps;
  /** Of the photographs alone, the largest. */
  worstMean: number;
  worstP99: number;
}

const WAYS = [
  { way: 'shrunk to 224', size: 224, file: async (path: string) => path },
  { way: 'shrunk to 96', size: 96, file: async (path: string) => path },
  { way: 'shrunk to 32', size: 32, file: async (path: string) => path },
  { way: 'enlarged from 120×90 to 224', size: 224, file: (path: string) => middleOf(path, 120, 90) },
];

async function compared(paths: string[]): Promise<Row[]> {
  const rows: Row[] = WAYS.flatMap(({ way, size }) =>
    everyWay(size).map((wanted) => ({ way, input: wanted, all: new Gaps(), worstMean: 0, worstP99: 0 })),
  );
  for (const path of paths) {
    for (const { way, file } of WAYS) {
      const asked = rows.filter((row) => row.way === way);
      const made = await file(path);
      const theirs = await reference!.pixels(
        made,
        asked.map((row) => row.input),
      );
      for (const [i, row] of asked.entries()) {
        const pixels = await ours(made, row.input);
        const one = new Gaps();
        for (const gaps of [one, row.all]) gaps.add(pixels, theirs[i]!);
        row.worstMean = Math.max(row.worstMean, one.mean);
        row.worstP99 = Math.max(row.worstP99, one.quantile(0.99));
      }
    }
  }
  return rows;
}

t.test(
  'photographs have the pixels of the training, for every fit and kernel, shrunk and enlarged',
  { skip, timeout: 3_600_000 },
  async (t) => {
    const rows = await compared(photographs(full ? 200 : 16));
    for (const {
      all,
      input: { fit, kernel },
      way,
      worstMean,
      worstP99,
    } of rows) {
      const name = `${way}, ${fit}, ${kernel}`;
      const said = `mean ${all.mean.toFixed(2)}, 99 % within ${all.quantile(0.99)}; of one picture ${worstMean.toFixed(2)}, ${worstP99}`;
      t.ok(all.mean <= 1 && all.quantile(0.99) <= 4, `${name}: ${said}`);
      if (full)
        t.comment(
          `| ${way} | ${fit} | ${kernel} | ${all.mean.toFixed(2)} | ${all.quantile(0.99)} | ${worstMean.toFixed(2)} | ${worstP99} |`,
        );
    }
  },
);

t.test(
  "what the trainer makes of a picture is what torchvision's transforms make of it",
  { skip: skip || withoutPython('torchvision') },
  async (t) => {
    const torchvision = new Reference('torchvision');
    t.teardown(() => torchvision.stop());
    for (const path of photographs(4)) {
      const asked = everyWay(224).filter(({ fit }) => fit !== 'letterbox');
      const [theirs, trainers] = [
        await torchvision.pixels(path, asked),
        await reference!.pixels(path, asked),
      ];
      for (const [i, { fit, kernel }] of asked.entries())
        t.ok(trainers[i]!.equals(theirs[i]!), `${path} ${fit} ${kernel}`);
    }
  },
);

t.test('daemon and trainer see the same of every kind of picture', { skip }, async (t) => {
  const photo = sharp(readFileSync(photographs(1)[0]!))
    .resize(120, 90, { fit: 'fill' })
    .toColourspace('srgb');
  const clear = await photo.clone().ensureAlpha().raw().toBuffer();
  for (let i = 3; i < clear.length; i += 4) clear[i] = (i * 7) % 256;
  const alpha = () => sharp(clear, { raw: { width: 120, height: 90, channels: 4 } });
  const kinds = {
    'grey.png': photo.clone().greyscale().png(),
    'grey.jpg': photo.clone().greyscale().jpeg(),
    'grey16.png': photo.clone().toColourspace('grey16').png(),
    'rgb16.png': photo.clone().toColourspace('rgb16').png(),
    'alpha.png': alpha().png(),
    'alpha-grey.png': alpha().toColourspace('b-w').png(),
    'alpha.webp': alpha().webp({ lossless: true }),
    'palette.png': photo.clone().png({ palette: true, colours: 16 }),
    'palette-clear.png': alpha().png({ palette: true, colours: 32 }),
    'profile.jpg': photo.clone().withIccProfile('p3').jpeg(),
    'cmyk.jpg': photo.clone().toColourspace('cmyk').jpeg(),
    'progressive.jpg': photo.clone().jpeg({ progressive: true }),
    ...Object.fromEntries(
      [2, 3, 4, 5, 6, 7, 8].map((orientation) => [
        `turned-${orientation}.jpg`,
        photo.clone().withMetadata({ orientation }).jpeg(),
      ]),
    ),
  };
  for (const [name, image] of Object.entries(kinds)) {
    const path = join(folder, name);
    writeFileSync(path, await image.toBuffer());
    for (const channels of [3, 1] as const) {
      const asked = [
        input({ size: 48, channels }),
        input({ size: 160, channels, fit: 'letterbox', kernel: 'bicubic' }),
      ];
      const theirs = await reference!.pixels(path, asked);
      for (const [i, wanted] of asked.entries()) {
        const gaps = new Gaps();
        gaps.add(await ours(path, wanted), theirs[i]!);
        t.ok(
          gaps.most <= 3 && gaps.mean <= 0.7,
          `${name} as ${channels} channel(s) of ${wanted.width}: mean ${gaps.mean.toFixed(2)}, at most ${gaps.most} levels apart`,
        );
      }
    }
  }
});

t.test('a case that daemon and trainer once saw differently', { skip }, async (t) => {
  const shared = '../shared/cases/images/png-rgba-alpha0.png';
  const path = existsSync(shared) ? shared : join(folder, 'hidden.png');
  if (path !== shared) {
    const hidden = Buffer.alloc(320 * 240 * 4, Buffer.from([200, 100, 50, 0, 9, 8, 7, 255]));
    await sharp(hidden, { raw: { width: 320, height: 240, channels: 4 } })
      .png()
      .toFile(path);
  }
  const wanted = input({ size: 224, fit: 'crop', share: 0.875, kernel: 'bilinear' });
  const gaps = new Gaps();
  gaps.add(await ours(path, wanted), (await reference!.pixels(path, [wanted]))[0]!);
  t.ok(gaps.most <= 2, `at most ${gaps.most} levels apart`);
});

/** Test images of the shipped zoo as frames of a camera: enlarged, and JPEG. */
async function cameraFrames(zoo: Zoo, count: number): Promise<string[]> {
  const set = await loadTestSet(zoo);
  const { height, width, channels } = zoo.input;
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const path = join(folder, `frame-${i}.jpg`);
      const frame = sharp(set.images(i), { raw: { height, width, channels } }).resize(640, 480, {
        fit: 'fill',
      });
      writeFileSync(path, await frame.jpeg().toBuffer());
      return path;
    }),
  );
}

for (const name of ['fashion-mnist', 'imagenet-lite']) {
  const path = join('models', name);
  const missing = existsSync(join(path, 'manifest.json')) ? false : `${path} is not there`;
  t.test(
    `the networks of ${name} answer the same class as on Pillow's pixels`,
    { skip: skip || missing },
    async (t) => {
      const zoo = await loadZoo(path);
      const paths = name === 'fashion-mnist' ? await cameraFrames(zoo, 200) : photographs(full ? 200 : 100);
      for (const { id } of zoo.manifest.models) {
        const wanted = zoo.inputOf(id);
        const inference = cpuInference(zoo, { models: [id], mux: null });
        await inference.start();
        let same = 0;
        for (const path of paths) {
          const both = [await ours(path, wanted), (await reference!.pixels(path, [wanted]))[0]!];
          const [mine, theirs] = await Promise.all(
            both.map(async (pixels) =>
              argmax((await inference.classify(id, Uint8Array.from(pixels), 1)).probabilities),
            ),
          );
          if (mine === theirs) same += 1;
        }
        await inference.stop();
        t.ok(same >= 0.99 * paths.length, `${id}: ${same} of ${paths.length}`);
      }
    },
  );
}
