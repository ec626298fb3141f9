/** Imports of small models, through the real runtime, into zoos that the daemon's own sessions run. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runImport } from '../../../lab/zoo/import.js';
import { importOptions } from '../../../lab/zoo/import-options.js';
import { encodePng } from '../../../mux/image/image.js';
import { decodeModel } from '../../../lab/zoo/onnx/onnx-file.js';
import { toNumber } from '../../../lab/zoo/onnx/onnx-types.js';
import { policyFromManifest } from '../../../mux/rules/policy-settings.js';
import { softmax, topK } from '../../../mux/rules/probabilities.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import { cpuInference } from '../../mux/support/zoos.js';
import { integers, node, tensorInfo } from '../../../lab/zoo/onnx/onnx-build.js';
import { both, importArgs, imported, LABELS, SIDE, tinyModel } from './support/tiny.js';

const PIXELS = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 37) % 256);

/** Probabilities of PIXELS as the zoo's model gives them. */
async function probabilities(t: Test, zoo: Zoo, id: string, pixels = PIXELS, count = 1): Promise<number[]> {
  const inference = cpuInference(zoo);
  t.teardown(() => inference.stop());
  await inference.start();
  const outcome = await inference.classify(id, pixels, count);
  await inference.stop();
  return [...outcome.probabilities];
}

t.test('two models become a zoo that decides by cascade at once', async (t) => {
  const { zoo, said } = await imported(t, both(), { confidence: 0.7 });
  t.equal(zoo.local?.id, 'local');
  t.equal(zoo.version, '2030-01-02');
  t.same(zoo.labels, LABELS);
  t.match(zoo.input, { height: SIDE, width: SIDE, channels: 3, fit: 'stretch', kernel: 'bilinear' });
  const policy = policyFromManifest(zoo);
  t.equal(policy.mode, 'cascade');
  t.equal(policy.thresholds.confidence, 0.7);
  // 3 x 3 x 3 taps for 2 maps of 16 places, and 32 x 3 of the linear layer
  t.same(
    zoo.manifest.models.map(({ flops }) => flops),
    [27 * 32 + 96, 27 * 32 + 96],
  );
  t.match(said, /softmax added/);
  const inference = cpuInference(zoo);
  t.teardown(() => inference.stop());
  await inference.start();
  const outcome = await inference.decide(PIXELS, policy);
  t.equal(outcome.muxScore, null);
  t.match(outcome.decision, /local|offload/);
  await inference.stop();
});

t.test('colour order, layout, scale, mean and std are those that were said, by hand', async (t) => {
  // One class a channel: class c is the mean of the network's channel c.
  const weights = Array.from({ length: SIDE * SIDE * 9 }, (_, i) => {
    const [input, output] = [Math.floor(i / 3), i % 3];
    return input % 3 === output ? 1 / (SIDE * SIDE) : 0;
  });
  const one = tinyModel({ layout: 'nhwc', weights });
  const gemm = one.graph?.node?.find(({ opType }) => opType === 'Gemm');
  if (gemm) gemm.input = ['f', 'w']; // no bias
  const extra = {
    layout: ['nhwc'],
    colour: ['bgr', 'cloud=rgb'],
    mean: ['1,2,3'],
    std: ['2,4,5'],
    scale: ['1'],
  };
  const { zoo } = await imported(t, { local: one, cloud: one }, extra);
  const mean = [0, 1, 2].map(
    (c) => PIXELS.reduce((sum, p, i) => sum + (i % 3 === c ? p : 0), 0) / (SIDE * SIDE),
  );
  const [red = 0, green = 0, blue = 0] = mean;
  const expected = {
    local: softmax([(blue - 1) / 2, (green - 2) / 4, (red - 3) / 5]),
    cloud: softmax([(red - 1) / 2, (green - 2) / 4, (blue - 3) / 5]),
  };
  for (const [id, wanted] of Object.entries(expected)) {
    const found = await probabilities(t, zoo, id);
    found.forEach((value, k) =>
      t.ok(Math.abs(value - (wanted[k] ?? NaN)) < 1e-5, `${id}: ${value}, ${wanted[k]}`),
    );
  }
});

t.test('gray models take one channel', async (t) => {
  const extra = { colour: ['gray'], mean: ['0.5'], std: ['0.25'] };
  const { zoo } = await imported(t, both({ channels: 1 }), extra);
  t.equal(zoo.input.channels, 1);
  const mixed = { local: tinyModel({ channels: 1 }), cloud: tinyModel() };
  const { zoo: pair } = await imported(t, mixed, { colour: ['local=gray'], mean: ['0.5'], std: ['0.25'] });
  t.same(
    [pair.inputOf('local').channels, pair.inputOf('cloud').channels],
    [1, 3],
    'grey and colour in one pair',
  );
});

t.test('a model that ends in a softmax keeps it, and one that says otherwise is refused', async (t) => {
  const { said } = await imported(t, both({ softmax: true }));
  t.notMatch(said, /softmax added/);
  await t.rejects(imported(t, both({ softmax: true }), { 'output-is': ['logits'] }), {
    code: 'MODEL_UNUSABLE',
    message: /ends in a softmax: they are probabilities/,
  });
  await t.rejects(imported(t, both(), { 'output-is': ['probabilities'] }), { message: /they are logits/ });
});

