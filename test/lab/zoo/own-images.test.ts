/** A zoo without test images: eval, calibrate, demo and measure take labelled pictures of one's own. */
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { demoFrames } from '../../../lab/demo/images.js';
import { demoOptions } from '../../../lab/demo/options.js';
import { calibrateOptions } from '../../../lab/calibrate/options.js';
import { zooRows } from '../../../lab/calibrate/zoo-rows.js';
import { runEval } from '../../../lab/eval/command.js';
import { evalOptions } from '../../../lab/eval/options.js';
import { evalSchema } from '../../../lab/eval/schema.js';
import { campaignImages } from '../../../lab/measure/run/images.js';
import { measureOptions } from '../../../lab/measure/options.js';
import { evaluationImages } from '../../../lab/zoo/labelled.js';
import { encodePng } from '../../../mux/image/image.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import { both, imported, LABELS, SIDE } from './support/tiny.js';

const EACH = 12;

/** `<dir>/<name of class k>/<i>.png`, pictures of noise; one more that is none. */
async function pictures(t: Test, name: (k: number) => string): Promise<string> {
  const dir = join(t.testdirName, 'pictures', name(0));
  for (const k of LABELS.keys()) {
    await mkdir(join(dir, name(k)), { recursive: true });
    for (let i = 0; i < EACH; i += 1) {
      const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, p) => (p * 31 + i * 57 + k * 91) % 256);
      const png = await encodePng(pixels, { height: SIDE, width: SIDE, channels: 3 });
      await writeFile(join(dir, name(k), `${i}.png`), png);
    }
  }
  return dir;
}

async function tinyZoo(t: Test, extra: Record<string, unknown> = {}): Promise<Zoo> {
  t.testdir();
  const { zoo } = await imported(t, both(), extra, join(t.testdirName, 'zoo'));
  return zoo;
}

async function evaluated(t: Test, zoo: Zoo, more: Record<string, unknown>) {
  const out = join(t.testdirName, 'eval');
  const stream = { write: () => true };
  await runEval(evalOptions({ zoo: zoo.dir, out, provider: 'cpu', ...more }), {
    out: stream,
    progress: stream,
  });
  return evalSchema.parse(JSON.parse(await readFile(join(out, 'eval.json'), 'utf8')));
}

t.test('each command takes a folder', async (t) => {
  const zoo = await tinyZoo(t);
  const dir = await pictures(t, (k) => LABELS[k] ?? '');
  await writeFile(join(dir, 'cat', 'broken.png'), 'no picture');
  const total = EACH * LABELS.length;
  const report = await evaluated(t, zoo, { images: dir });
  t.equal(report.images, total);
  t.match(report.notes.join(), /1 images could not be used; the first: cat\/broken.png/);
  const some = await evaluated(t, zoo, { images: dir, limit: 9 });
  t.match(some.notes.join(), /9 of 37 images only/);
  const budget = { offload: 0.3, zoo: zoo.dir, provider: 'cpu' };
  const rows = await zooRows(zoo, 'cascade', calibrateOptions({ ...budget, images: dir }, null));
  t.equal(rows.length, total);
  const { dealt } = await demoFrames(zoo, { frames: 50, cameras: 2, seed: 1, images: dir });
  t.same(new Set(dealt.map(({ truth }) => truth)), new Set([0, 1, 2]));
  const campaign = await campaignImages(zoo, dir, 10, 1);
  t.ok(campaign.rows.every(({ name, label }) => name.startsWith(`${LABELS[label]}/`)));
});

t.test('folders are named by label, by index or by WordNet id, and may be links', async (t) => {
  const ids = ['n02121808', 'n02084071', 'n01887787'];
  const labels = join(
    t.testdir({ 'labels.txt': LABELS.map((name, k) => `${ids[k]} ${name}`).join('\n') }),
    'labels.txt',
  );
  const { zoo } = await imported(t, both(), { labels }, join(t.testdirName, 'zoo'));
  t.same(zoo.manifest.classIds, ids);
  t.same(zoo.labels, LABELS);
  for (const name of [
    (k: number) => String(k),
    (k: number) => ids[k] ?? '',
    (k: number) => (LABELS[k] ?? '').toUpperCase(),
  ]) {
    const dir = await pictures(t, name);
    await rename(join(dir, name(2)), join(t.testdirName, `moved-${name(0)}`));
    await symlink(join(t.testdirName, `moved-${name(0)}`), join(dir, name(2)));
    await symlink(dir, join(dir, name(1), 'round'));
    const images = await evaluationImages(zoo, dir);
    const keys = Array.from({ length: images.count }, (_, i) => String(images.key(i)));
    t.equal(keys.filter((key) => !key.includes('round')).length, EACH * LABELS.length);
    t.ok(keys.length < 5 * EACH * LABELS.length, 'a link that leads back is not followed for ever');
    t.same(
      LABELS.map((_, k) =>
        Array.from({ length: images.count }, (__, i) => i).find((i) => images.label(i) === k),
      ).map((i) => String(images.key(i ?? -1)).split('/')[0]),
      [name(0), name(1), name(2)],
    );
  }
});

