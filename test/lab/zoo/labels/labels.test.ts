/** Labels files: both forms hold the same, parts merge to the whole, a killed run goes on, and the trainer reads them. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../../../common/clock.js';
import { seededRandom } from '../../../../common/random.js';
import { copyOptions, labelOptions } from '../../../../lab/zoo/label-options.js';
import { runLabel } from '../../../../lab/zoo/label.js';
import { codeOf, decode, encode, probabilityOf } from '../../../../lab/zoo/labels/codes.js';
import { runLabelCopy } from '../../../../lab/zoo/labels/copy.js';
import type { LabelRow, LabelsHeader } from '../../../../lab/zoo/labels/header.js';
import { readLabels } from '../../../../lab/zoo/labels/read.js';
import { labelRow, openLabels } from '../../../../lab/zoo/labels/write.js';
import { argmax } from '../../../../mux/rules/probabilities.js';
import { candidates, hasTorch } from '../../../../scripts/train/run.js';
import { until } from '../../../support/until.js';
import { SHIPPED_ZOO } from '../../../mux/support/zoos.js';

const IDS = ['small', 'big'];

function headerOf(classes: number, images: LabelsHeader['images'], muxes = false): LabelsHeader {
  return {
    format: 'edgemux-labels',
    version: 1,
    labels: Array.from({ length: classes }, (_, k) => `class ${k}`),
    part: 'test',
    models: IDS.map((id, m) => ({ id, flops: 10 ** m, roles: [m === 0 ? 'local' : 'cloud'] })),
    images,
    ...(muxes ? { muxes: { pair: { flops: 1 }, group: { flops: 2, models: IDS } } } : {}),
  };
}

/** A softmax of seeded logits, as sharp as networks are. */
function vector(random: () => number, classes: number): Float32Array {
  const logits = Float64Array.from({ length: classes }, () => 12 * random() ** 3);
  const weights = logits.map((logit) => Math.exp(logit));
  const sum = weights.reduce((total, one) => total + one, 0);
  return Float32Array.from(weights, (one) => one / sum);
}

function rowsOf(count: number, header: LabelsHeader): LabelRow[] {
  const random = seededRandom(7);
  const classes = header.labels.length;
  const vectors = IDS.length + (header.muxes ? 2 : 0);
  const share = () => Math.fround(random());
  return Array.from({ length: count }, (_, n) =>
    labelRow(header.images === 'paths' ? `val/кот/${n}.jpg` : 3 * n, n % classes, IDS.length, {
      probabilities: Array.from({ length: vectors }, () => vector(random, classes)),
      score: header.muxes ? share() : null,
      correct: header.muxes ? Float32Array.of(share(), share()) : null,
      weights: header.muxes ? Float32Array.of(share(), share()) : null,
    }),
  );
}

const OPTIONS = { top: null, longestName: 20 };

async function written(path: string, header: LabelsHeader, rows: LabelRow[], top: number | null = null) {
  const file = await openLabels(path, header, { ...OPTIONS, top });
  for (let n = 0; n < rows.length; n += 30) await file.append(rows.slice(n, n + 30));
  await file.close();
}

async function read(path: string): Promise<LabelRow[]> {
  const rows: LabelRow[] = [];
  for await (const row of (await readLabels(path)).rows()) rows.push(row);
  return rows;
}

const farthest = (a: LabelRow, b: LabelRow): number =>
  Math.max(
    ...a.outputs.probabilities.flatMap((one, v) =>
      Array.from(one, (p, k) => Math.abs(p - (b.outputs.probabilities[v]?.[k] ?? NaN))),
    ),
  );

t.test('a code keeps p and 1 − p, zero, one and the order of what it holds', (t) => {
  for (const p of [1, 0.9999, 0.99, 0.5, 0.1, 1e-3, 1e-6, 1e-9]) {
    const back = probabilityOf(codeOf(p));
    t.ok(Math.abs(back - p) <= 0.005 * p, `${p} as ${back}`);
    t.ok(Math.abs(back - p) <= 1e-3 * (1 - p) + 1e-7 || p < 0.9, `1 − ${p} as ${1 - back}`);
  }
  t.equal(codeOf(0), codeOf(1e-12));
  t.equal(probabilityOf(codeOf(1)), 1);
  const close = Float32Array.of(0.1, 0.44999, 0.45001, 0.00001);
  const [codes, found] = [new Uint16Array(4), new Float32Array(4)];
  encode(close, codes);
  decode(codes, found);
  t.equal(argmax(found), 2, 'the answer stays the answer where two round alike');
  t.end();
});