t.test('a picture of the user’s is what both forms are tried on', async (t) => {
  const dir = t.testdir();
  const image = join(dir, 'picture.png');
  await writeFile(image, await encodePng(PIXELS, { height: SIDE, width: SIDE, channels: 3 }));
  const { zoo, said } = await imported(t, both(), { image }, join(dir, 'in'));
  const [first = 0] = topK(await probabilities(t, zoo, 'local'), 1).map(({ classIndex }) => classIndex);
  t.match(said, new RegExp(`picture.png it sees ${LABELS[first]} `));
  const broken = imported(t, both(), { image: join(dir, 'none.png') }, join(dir, 'other'));
  await t.rejects(broken, { code: 'CONFIG_INVALID', message: /--image: / });
});

t.test('tensors that are called as a zoo’s own are renamed', async (t) => {
  const { zoo } = await imported(t, both({ input: 'images', output: 'probabilities' }));
  t.equal((await probabilities(t, zoo, 'local')).length, 3);
});

t.test('the files of a zoo are imported like any other, and again', async (t) => {
  const { zoo } = await imported(t, both());
  const wanted = await probabilities(t, zoo, 'local');
  let from = zoo;
  for (const again of ['second', 'third']) {
    const at = (id: string): Promise<Buffer> => readFile(from.path(from.modelById(id).file));
    const models = {
      local: decodeModel(await at('local'), 'local'),
      cloud: decodeModel(await at('cloud'), 'cloud'),
    };
    const asItIs = { scale: ['1'], mean: ['0'], std: ['1'], 'output-is': ['probabilities'] };
    from = (await imported(t, models, asItIs, join(t.testdirName, again))).zoo;
    const found = await probabilities(t, from, 'local');
    t.ok(
      found.every((one, k) => Math.abs(one - (wanted[k] ?? NaN)) < 1e-5),
      `${again}: ${found.join()}`,
    );
  }
});

t.test('a fixed batch is freed where Reshape nodes alone hold it', async (t) => {
  for (const batch of [1, 4]) {
    const { zoo, said } = await imported(t, both({ batch, reshape: [batch, 32] }));
    t.match(said, new RegExp(`freed from a batch of ${batch}`));
    const three = await probabilities(
      t,
      zoo,
      'local',
      Buffer.concat([PIXELS, PIXELS.slice().reverse(), PIXELS]),
      3,
    );
    t.same(three.slice(0, 3), three.slice(6), 'images of a batch do not disturb each other');
  }
});

t.test('a batch that cannot be freed is refused with the remedy', async (t) => {
  // A bias of dims [1,2,4,4] would pass; one that depends on the batch does not: reshaping to [2, 16] mixes.
  const stuck = tinyModel({ batch: 1, reshape: [2, 16] });
  stuck.graph?.node?.splice(3, 0, integers('again', [1, 32]), node('Reshape', ['f', 'again'], 'g'));
  const gemm = stuck.graph?.node?.find(({ opType }) => opType === 'Gemm');
  if (gemm?.input) gemm.input[0] = 'g';
  await t.rejects(imported(t, { local: stuck, cloud: stuck }), {
    code: 'MODEL_UNUSABLE',
    message: /fixed to a batch of 1 and cannot be freed.*dynamic_axes/s,
  });
});

t.test('files are written at IR 4 to 8 and at their own opset', async (t) => {
  for (const [ir, written] of [
    [3, 4],
    [7, 7],
    [10, 8],
  ] as const) {
    const models = both({ ir, opset: ir === 3 ? 8 : 16 });
    // Before IR 4 weights are inputs too.
    if (ir === 3)
      for (const { graph } of Object.values(models)) graph?.input?.push(tensorInfo('w', 1, [32, 3]));
    const { zoo } = await imported(t, models);
    const file = decodeModel(await readFile(zoo.path('local.onnx')), 'local.onnx');
    t.equal(toNumber(file.irVersion), written);
    t.equal(toNumber(file.opsetImport?.[0]?.version), ir === 3 ? 8 : 16);
  }
});

t.test('an existing zoo is replaced by --force only, another folder never', async (t) => {
  const dir = t.testdir({ zoo: { 'mine.txt': 'mine' } });
  const run = async (extra = {}) =>
    runImport(importOptions(await importArgs(dir, both(), extra)), {
      write: () => undefined,
      wallMs: () => 0,
    });
  await t.rejects(run({ force: true }), { code: 'CONFIG_INVALID', message: /holds other things/ });
  const out = join(dir, 'other');
  t.equal(await run({ out }), 0);
  await t.rejects(run({ out }), { message: /--force replaces it/ });
  await writeFile(join(out, 'notes.txt'), 'mine');
  t.equal(await run({ out, force: true }), 0);
  t.equal(await readFile(join(out, 'notes.txt'), 'utf8'), 'mine');
});