t.test('an import lists test images, and pictures that moved are named again', async (t) => {
  t.testdir();
  const dir = await pictures(t, (k) => LABELS[k] ?? '');
  const { zoo, said } = await imported(t, both(), { test: dir }, join(t.testdirName, 'zoo'));
  t.match(said, /test images: a list of 36/);
  t.match(zoo.manifest.testList, { file: 'test-images.json', count: 36 });
  t.equal((await evaluated(t, zoo, {})).images, 36);
  const moved = `${dir}-moved`;
  await rename(dir, moved);
  await t.rejects(evaluated(t, zoo, {}), {
    code: 'CONFIG_INVALID',
    message: /name their folder with --images/,
  });
  t.equal((await evaluated(t, zoo, { images: moved })).images, 36);
});

t.test('without pictures the remedy is named, and a bare number is refused', async (t) => {
  const zoo = await tinyZoo(t);
  await t.rejects(evaluated(t, zoo, {}), { code: 'ZOO_INVALID', message: /no test images.*--images/ });
  const refusal = { code: 'CONFIG_INVALID', message: /--images must be a folder.*--limit 500 \(got 500\)/ };
  const measure = {
    setups: 'hybrid',
    link: 'none',
    frames: 1,
    repeat: 1,
    'warm-up': 0,
    idle: 1,
    bucket: 10,
    seed: 1,
  };
  t.throws(() => evalOptions({ images: '500' }), refusal);
  t.throws(() => calibrateOptions({ offload: 0.1, images: '500' }, null), refusal);
  t.throws(() => demoOptions({ images: '500', frames: 1, rate: 'auto', cameras: 1, seed: 1 }), refusal);
  t.throws(() => measureOptions({ ...measure, images: '500' }, null), refusal);
  t.equal(measureOptions({ ...measure, data: 'photos' }, null).data, 'photos', 'the former name');
  t.equal(measureOptions(measure, null).data, 'zoo');
});

t.test(
  'pictures without labels are frames of a camera, and figures that need labels are refused',
  async (t) => {
    const ids = ['n02121808', 'n02084071', 'n01887787'];
    t.testdir({ 'labels.txt': LABELS.map((name, k) => `${ids[k]} ${name}`).join('\n') });
    const labels = join(t.testdirName, 'labels.txt');
    const { zoo } = await imported(t, both(), { labels }, join(t.testdirName, 'zoo'));
    const [flat, mixed] = [join(t.testdirName, 'flat'), join(t.testdirName, 'mixed')];
    for (const dir of [flat, mixed]) await mkdir(dir);
    const png = await encodePng(new Uint8Array(SIDE * SIDE * 3), { height: SIDE, width: SIDE, channels: 3 });
    for (const [k, id] of ids.entries()) {
      await writeFile(join(flat, `${id}_${k}.png`), png);
      await writeFile(join(mixed, `${id}_${k}.png`), png);
    }
    await writeFile(join(mixed, 'holiday.png'), png);
    const some = { frames: 8, cameras: 2, seed: 1 };
    const named = await demoFrames(zoo, { ...some, images: flat });
    t.same(
      new Set(named.dealt.map(({ truth }) => truth)),
      new Set([0, 1, 2]),
      'by the WordNet ids in their names',
    );
    t.equal(named.note, null);
    const plain = await demoFrames(zoo, { ...some, images: mixed });
    t.ok(plain.dealt.every(({ truth }) => truth === null));
    t.match(plain.note, /its 4 pictures show, so there is no accuracy/);
    await t.rejects(evaluated(t, zoo, { images: mixed }), {
      code: 'CONFIG_INVALID',
      message: /nothing says what holiday\.png shows\. Put each into a folder named for its class/,
    });
    await t.rejects(demoFrames(zoo, { ...some, images: join(t.testdirName, 'none') }), {
      code: 'CONFIG_INVALID',
    });
    const misspelt = join(await pictures(t, (k) => LABELS[k] ?? ''));
    await rename(join(misspelt, 'dog'), join(misspelt, 'dgo'));
    await t.rejects(demoFrames(zoo, { ...some, images: misspelt }), {
      message: /'dgo' \(the nearest label is 'dog'\)/,
    });
  },
);
