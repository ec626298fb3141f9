/** The group's mux in the inference worker, and the group's policy from a manifest. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { groupOf, groupPolicyOf, policyOfTarget } from '../../../mux/rules/group-settings.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { FLOAT, floats, node, onnxModel, tensorInfo, type Graph } from '../support/onnx.js';
import { IMAGES, linear, PROBABILITIES, writeTinyZoo, type ManifestJson } from '../support/tiny-zoo.js';
import { cpuInference } from '../support/zoos.js';

const s = 1 / 64;
const CLASSES = linear([s, 0, 0, 0, s, 0, 0, 0, s, 0, 0, 0]);
/** correct = sigmoid of the first two pixels / 64, weights = their softmax. */
const GROUP_MUX: Graph = {
  nodes: [
    ...CLASSES.nodes,
    node('MatMul', ['x', 'first'], 'two'),
    node('Sigmoid', ['two'], 'correct'),
    node('Softmax', ['two'], 'weights', { axis: 1 }),
  ],
  initializers: [...CLASSES.initializers, floats('first', [4, 2], [s, 0, 0, s, 0, 0, 0, 0])],
  inputs: [IMAGES],
  outputs: [tensorInfo('correct', FLOAT, ['N', 2]), tensorInfo('weights', FLOAT, ['N', 2]), PROBABILITIES],
};
const CALIBRATED = {
  policy: 'escalate',
  mu: 0.1,
  threshold: 0.4,
  escalate: { mu: 0.05, confidence: 0.8, ladder: [0, 1] },
  exponents: [1, 0.5],
  targets: [
    { policy: 'escalate', saving: 5, mu: 0.2, confidence: 0.7, ladder: [1], accuracy: 0.9, flops: 3 },
  ],
};

async function groupZoo(
  dir: string,
  models: string[],
  calibrated: object | null = CALIBRATED,
): Promise<string> {
  const bytes = onnxModel(GROUP_MUX);
  await writeTinyZoo(dir, (manifest: ManifestJson) => {
    const file = { file: 'mux-group.onnx', sha256: createHash('sha256').update(bytes).digest('hex') };
    manifest['mux'] = {
      ...(manifest['mux'] as object),
      group: {
        ...file,
        bytes: bytes.length,
        architecture: 'linear',
        flops: 16,
        accuracy: null,
        auroc: null,
        models,
      },
    };
    const policy = manifest['policy'] as { calibration: Record<string, unknown> };
    if (calibrated) policy.calibration['group'] = calibrated;
  });
  await writeFile(join(dir, 'mux-group.onnx'), bytes);
  return dir;
}

t.test('a group-mux job gives correct, weights and probabilities of every image', async (t) => {
  const zoo = await loadZoo(await groupZoo(t.testdir(), ['small', 'big']));
  const inference = cpuInference(zoo, { models: ['small'], groupMux: true });
  await inference.start();
  t.teardown(() => inference.stop());
  const pixels = Uint8Array.of(64, 0, 0, 0, 0, 128, 0, 0);
  const outcome = await inference.infer({ kind: 'group-mux', pixels, count: 2 });
  t.equal(outcome.correct.length, 4);
  t.equal(outcome.probabilities.length, 6);
  const near = (found: number | undefined, wanted: number) => Math.abs((found ?? NaN) - wanted) < 1e-5;
  t.ok(near(outcome.correct[0], 1 / (1 + Math.exp(-1))) && near(outcome.correct[1], 0.5), 'image 0');
  t.ok(near(outcome.correct[3], 1 / (1 + Math.exp(-2))), 'image 1');
  t.ok(near(outcome.weights[0], Math.E / (1 + Math.E)));
  t.ok(near((outcome.weights[2] ?? 0) + (outcome.weights[3] ?? 0), 1));
  t.ok(outcome.ms > 0);
  const pair = await inference.infer({ kind: 'mux', pixels, count: 2 });
  t.equal(pair.scores.length, 2, 'the mux of the pair runs beside it');
});

t.test('a group mux that does not judge as many models as the manifest says is refused', async (t) => {
  const three = { ...CALIBRATED, exponents: [1, 1, 1] };
  const zoo = await loadZoo(await groupZoo(t.testdir(), ['small', 'fragile', 'big'], three));
  const inference = cpuInference(zoo, { models: [], groupMux: true });
  t.teardown(() => inference.stop());
  await t.rejects(inference.start(), {
    code: 'MODEL_UNUSABLE',
    message: /correct.*\[N,2\] instead of.*\[N,3\]/,
  });
});

t.test('a job for a group mux that was not asked for fails alone', async (t) => {
  const zoo = await loadZoo(await groupZoo(t.testdir(), ['small', 'big']));
  const inference = cpuInference(zoo, { models: ['small'] });
  await inference.start();
  t.teardown(() => inference.stop());
  const job = { kind: 'group-mux', pixels: new Uint8Array(4), count: 1 } as const;
  await t.rejects(inference.infer(job), { code: 'INFERENCE_FAILED' });
  t.equal((await inference.classify('small', new Uint8Array(4))).probabilities.length, 3);
});

t.test('the policy is the calibrated one; a configuration changes what it names', async (t) => {
  const zoo = await loadZoo(await groupZoo(t.testdir(), ['small', 'big']));
  t.same(groupOf(zoo), { ids: ['small', 'big'], flops: [12, 1200] });
  const shipped = groupPolicyOf(zoo);
  t.same(shipped, {
    mode: 'escalate',
    mu: 0.1,
    threshold: 0.4,
    exponents: [1, 0.5],
    escalate: { mu: 0.05, confidence: 0.8, ladder: [0, 1] },
  });
  const changed = groupPolicyOf(zoo, { mode: 'ensemble', threshold: 0.9, confidence: 0.5 });
  t.match(changed, { mode: 'ensemble', threshold: 0.9, escalate: { confidence: 0.5, mu: 0.05 } });
  const [target] = zoo.manifest.policy.calibration?.group?.targets ?? [];
  t.match(policyOfTarget(shipped, target!), {
    mode: 'escalate',
    escalate: { mu: 0.2, confidence: 0.7, ladder: [1] },
    exponents: [1, 0.5],
  });
});

t.test('a zoo without a group serves the largest model and refuses the rest', async (t) => {
  const zoo = await loadZoo((await writeTinyZoo(t.testdir())).dir);
  t.same(groupOf(zoo), { ids: ['big'], flops: [1200] });
  t.equal(groupPolicyOf(zoo).mode, 'largest');
  t.throws(() => groupPolicyOf(zoo, { mode: 'single' }), {
    code: 'CONFIG_INVALID',
    message: /only 'largest' works/,
  });
});

t.test('a group without calibration takes the largest, and single with the paper’s argmax', async (t) => {
  const zoo = await loadZoo(await groupZoo(t.testdir(), ['small', 'big'], null));
  t.equal(groupPolicyOf(zoo).mode, 'largest');
  t.match(groupPolicyOf(zoo, { mode: 'single' }), { mode: 'single', mu: 0, exponents: [1, 1] });
});

t.test('a calibration that fits no model is named key by key', async (t) => {
  const wrong = { ...CALIBRATED, exponents: [1], escalate: { mu: 0, confidence: 0.5, ladder: [1, 0] } };
  const dir = await groupZoo(t.testdir(), ['small', 'big'], wrong);
  await t.rejects(loadZoo(dir), {
    code: 'ZOO_INVALID',
    message:
      /calibration\.group\.exponents: 1 exponents for 2 models; .*escalate\.ladder: \[1,0\] is no rising list/,
  });
});
