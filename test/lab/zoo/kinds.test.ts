/** Inputs and outputs of other types than float32 logits, and classes in another order, each against the plain model. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { floats, node, tensorInfo, zeroPoint } from '../../../lab/zoo/onnx/onnx-build.js';
import {
  FLOAT,
  FLOAT16,
  INT8,
  UINT8,
  type OnnxModel,
  type OnnxNode,
} from '../../../lab/zoo/onnx/onnx-types.js';
import { softmax } from '../../../mux/rules/probabilities.js';
import { cpuInference } from '../../mux/support/zoos.js';
import { imported, LABELS, SIDE, tinyModel, type TinyOptions } from './support/tiny.js';

const PIXELS = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 37) % 256);
const BYTES = { mean: ['0'], std: ['1'], scale: ['1'] };

/** The test's folder, made once. */
function folderOf(t: Test): string {
  if (!existsSync(t.testdirName)) t.testdir();
  return t.testdirName;
}

/** What the zoo's local model says of PIXELS. */
async function answer(
  t: Test,
  models: Record<string, OnnxModel>,
  extra: Record<string, unknown> = {},
): Promise<number[]> {
  const { zoo } = await imported(t, models, { force: true, ...extra }, join(folderOf(t), 'in'));
  const inference = cpuInference(zoo);
  t.teardown(() => inference.stop());
  await inference.start();
  const { probabilities } = await inference.classify('local', Buffer.concat([PIXELS, PIXELS]), 2);
  await inference.stop();
  t.same(probabilities.slice(0, zoo.classes), probabilities.slice(zoo.classes), 'in a batch too');
  return [...probabilities.slice(0, zoo.classes)];
}

/** The tiny model with nodes before and behind it; scores come out of `z`. */
function around(
  before: { type: number; nodes: OnnxNode[] } | null,
  behind: { type: number; nodes: OnnxNode[] } | null,
  options: TinyOptions = {},
): OnnxModel {
  const model = tinyModel(options);
  const { graph } = model;
  if (!graph) throw new Error('no graph');
  if (before) {
    graph.node = [...before.nodes, ...(graph.node ?? [])];
    graph.input = [tensorInfo('u', before.type, ['N', 3, SIDE, SIDE])];
  }
  if (behind) {
    graph.node = [...(graph.node ?? []), ...behind.nodes];
    graph.output = [tensorInfo('z', behind.type, ['N', options.classes ?? 3])];
  }
  return model;
}

const twice = (one: OnnxModel): Record<string, OnnxModel> => ({ local: one, cloud: tinyModel({ seed: 2 }) });
const far = (a: number[], b: number[]): number => Math.max(...a.map((p, k) => Math.abs(p - (b[k] ?? NaN))));
const cast = (from: string, to: string, type: number): OnnxNode => node('Cast', [from], to, { to: type });

t.test('half precision in and out', async (t) => {
  const half = around(
    { type: FLOAT16, nodes: [cast('u', 'x', FLOAT)] },
    { type: FLOAT16, nodes: [cast('y', 'z', FLOAT16)] },
  );
  const apart = far(await answer(t, twice(half)), await answer(t, twice(tinyModel())));
  t.ok(apart < 5e-3, `${apart}`);
});

t.test('integer inputs take pixels as they are, and normalised ones are refused', async (t) => {
  const plain = await answer(t, twice(tinyModel()), { ...BYTES, mean: ['128'], std: ['64'] });
  const inside = (zero: number): OnnxNode[] => [
    cast('u', 'float', FLOAT),
    floats('zero', [], [zero]),
    floats('step', [], [64]),
    node('Sub', ['float', 'zero'], 'centred'),
    node('Div', ['centred', 'step'], 'x'),
  ];
  const cloud = { mean: ['cloud=0'], std: ['cloud=1'] };
  const bytes = around({ type: UINT8, nodes: inside(128) }, null);
  const signed = around({ type: INT8, nodes: inside(0) }, null);
  t.ok(far(await answer(t, twice(bytes), BYTES), plain) < 1e-5);
  const centred = { ...BYTES, mean: ['128', ...cloud.mean] };
  t.ok(far(await answer(t, twice(signed), centred), plain) < 1e-5);
  await t.rejects(answer(t, twice(signed)), { message: /whole numbers of -128 to 127.*--mean local=128/ });
});

