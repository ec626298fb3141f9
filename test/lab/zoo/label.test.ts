/** `edgemux label` on the shipped zoo and on folders of pictures, read back as the trainer reads it. */
import { appendFile, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { runLabel } from '../../../lab/zoo/label.js';
import { labelOptions } from '../../../lab/zoo/label-options.js';
import { systemClock } from '../../../common/clock.js';
import { encodeJpeg } from '../../../mux/image/image.js';
import { argmax } from '../../../mux/rules/probabilities.js';
import { loadTestSet } from '../../../lab/zoo/testset.js';
import { loadZoo, type Zoo } from '../../../mux/zoo/zoo.js';
import { candidates, hasTorch } from '../../../scripts/train/run.js';
import { cpuInference, SHIPPED_ZOO } from '../../mux/support/zoos.js';

const rowSchema = z.object({
  image: z.string().optional(),
  index: z.int().optional(),
  label: z.int(),
  correct: z.record(z.string(), z.boolean()),
  probabilities: z.record(z.string(), z.union([z.array(z.number()), z.record(z.string(), z.number())])),
});

const zoo = await loadZoo(SHIPPED_ZOO);
const set = await loadTestSet(zoo);

interface Labelled {
  header: unknown;
  rows: z.infer<typeof rowSchema>[];
  wrote: string;
  said: string;
}

/** Runs the command; `stopAfter` lines of progress stop it. */
async function label(
  argv: Record<string, unknown>,
  stopped = new Promise<unknown>(() => undefined),
): Promise<Labelled> {
  let [wrote, said] = ['', ''];
  const out = String(argv['out']);
  await runLabel(labelOptions({ zoo: SHIPPED_ZOO, provider: 'cpu', threads: 1, ...argv }), {
    clock: systemClock,
    stopped,
    write: (text) => (wrote += text),
    say: (text) => (said += text),
  });
  const [header = '', ...lines] = (await readFile(out, 'utf8')).trimEnd().split('\n');
  const rows = lines.map((line) => rowSchema.parse(JSON.parse(line)));
  return { header: JSON.parse(header), rows, wrote, said };
}

/** `<dir>/val/<class>/<index>.jpg` of the first test images. */
async function pictures(t: Test, count: number, name: (label: number, zoo: Zoo) => string): Promise<string> {
  const dir = t.testdir();
  for (const [k] of zoo.labels.entries()) await mkdir(join(dir, 'val', name(k, zoo)), { recursive: true });
  for (let i = 0; i < count; i += 1) {
    const path = join(dir, 'val', name(set.label(i), zoo), `${i}.jpg`);
    await writeFile(path, await encodeJpeg(set.images(i), zoo.input, 98));
  }
  return dir;
}

t.test('the zoo’s own test set: every model’s probabilities and correctness', async (t) => {
  const out = join(t.testdir(), 'labels.jsonl');
  const { header, rows, wrote } = await label({ out, limit: 150 });
  t.match(header, { format: 'edgemux-labels', version: 1, part: 'test', labels: zoo.labels });
  t.match(header, { models: zoo.manifest.models.map(({ id, flops, roles }) => ({ id, flops, roles })) });
  t.equal(rows.length, 150);
  t.same([rows[0]?.index, rows[149]?.index], [0, 9933], 'taken evenly');
  t.match(wrote, /150 images in .*\n {2}\S+: \d+\.\d % right/);
  const inference = cpuInference(zoo);
  t.teardown(() => inference.stop());
  await inference.start();
  for (const row of rows.slice(0, 5)) {
    t.equal(row.label, set.label(row.index ?? -1));
    for (const { id } of zoo.manifest.models) {
      const { probabilities } = await inference.classify(id, set.images(row.index ?? -1));
      const found = z.array(z.number()).parse(row.probabilities[id]);
      t.ok(probabilities.every((value, k) => Math.abs(value - (found[k] ?? NaN)) < 1e-5));
      t.equal(row.correct[id], argmax(probabilities) === row.label);
    }
  }
  await inference.stop();
});

t.test('a file that is there is gone on with, half a line at its end computed again', async (t) => {
  const out = join(t.testdir(), 'labels.jsonl');
  await label({ out, limit: 100 });
  const whole = await readFile(out, 'utf8');
  await truncate(out, whole.length - 40);
  const { said, rows } = await label({ out, limit: 100 });
  t.match(said, /99 images are in .* already/);
  t.equal(await readFile(out, 'utf8'), whole);
  t.equal(rows.length, 100);
  const again = await label({ out, limit: 100 });
  t.match(again.wrote, /100 images/, 'figures of rows that were there');
  await t.rejects(label({ out, models: 'mobilenet-s,nobody' }), { code: 'ZOO_INVALID' });
  await t.rejects(label({ out, models: zoo.largest.id }), {
    code: 'CONFIG_INVALID',
    message: /other models/,
  });
  await appendFile(out, 'not JSON\n');
  await t.rejects(label({ out, limit: 100 }), { message: /line 102 of .* is no row/ });
});

t.test('a run that is stopped ends between two batches and keeps what it has', async (t) => {
  const out = join(t.testdir(), 'labels.jsonl');
  const { said, rows } = await label({ out }, new Promise((resolve) => setTimeout(resolve, 600)));
  t.match(said, /stopped; the same command goes on/);
  t.ok(rows.length < set.count, `${rows.length} images`);
});

t.test('pictures in folders named as the classes, in ImageNet’s layout', async (t) => {
  const dir = await pictures(t, 120, (k) => (zoo.labels[k] ?? '').replace('/', '_'));
  await writeFile(join(dir, 'val', 'bag', 'broken.jpg'), 'no picture');
  await writeFile(join(dir, 'val', 'bag', 'old.bmp'), 'BM');
  await writeFile(join(dir, 'val', 'bag', 'notes.txt'), 'not looked at');
  const out = join(dir, 'labels.jsonl');
  const { rows, said } = await label({ out, images: dir });
  t.equal(rows.length, 120);
  t.match(said, /left out val\/bag\/broken.jpg: the image cannot be decoded/);
  t.match(said, /2 images could not be used/);
  t.ok(
    rows.every(
      ({ image = '', label }) =>
        image.startsWith(`val/`) && set.label(Number(/\d+/.exec(image)?.[0])) === label,
    ),
  );
  const right = rows.filter(({ correct }) => correct[zoo.largest.id]).length;
  t.ok(right > 95, `${right} of 120 right: labels and pictures belong together`);
  const python = candidates(process.env).find(hasTorch);
  if (python === undefined) return t.comment('no Python with torch: not read by the trainer');
  const code =
    'import sys; sys.path.insert(0, "scripts/train"); from data import labels; print(labels.read(sys.argv[1]).probabilities.shape)';
  const run = spawnSync(python, ['-c', code, out], { encoding: 'utf8' });
  t.equal(run.stdout.trim(), `torch.Size([${zoo.manifest.models.length}, 120, 10])`, run.stderr.slice(-500));
});

t.test('folders of other names are classes in sorted order, one for each, or refused', async (t) => {
  const dir = await pictures(t, 10, (k) => `n0${k}`);
  const { rows, said } = await label({ out: join(dir, 'labels.jsonl'), images: join(dir, 'val') });
  t.match(said, /sorted order \(n00 is t-shirt\/top\)/);
  t.ok(rows.every(({ image = '', label }) => image.startsWith(`n0${label}/`)));
  await mkdir(join(dir, 'val', 'n0x'));
  const refused = label({ out: join(dir, 'more.jsonl'), images: dir });
  await t.rejects(refused, { code: 'CONFIG_INVALID', message: /11 folders for 10 classes/ });
  await t.rejects(label({ out: join(dir, 'none.jsonl'), images: join(dir, 'val', 'n00') }), {
    message: /no pictures/,
  });
});

t.test('IDX files of MNIST’s names', async (t) => {
  const out = join(t.testdir(), 'labels.jsonl');
  const { rows, header } = await label({ out, idx: SHIPPED_ZOO, limit: 20 });
  t.equal(rows.length, 20);
  t.match(header, { part: 'test' });
  await t.rejects(label({ out: join(t.testdirName, 'b.jsonl'), idx: SHIPPED_ZOO, part: 'train' }), {
    code: 'ZOO_INVALID',
  });
});

t.test('flags are checked by name', (t) => {
  const options = (argv: object) => () => labelOptions({ zoo: 'z', out: 'a.jsonl', ...argv });
  t.throws(options({ out: 'labels.csv' }), {
    code: 'CONFIG_INVALID',
    message: /--out must be a file that ends in .labels or .jsonl/,
  });
  t.throws(options({ images: 'a', idx: 'b' }), { message: /--idx/ });
  t.throws(options({ limit: 0 }), { message: /--limit/ });
  t.throws(options({ provider: 'cpu,gpu' }), { message: /--provider.*gpu/ });
  t.throws(options({ part: 'train' }), { message: /--part must be given with --idx/ });
  t.same(options({ provider: 'cpu', models: 'a,b' })().models, ['a', 'b']);
  t.end();
});
