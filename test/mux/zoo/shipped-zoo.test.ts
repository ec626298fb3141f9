/** The shipped networks, run as the daemon runs them, against what the trainer said they compute. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { z } from 'zod';
import { policyFromManifest } from '../../../mux/rules/policy-settings.js';
import { allFinite, argmax } from '../../../mux/rules/probabilities.js';
import { loadTestSet } from '../../../lab/zoo/testset.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { readHeader } from '../support/onnx.js';
import { batch, cpuInference, row, SHIPPED_ZOO } from '../support/zoos.js';

/** Float32 sums differ in their last digits between CPUs and libraries. */
const TOLERANCE = 1e-4;
const goldenSchema = z.object({
  images: z
    .array(
      z.object({
        index: z.int(),
        label: z.int(),
        pixels: z.base64(),
        mux: z.object({ score: z.number(), probabilities: z.array(z.number()) }),
        models: z.record(z.string(), z.array(z.number())),
        decision: z.enum(['mux', 'local', 'offload']),
      }),
    )
    .min(8),
});

const zoo = await loadZoo(SHIPPED_ZOO);
const set = await loadTestSet(zoo);
const inference = cpuInference(zoo);
t.setTimeout(170_000);
t.before(() => inference.start());
t.teardown(() => inference.stop());
const farthest = (a: ArrayLike<number>, b: readonly number[]) =>
  b.reduce((most, value, k) => Math.max(most, Math.abs(value - (a[k] ?? Infinity))), 0);

t.test('golden vectors: pixels give the same probabilities and the same decision', async (t) => {
  const file = zoo.manifest.golden?.file;
  t.ok(file, 'the zoo ships golden vectors');
  const { images } = goldenSchema.parse(JSON.parse(await readFile(zoo.path(file ?? ''), 'utf8')));
  const policy = policyFromManifest(zoo);
  const decisions = new Set<string>();
  for (const golden of images) {
    const pixels = Buffer.from(golden.pixels, 'base64');
    t.same(Buffer.from(set.images(golden.index)), pixels, `image ${golden.index} is that of the test set`);
    t.equal(set.label(golden.index), golden.label);
    const outcome = await inference.decide(pixels, policy);
    decisions.add(outcome.decision);
    t.equal(outcome.decision, golden.decision);
    const mux = await inference.infer({ kind: 'mux', pixels, count: 1 });
    t.ok(Math.abs((mux.scores[0] ?? NaN) - golden.mux.score) < TOLERANCE, `score ${mux.scores[0]}`);
    t.ok(farthest(mux.probabilities, golden.mux.probabilities) < TOLERANCE);
    t.same(
      Object.keys(golden.models),
      zoo.manifest.models.map((model) => model.id),
    );
    for (const [id, wanted] of Object.entries(golden.models)) {
      const { probabilities } = await inference.classify(id, pixels);
      t.ok(farthest(probabilities, wanted) < TOLERANCE, `${id} on image ${golden.index}`);
      if (id === zoo.local?.id && outcome.localProbabilities) {
        t.same(outcome.localProbabilities, probabilities, 'deciding and classifying run the same network');
      }
    }
  }
  t.ok(decisions.has('offload') && decisions.size > 1, `both ways occur: ${[...decisions].join(', ')}`);
});

t.test('every shipped network can be loaded by ONNX Runtime 1.11: opset 16 and IR 8 at most', async (t) => {
  const files = [...zoo.manifest.models, zoo.manifest.mux?.pair, zoo.manifest.mux?.group];
  for (const entry of files) {
    if (!entry) continue;
    const { ir, opsets } = readHeader(await readFile(zoo.path(entry.file)));
    t.ok(ir >= 3 && ir <= 8, `${entry.file}: IR ${ir}`);
    t.same(Object.keys(opsets), [''], `${entry.file}: only ONNX's own operators`);
    t.ok(opsets['']! >= 7 && opsets['']! <= 16, `${entry.file}: opset ${opsets['']}`);
  }
});

t.test('a batch computes what its images compute one by one', async (t) => {
  const count = 16;
  const pixels = batch(set.images, 0, count);
  for (const { id } of zoo.manifest.models) {
    const all = await inference.classify(id, pixels, count);
    for (let i = 0; i < count; i += 1) {
      const one = await inference.classify(id, set.images(i));
      t.ok(farthest(row(all.probabilities, i, zoo.classes), [...one.probabilities]) < TOLERANCE);
    }
  }
});

t.test('accuracies on the 10,000 test images are those of the manifest', async (t) => {
  const step = 500;
  for (const { id, accuracy } of zoo.manifest.models) {
    let right = 0;
    for (let from = 0; from < set.count; from += step) {
      const { probabilities } = await inference.classify(id, batch(set.images, from, from + step), step);
      t.ok(allFinite(probabilities));
      for (let i = 0; i < step; i += 1) {
        if (argmax(row(probabilities, i, zoo.classes)) === set.label(from + i)) right += 1;
      }
    }
    t.ok(
      Math.abs(right / set.count - (accuracy ?? NaN)) < 0.0015,
      `${id}: ${right / set.count}, said ${accuracy}`,
    );
  }
});
