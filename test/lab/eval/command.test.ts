/** `edgemux eval` on the shipped zoo, whatever it holds, and on one without a mux. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runEval } from '../../../lab/eval/command.js';
import { evalOptions, EVAL_OPTIONS } from '../../../lab/eval/options.js';
import { evalSchema, type EvalReport } from '../../../lab/eval/schema.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { SHIPPED_ZOO } from '../../mux/support/zoos.js';

t.setTimeout(170_000);

async function run(
  dir: string,
  more: Record<string, unknown>,
): Promise<{ report: EvalReport; out: string; progress: string }> {
  const said = { out: '', progress: '' };
  const stream = (to: keyof typeof said) => ({
    write(text: string | Uint8Array) {
      said[to] += String(text);
      return true;
    },
  });
  const options = evalOptions({ out: dir, provider: 'cpu', ...more });
  t.equal(await runEval(options, { out: stream('out'), progress: stream('progress') }), 0);
  const report = evalSchema.parse(JSON.parse(await readFile(join(dir, 'eval.json'), 'utf8')));
  return { report, ...said };
}

t.test('the command line: defaults, and what it refuses by name', (t) => {
  t.match(evalOptions({}), {
    outDir: 'eval-out',
    images: null,
    limit: null,
    seed: 1,
    providers: ['cuda', 'cpu'],
  });
  t.match(evalOptions({ limit: 500, provider: 'cpu', seed: 4 }), {
    limit: 500,
    providers: ['cpu'],
    seed: 4,
  });
  t.throws(() => evalOptions({ limit: 1.5 }), { code: 'CONFIG_INVALID', message: /--limit.*1\.5/ });
  t.throws(() => evalOptions({ provider: 'gpu' }), { code: 'CONFIG_INVALID', message: /--provider.*gpu/ });
  t.throws(() => evalOptions({ seed: -1 }), { code: 'CONFIG_INVALID', message: /--seed/ });
  t.ok(Object.values(EVAL_OPTIONS).every(({ describe }) => describe.length > 0));
  t.end();
});

t.test('the shipped zoo, 500 images: json by its schema, tables, figures, a summary', async (t) => {
  const dir = t.testdir();
  const { report, out, progress } = await run(dir, { limit: 500 });
  const zoo = await loadZoo(SHIPPED_ZOO);
  const { models, mux } = zoo.manifest;
  t.equal(report.images, 500);
  t.same(
    report.models.map(({ id }) => id),
    models.map(({ id }) => id),
  );
  for (const { id, accuracy } of report.models) {
    const said = zoo.modelById(id).accuracy ?? NaN;
    t.ok(
      Math.abs(accuracy.value - said) < 0.05 && accuracy.low <= accuracy.value,
      `${id}: ${accuracy.value}`,
    );
    t.match(out + progress, id);
  }
  const total = report.hardness.reduce((sum, { share }) => sum + share, 0);
  t.ok(Math.abs(total - 1) < 1e-9, 'every image has one hardness');
  t.equal(report.pair?.local, zoo.local?.id);
  t.ok(report.pair?.auroc[0]?.auroc && report.pair.auroc[0].auroc.value > 0.7, 'the mux knows something');
  t.same(report.curves.pair.map(({ name }) => name).slice(0, 4), [
    'mux',
    'cascade',
    'two-stage',
    'three-tier',
  ]);
  t.same(
    report.baselines.pair.map(({ name }) => name),
    ['random', 'oracle', 'features', 'average'],
  );
  t.equal(report.group === null, mux?.group === undefined, 'a group exactly where the zoo has one');
  t.match(report.notes.join(), /first 500 of 10000/);
  const files = await readdir(dir);
  for (const name of ['eval.md', 'fig1.svg', 'hardness.svg', 'accuracy-offload.svg', 'accuracy-flops.svg']) {
    t.ok(files.includes(name), name);
  }
  const svg = await readFile(join(dir, 'accuracy-offload.svg'), 'utf8');
  t.match(svg, /^<svg[\s\S]*frames offloaded \(%\)[\s\S]*<\/svg>\s*$/, 'labelled, with its unit');
  t.match(await readFile(join(dir, 'eval.md'), 'utf8'), /cheapest is/);
});

t.test('the same seed gives the same figures', async (t) => {
  const [a, b] = [
    await run(t.testdir({ a: {}, b: {} }) + '/a', { limit: 60, seed: 5 }),
    await run(t.testdirName + '/b', { limit: 60, seed: 5 }),
  ];
  t.same(a.report.intervals, b.report.intervals);
  t.same(a.report.curves, b.report.curves);
});

t.test('a zoo that is not there, or has no test images, is refused with its name', async (t) => {
  const dir = t.testdir();
  await t.rejects(runEval(evalOptions({ zoo: join(dir, 'none'), out: dir })), { code: 'ZOO_NOT_FOUND' });
});