t.test('records and lines hold the same rows, with and without the muxes', async (t) => {
  const dir = t.testdir();
  for (const [images, muxes] of [
    ['paths', true],
    ['indices', false],
  ] as const) {
    const header = headerOf(10, images, muxes);
    const rows = rowsOf(100, header);
    const files = ['labels', 'jsonl'].map((ending) => join(dir, `${images}.${ending}`));
    for (const file of files) await written(file, header, rows);
    for (const file of files) {
      const found = await read(file);
      t.same(
        found.map(({ image, label, right }) => [image, label, right]),
        rows.map(({ image, label, right }) => [image, label, right]),
        file,
      );
      t.ok(found.every((row, n) => farthest(row, rows[n]!) < 1e-3));
      const scores = found.map(({ outputs }) => outputs.score);
      t.ok(scores.every((score, n) => Math.abs((score ?? 0) - (rows[n]?.outputs.score ?? 0)) < 1e-6));
      if (file.endsWith('.labels')) {
        t.same(found[5]?.outputs.weights, rows[5]?.outputs.weights, 'numbers of the muxes to the last bit');
        t.same(found[5]?.outputs.correct, rows[5]?.outputs.correct);
      }
    }
  }
});

t.test('with --top the largest stay and the others share the rest', async (t) => {
  const file = join(t.testdir(), 'top.labels');
  const header = headerOf(200, 'paths');
  const rows = rowsOf(40, header);
  await written(file, header, rows, 8);
  const full = join(t.testdirName, 'full.labels');
  await written(full, header, rows);
  t.ok((await stat(file)).size < (await stat(full)).size / 4);
  for (const [n, row] of (await read(file)).entries()) {
    t.same(row.right, rows[n]?.right);
    for (const [v, found] of row.outputs.probabilities.entries()) {
      const wanted = rows[n]!.outputs.probabilities[v]!;
      const kept = [...wanted].sort((a, b) => b - a)[7]!;
      t.ok(found.every((p, k) => wanted[k]! < kept || Math.abs(p - wanted[k]!) < 1e-3));
      t.ok(Math.abs(found.reduce((sum, p) => sum + p, 0) - 1) < 2e-3);
    }
  }
});

t.test('a file that ends in half a record, or holds a broken one, is gone on with', async (t) => {
  const file = join(t.testdir(), 'a.labels');
  const header = headerOf(10, 'paths', true);
  const rows = rowsOf(50, header);
  await written(file, header, rows);
  const whole = await readFile(file);
  const record = (whole.length - (await headerLength(file))) / 50;
  await truncate(file, whole.length - 5);
  await t.rejects(read(file), { code: 'CONFIG_INVALID', message: /row 50 of .* is not whole/ });
  const again = await openLabels(file, header, OPTIONS);
  t.equal(again.done.size, 49);
  t.equal(again.cut, 1);
  t.equal(again.tally.rows, 49);
  await again.append(rows.slice(49));
  await again.close();
  t.ok((await readFile(file)).equals(whole), 'byte by byte the file of an undisturbed run');
  const handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(32), 0, 32, whole.length - 2 * record + 68); // a block that never reached the disk
  await handle.close();
  const broken = await openLabels(file, header, OPTIONS);
  await broken.close();
  t.same([broken.done.size, broken.cut], [48, 2]);
  await t.rejects(openLabels(file, headerOf(11, 'paths', true), OPTIONS), { code: 'CONFIG_INVALID' });
  await t.rejects(openLabels(file, header, { ...OPTIONS, top: 3 }), { message: /or --top/ });
  const foreign = join(t.testdirName, 'notes.labels');
  await writeFile(foreign, 'not to be lost');
  await t.rejects(openLabels(foreign, header, OPTIONS), { message: /holds something else/ });
  t.equal(await readFile(foreign, 'utf8'), 'not to be lost');
});

async function headerLength(file: string): Promise<number> {
  return 16 + (await readFile(file)).readUInt32LE(12);
}

/** Runs the command; what it said. */
async function label(argv: Record<string, unknown>): Promise<{ wrote: string; said: string }> {
  let [wrote, said] = ['', ''];
  await runLabel(labelOptions({ zoo: SHIPPED_ZOO, provider: 'cpu', threads: 1, ...argv }), {
    clock: systemClock,
    stopped: new Promise(() => undefined),
    write: (text) => (wrote += text),
    say: (text) => (said += text),
  });
  return { wrote, said };
}

const MODELS = 'mobilenet-s,wide-resnet-l';