t.test('quantised outputs are read by their step, or as probabilities', async (t) => {
  const plain = await answer(t, twice(tinyModel()), {});
  const quantised = (from: string, type: number, step: number): OnnxNode[] => [
    floats('step', [], [step]),
    zeroPoint('zero', type, 0),
    node('QuantizeLinear', [from, 'step', 'zero'], 'z'),
  ];
  const logits = around(null, { type: INT8, nodes: quantised('y', INT8, 0.25) });
  t.ok(far(await answer(t, twice(logits)), plain) < 0.1);
  const shares = around(null, {
    type: UINT8,
    nodes: [node('Softmax', ['y'], 's', { axis: 1 }), ...quantised('s', UINT8, 1 / 255)],
  });
  const found = await answer(t, twice(shares));
  t.ok(far(found, plain) < 0.01);
  t.ok(Math.abs(found.reduce((sum, p) => sum + p, 0) - 1) < 1e-6);
  const unknown = around(null, { type: INT8, nodes: [cast('y', 'z', INT8)] });
  await t.rejects(answer(t, twice(unknown)), {
    message: /does not say what one is worth.*--output-is local=/,
  });
});

t.test('one score is the second of two classes', async (t) => {
  const labels = join(t.testdir({ 'two.txt': 'no\nyes\n' }), 'two.txt');
  const extra = { labels };
  const logit = tinyModel({ classes: 1 });
  const sure = around(null, { type: FLOAT, nodes: [node('Sigmoid', ['y'], 'z')] }, { classes: 1 });
  const said = { ...extra, 'output-is': ['logits'] };
  const both = (one: OnnxModel): Record<string, OnnxModel> => ({ local: one, cloud: one });
  const first = await answer(t, both(logit), said);
  t.equal(first.length, 2);
  t.ok(Math.abs((first[0] ?? 0) + (first[1] ?? 0) - 1) < 1e-6);
  t.ok(far(await answer(t, both(sure), extra), first) < 1e-6, 'the same with its sigmoid inside');
  await t.rejects(answer(t, both(sure), said), { message: /ends in a sigmoid: its score is a probability/ });
});

t.test(
  'a sigmoid for each class gets no softmax: it is refused, or read as one against the rest',
  async (t) => {
    const several = around(null, { type: FLOAT, nodes: [node('Sigmoid', ['y'], 'z')] });
    const refusal = {
      code: 'MODEL_UNUSABLE',
      message: /sigmoid for each class.*--output-is local=one-vs-rest/,
    };
    await t.rejects(answer(t, twice(several)), refusal);
    await t.rejects(answer(t, twice(several), { 'output-is': ['local=logits'] }), refusal);
    const found = await answer(t, twice(several), { 'output-is': ['local=one-vs-rest'] });
    t.ok(Math.abs(found.reduce((sum, p) => sum + p, 0) - 1) < 1e-6);
    const plain = await answer(t, twice(tinyModel()));
    const order = (all: number[]): number[] =>
      all.map((_, k) => k).sort((a, b) => (all[b] ?? 0) - (all[a] ?? 0));
    t.same(order(found), order(plain), 'the same classes in the same order');
    t.notOk(far(found, [...softmax(found)]) < 1e-3);
  },
);

t.test('a class order of its own is turned into that of the labels', async (t) => {
  const file = join(t.testdir(), 'order.txt');
  const plain = await answer(t, twice(tinyModel()));
  await writeFile(file, `${['cow', 'cat', 'dog'].join('\n')}\n`);
  const found = await answer(t, twice(tinyModel()), { 'class-order': [`local=${file}`] });
  t.ok(far(found, [plain[1] ?? 0, plain[2] ?? 0, plain[0] ?? 0]) < 1e-6, LABELS.join());
  await writeFile(file, 'cow\ncat\ndoge\n');
  await t.rejects(answer(t, twice(tinyModel()), { 'class-order': [`local=${file}`] }), {
    code: 'CONFIG_INVALID',
    message: /does not have 'dog'; the nearest is 'doge'/,
  });
});

const python = '/usr/bin/python3';
const onnx = spawnSync(python, ['-c', 'import onnx']).status === 0;

t.test(
  'the converter that is recommended for an old opset works there',
  { skip: !onnx && `no onnx for ${python}` },
  async (t) => {
    const dir = t.testdir();
    const old = tinyModel({ opset: 6 });
    const refused = await imported(t, twice(old), {}, dir).then(
      () => '',
      (error: unknown) => String(error),
    );
    const [, command = ''] = /Convert it .*?: (python3 .*)$/s.exec(refused) ?? [];
    t.match(command, /^python3 -c "import onnx/);
    const run = spawnSync('sh', ['-c', command], {
      cwd: dir,
      env: { ...process.env, PATH: '/usr/bin:/bin' },
      encoding: 'utf8',
    });
    t.equal(run.status, 0, run.stderr.slice(-500));
    const model = [`local=${join(dir, 'converted.onnx')}`, `cloud=${join(dir, 'cloud.onnx')}`];
    const { said } = await imported(t, twice(tinyModel()), { model }, dir);
    t.match(said, /converted.onnx/);
  },
);
