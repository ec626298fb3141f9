/** `edgemux eval` on zoos that are more, and less, than a pair with a mux: the shipped networks with other manifests. */
import { createHash } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runEval } from '../../../lab/eval/command.js';
import { evalOptions } from '../../../lab/eval/options.js';
import { evalSchema, type EvalReport } from '../../../lab/eval/schema.js';
import type { Manifest } from '../../../mux/zoo/zoo.js';
import { FLOAT, floats, node, onnxModel, tensorInfo, UINT8 } from '../../mux/support/onnx.js';
import { SHIPPED_ZOO } from '../../mux/support/zoos.js';

t.setTimeout(170_000);
const PIXELS = 28 * 28;

/** A group mux that looks at all pixels through fixed weights: `models` chances and weights, ten classes. */
function groupMux(models: number): Buffer {
  const wave = (columns: number) =>
    Array.from({ length: PIXELS * columns }, (_, i) => Math.sin(i * 1.7) / 20_000 + 1 / 400_000);
  return onnxModel({
    nodes: [
      node('Cast', ['images'], 'f', { to: FLOAT }),
      node('Flatten', ['f'], 'x', { axis: 1 }),
      node('MatMul', ['x', 'a'], 'z'),
      node('Sigmoid', ['z'], 'correct'),
      node('Softmax', ['z'], 'weights', { axis: 1 }),
      node('MatMul', ['x', 'b'], 'y'),
      node('Softmax', ['y'], 'probabilities', { axis: 1 }),
    ],
    initializers: [floats('a', [PIXELS, models], wave(models)), floats('b', [PIXELS, 10], wave(10))],
    inputs: [tensorInfo('images', UINT8, ['N', 28, 28, 1])],
    outputs: [
      tensorInfo('correct', FLOAT, ['N', models]),
      tensorInfo('weights', FLOAT, ['N', models]),
      tensorInfo('probabilities', FLOAT, ['N', 10]),
    ],
  });
}

/** Evaluates a copy of the shipped zoo whose manifest was changed. */
async function evaluated(
  dir: string,
  change: (manifest: Manifest) => void | Promise<void>,
  images = 120,
): Promise<{ report: EvalReport; out: string; markdown: string }> {
  const zoo = join(dir, 'zoo');
  await cp(SHIPPED_ZOO, zoo, { recursive: true });
  const manifest = JSON.parse(await readFile(join(zoo, 'manifest.json'), 'utf8')) as Manifest;
  await change(manifest);
  await writeFile(join(zoo, 'manifest.json'), JSON.stringify(manifest));
  let out = '';
  const to = { write: (text: string | Uint8Array) => ((out += String(text)), true) };
  const options = evalOptions({ zoo, out: join(dir, 'out'), limit: images, provider: 'cpu' });
  await runEval(options, { out: to, progress: { write: () => true } });
  const read = (name: string) => readFile(join(dir, 'out', name), 'utf8');
  return {
    out,
    report: evalSchema.parse(JSON.parse(await read('eval.json'))),
    markdown: await read('eval.md'),
  };
}

t.test('a zoo with a group: Table II, its curves and baselines', async (t) => {
  const dir = t.testdir();
  const ids: string[] = [];
  const { report, out, markdown } = await evaluated(dir, async (manifest) => {
    const members = [...manifest.models].sort((a, b) => a.flops - b.flops).slice(-2);
    ids.push(...members.map(({ id }) => id));
    const bytes = groupMux(2);
    await writeFile(join(dir, 'zoo', 'mux-made-up.onnx'), bytes);
    manifest.mux = {
      ...manifest.mux,
      group: {
        file: 'mux-made-up.onnx',
        sha256: createHash('sha256').update(bytes).digest('hex'),
        bytes: bytes.length,
        architecture: 'linear',
        flops: 7840,
        accuracy: null,
        auroc: null,
        models: ids,
      },
    };
    const target = { saving: 2.85, mu: 0.1 };
    manifest.policy.calibration = {
      ...manifest.policy.calibration,
      group: {
        policy: 'escalate',
        mu: 0.1,
        threshold: 0.288,
        exponents: [0.5, 1],
        escalate: { mu: 0, confidence: 0.8, ladder: [0, 1] },
        targets: [
          { policy: 'single', ...target },
          { policy: 'escalate', ...target, confidence: 0.7, ladder: [0, 1] },
        ],
      },
    };
  });
  t.same(report.group?.models, ids);
  t.same(
    report.group?.tableII.map(({ policy, shipped, wantedSaving }) => [policy, shipped, wantedSaving]),
    [
      ['escalate', true, null],
      ['ensemble', false, null],
      ['single', false, 2.85],
      ['escalate', false, 2.85],
    ],
  );
  t.equal(report.curves.group.length, 3);
  t.same(
    report.baselines.group.map(({ name }) => name),
    ['cascade', 'random', 'oracle', 'average'],
  );
  t.match(out, /escalate \(shipped\)/);
  t.match(markdown, /Table II/);
  t.match(await readFile(join(dir, 'out', 'group-called.svg'), 'utf8'), /images \(%\)/);
});

t.test('a pair without a mux: the cascade alone, and the report says what is missing', async (t) => {
  const { report, markdown } = await evaluated(t.testdir(), (manifest) => {
    delete manifest.mux;
    manifest.policy = { mode: 'cascade', thresholds: { confidence: 0.8 } };
  });
  t.equal(report.pair?.mux, null);
  t.same(
    report.pair?.tableI.map(({ setup }) => setup),
    ['mobile-only', 'cloud-only', 'cascade'],
  );
  t.ok(report.hardness.every(({ muxScore }) => muxScore === null));
  t.match(report.notes.join(' '), /No mux for the pair.*No group/);
  t.match(markdown, /only the cascade is judged/);
});

t.test('calibrated thresholds are used where the zoo has them', async (t) => {
  const { report } = await evaluated(
    t.testdir(),
    (manifest) => {
      manifest.policy.calibration = {
        modes: { cascade: { thresholds: { confidence: 0.9 } } },
        targets: [{ mode: 'cascade', gap: 0.9, upload: 4, thresholds: { confidence: 0.77 } }],
      };
    },
    1000,
  );
  t.same(report.pair?.tableI.find(({ setup }) => setup === 'cascade')?.thresholds, { confidence: 0.9 });
  const rows = report.pair?.costs
    .filter(({ gapShare, upload }) => gapShare === 0.9 && upload === 4)
    .flatMap((table) => table.rows.filter(({ policy }) => policy === 'cascade'));
  t.ok(rows?.length === 2 && rows.every(({ basis }) => basis === 'calibration'));
  t.same(rows?.[0]?.thresholds, [{ confidence: 0.77 }]);
  const others = report.pair?.costs.filter(({ gapShare }) => gapShare === 0.5).flatMap((table) => table.rows);
  t.ok(others?.some(({ policy, basis }) => policy === 'cascade' && basis === 'cross-fit'));
});

t.test('one model alone: no pair, no group, and still a report', async (t) => {
  const { report, out } = await evaluated(t.testdir(), (manifest) => {
    const [first] = manifest.models;
    manifest.models = [{ ...first!, roles: ['cloud'] }];
    delete manifest.mux;
    delete manifest.golden;
    manifest.policy = { mode: 'cloud-only', thresholds: {} };
  });
  t.equal(report.pair, null);
  t.equal(report.group, null);
  t.equal(report.fig1.ids.length, 1);
  t.match(out, report.models[0]!.id);
});