t.test('parts of --shard merge to the file of the whole; the same part twice is refused', async (t) => {
  const dir = t.testdir();
  const whole = join(dir, 'whole.labels');
  await label({ out: whole, limit: 100, models: MODELS, mux: true });
  const parts = [1, 2, 3].map((n) => join(dir, `${n}.labels`));
  for (const [n, out] of parts.entries())
    await label({ out, limit: 100, models: MODELS, mux: true, shard: `${n + 1}/3` });
  const out = join(dir, 'merged.labels');
  let said = '';
  t.equal(await runLabelCopy(copyOptions({ in: parts, out }, Infinity), (text) => (said += text)), 0);
  t.match(said, /100 rows of 3 file/);
  const [wanted, merged] = [await read(whole), await read(out)];
  const named = ({ image, label: k, right }: LabelRow) => [image, k, right];
  t.same(merged.map(named), wanted.map(named), 'in the order of the whole');
  t.ok(merged.every((row, n) => farthest(row, wanted[n]!) < 1e-4));
  const twice = copyOptions({ in: [parts[0], parts[0]], out: join(dir, 'x.labels') }, Infinity);
  await t.rejects(runLabelCopy(twice), { code: 'CONFIG_INVALID', message: /name each part once/ });
  await t.rejects(runLabelCopy(copyOptions({ in: parts, out }, Infinity)), { message: /is there already/ });
  const lines = join(dir, 'lines.jsonl');
  const back = join(dir, 'back.labels');
  await runLabelCopy(copyOptions({ in: out, out: lines }, 1), () => undefined);
  await runLabelCopy(copyOptions({ in: [lines], out: back }, 1), () => undefined);
  t.same((await read(back)).map(named), wanted.map(named), 'to lines and back');
  t.throws(() => labelOptions({ zoo: 'z', out: 'a.labels', shard: '4/3' }), { message: /--shard/ });
  t.throws(() => labelOptions({ zoo: 'z', out: 'a.jsonl', top: 5 }), { message: /--top/ });
});

t.test('a run that is killed goes on: no image twice, none missing', async (t) => {
  const file = join(t.testdir(), 'killed.labels');
  const argv = ['label', '--zoo', SHIPPED_ZOO, '--provider', 'cpu', '--models', MODELS, '--out', file];
  const child = spawn(process.execPath, ['dist/agent/main.js', ...argv, '--limit', '4000', '--batch', '8'], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await until('rows in the file', async () => ((await stat(file).catch(() => null))?.size ?? 0) > 20_000);
  child.kill('SIGKILL');
  await ended;
  t.ok((await stat(file)).size > (await headerLength(file)), 'rows were there');
  await label({ out: file, limit: 4000, models: MODELS });
  const found = (await read(file)).map(({ image }) => image);
  t.equal(found.length, 4000);
  t.equal(new Set(found).size, 4000);
});

t.test('the trainer reads records as it reads lines', async (t: Test) => {
  const python = candidates(process.env).find(hasTorch);
  if (python === undefined) return t.comment('no Python with torch: not read by the trainer');
  const dir = t.testdir();
  const header = headerOf(40, 'paths', true);
  const rows = rowsOf(120, header);
  const [full, top, lines] = ['full.labels', 'top.labels', 'lines.jsonl'].map((name) => join(dir, name));
  await written(full!, header, rows);
  await written(top!, header, rows, 12);
  await written(lines!, header, rows);
  const code = `import sys; sys.path.insert(0, "scripts/train")
from data import labels
one, other, third = (labels.read(path) for path in sys.argv[1:])
assert one.images == other.images == third.images, one.images[:2]
assert one.truth.equal(third.truth) and one.models[0]["id"] == "small"
print(tuple(one.probabilities.shape), (one.probabilities - third.probabilities).abs().max().item() < 2e-3,
      (other.probabilities - one.probabilities).abs().max().item() < 0.05, one.images[3],
      all(f.probabilities.argmax(2).equal(one.probabilities.argmax(2)) for f in (other, third)))`;
  const run = spawnSync(python, ['-c', code, full!, top!, lines!], { encoding: 'utf8' });
  t.equal(run.stdout.trim(), '(2, 120, 40) True True val/кот/3.jpg True', run.stderr.slice(-800));
  await copyFile(full!, join(dir, 'short.labels'));
  await truncate(join(dir, 'short.labels'), (await stat(full!)).size - 3);
  const short = spawnSync(python, ['-c', code, join(dir, 'short.labels'), full!, full!], {
    encoding: 'utf8',
  });
  t.match(short.stderr, /its last row is not whole/);
});

t.test('a damaged picture is left out, counted and said', async (t) => {
  const { encodeJpeg } = await import('../../../../mux/image/image.js');
  const { loadTestSet } = await import('../../../../lab/zoo/testset.js');
  const { loadZoo } = await import('../../../../mux/zoo/zoo.js');
  const zoo = await loadZoo(SHIPPED_ZOO);
  const set = await loadTestSet(zoo);
  const dir = t.testdir();
  for (const [k] of zoo.labels.entries()) await mkdir(join(dir, `${k}`), { recursive: true });
  for (let i = 0; i < 20; i += 1)
    await writeFile(join(dir, `${set.label(i)}`, `${i}.jpg`), await encodeJpeg(set.images(i), zoo.input, 95));
  const whole = await encodeJpeg(set.images(0), zoo.input, 95);
  const cut = Buffer.concat([whole.subarray(0, whole.length - 60), Buffer.from([0xff, 0xd9])]);
  await writeFile(join(dir, '0', 'cut.jpg'), cut);
  await writeFile(join(dir, '0', 'none.jpg'), 'no picture');
  const { said, wrote } = await label({ out: join(dir, 'a.labels'), images: dir });
  t.match(said, /left out 0\/cut.jpg: a part of the image is missing or broken/);
  t.match(said, /2 images could not be used, 1 of them damaged/);
  t.match(wrote, /20 images in/);
});
