import t from 'tap';
import { decodeImage, encodePng } from '../../../mux/image/image.js';
import type { DevicePolicy } from '../../../mux/rules/policy-settings.js';
import { argmax } from '../../../mux/rules/probabilities.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { writeTinyZoo } from '../support/tiny-zoo.js';
import { cpuInference } from '../support/zoos.js';

const MUX: DevicePolicy = { mode: 'mux', thresholds: { mux: 0.5 }, privacy: 'normal' };
const DARK = Uint8Array.of(120, 10, 10, 10);
const BRIGHT = Uint8Array.of(250, 250, 240, 250);
const BLACK = new Uint8Array(4);
const TINY = { height: 2, width: 2, channels: 1 } as const;
const LIMITS = { maxPixels: 100 };

const inference = cpuInference(await loadZoo((await writeTinyZoo(t.testdir())).dir));
t.before(() => inference.start());
t.teardown(() => inference.stop());

t.test('an easy frame is answered by the local model in the same hop', async (t) => {
  const outcome = await inference.decide(DARK, MUX);
  t.match(outcome, { kind: 'decide', decision: 'local', reason: 'easy' });
  t.ok(Math.abs(outcome.muxScore! - 150 / 4 / 255) < 1e-6);
  t.equal(outcome.muxProbabilities?.length, 3);
  t.equal(argmax(outcome.probabilities!), 0);
  t.same(outcome.localProbabilities, outcome.probabilities);
  t.same(
    outcome.spans.map((span) => span.stage),
    ['mux', 'local'],
  );
  const [mux, local] = outcome.spans;
  t.ok(mux!.startMs < mux!.endMs && mux!.endMs <= local!.startMs && local!.startMs < local!.endMs);
  t.ok(outcome.queueMs >= 0 && outcome.muxMs > 0 && outcome.localMs > 0);
  t.equal(DARK.length, 4, 'the caller keeps its pixels');
});

t.test('a hard frame is handed back for offloading without a local run', async (t) => {
  const outcome = await inference.decide(BRIGHT, MUX);
  t.match(outcome, {
    decision: 'offload',
    reason: 'hard',
    probabilities: null,
    localProbabilities: null,
    localMs: 0,
  });
  t.same(
    outcome.spans.map((span) => span.stage),
    ['mux'],
  );
});

t.test('each mode runs what it needs and no more', async (t) => {
  const run = (mode: DevicePolicy['mode'], thresholds = {}, pixels = DARK) =>
    inference.decide(pixels, { mode, thresholds: { mux: 0.5, ...thresholds }, privacy: 'normal' });
  t.match(await run('mobile-only'), { decision: 'local', reason: 'disabled', muxScore: null, muxMs: 0 });
  t.match(await run('cloud-only'), { decision: 'offload', reason: 'disabled', spans: [] });
  t.match(await run('cascade', { confidence: 0.5 }), {
    decision: 'local',
    reason: 'confident',
    muxScore: null,
  });
  const unsure = await run('cascade', { confidence: 0.9 }, BRIGHT);
  t.match(unsure, { decision: 'offload', reason: 'unsure', probabilities: null });
  t.same(
    unsure.fallbackProbabilities,
    unsure.localProbabilities,
    'known already, should the server not answer',
  );
  t.match(await run('three-tier', { answer: 0.5, confidence: 0.9 }), {
    decision: 'mux',
    reason: 'easy',
    localMs: 0,
  });
  const fused = await run('three-tier', { answer: 1, confidence: 0.1, fuseLocal: 1, fuseMux: 1 });
  t.match(fused, { decision: 'local', reason: 'confident' });
  t.ok(fused.probabilities![0]! > fused.localProbabilities![0]!, 'the mux agrees, so the answer is surer');
});

t.test('where no server can be asked the local model has run already', async (t) => {
  const policy: DevicePolicy = { ...MUX, mode: 'cloud-only' };
  const asked = await inference.decide(BRIGHT, policy);
  t.match(asked, { decision: 'offload', reason: 'disabled', fallbackProbabilities: null, localMs: 0 });
  const alone = await inference.decide(BRIGHT, policy, true);
  t.match(alone, { decision: 'offload', reason: 'disabled', probabilities: null });
  t.same(alone.fallbackProbabilities, (await inference.classify('small', BRIGHT)).probabilities);
  const hard = await inference.decide(BRIGHT, { ...MUX, thresholds: { mux: 0 } }, true);
  t.match(hard, { decision: 'offload', reason: 'hard', probabilities: null });
  t.ok(hard.fallbackProbabilities && hard.muxScore !== null);
});

t.test('a batch through one model gives its rows in order', async (t) => {
  const pixels = Buffer.concat([DARK, Uint8Array.of(0, 200, 0, 0), Uint8Array.of(0, 0, 200, 0)]);
  const outcome = await inference.classify('small', pixels, 3);
  const rows = [0, 1, 2].map((i) => argmax(outcome.probabilities.subarray(3 * i, 3 * i + 3)));
  t.same(rows, [0, 1, 2]);
  t.same(outcome.spans.length, 1);
  t.ok(outcome.ms > 0);
  const scores = await inference.infer({ kind: 'mux', pixels, count: 3 });
  t.equal(scores.scores.length, 3);
  t.equal(scores.probabilities.length, 9);
});

t.test('a buffer handed over is gone, and its answer is the same', async (t) => {
  const pixels = Uint8Array.from([...DARK, ...BRIGHT]);
  const kept = await inference.classify('big', pixels, 2);
  const given = await inference.infer({ kind: 'classify', model: 'big', pixels, count: 2, handOver: true });
  t.same(given.probabilities, kept.probabilities);
  t.equal(pixels.length, 0);
});

t.test(
  'of a view into something large only the view is sent, and handing it over leaves the rest alone',
  async (t) => {
    const large = new Uint8Array(64 << 20);
    large.set(DARK, 1000);
    const view = large.subarray(1000, 1004);
    const wanted = await inference.classify('small', DARK);
    const before = process.memoryUsage().arrayBuffers;
    const jobs = Array.from({ length: 50 }, () => inference.classify('small', view));
    t.ok(
      process.memoryUsage().arrayBuffers - before < large.length,
      'fifty jobs wait in less than one such buffer',
    );
    for (const { probabilities } of await Promise.all(jobs)) t.same(probabilities, wanted.probabilities);
    await inference.infer({ kind: 'classify', model: 'small', pixels: view, count: 1, handOver: true });
    t.equal(large.length, 64 << 20);
  },
);

t.test('memory that cannot change hands is copied instead', async (t) => {
  const pixels = await decodeImage(await encodePng(DARK, TINY), TINY, LIMITS);
  const { probabilities } = await inference.infer({
    kind: 'classify',
    model: 'small',
    pixels,
    count: 1,
    handOver: true,
  });
  t.same(probabilities, (await inference.classify('small', DARK)).probabilities);
});

t.test('a run that gives NaN fails its own job only', async (t) => {
  const [before, failing, after] = await Promise.allSettled([
    inference.classify('fragile', DARK),
    inference.classify('fragile', BLACK),
    inference.classify('fragile', BRIGHT),
  ]);
  t.equal(before?.status, 'fulfilled');
  t.match(failing, { status: 'rejected', reason: { code: 'INFERENCE_FAILED' } });
  t.equal(after?.status, 'fulfilled');
});

t.test('wrong sizes and unknown models fail their own job only', async (t) => {
  await t.rejects(inference.classify('small', DARK, 2), { code: 'INFERENCE_FAILED' });
  await t.rejects(inference.classify('stranger', DARK), { code: 'INFERENCE_FAILED', message: /stranger/ });
  t.equal((await inference.decide(DARK, MUX)).decision, 'local');
});

t.test('jobs are answered in the order in which they came', async (t) => {
  const order: number[] = [];
  const jobs = Array.from({ length: 40 }, async (_, i) => {
    await (i % 3 === 0 ? inference.classify('big', DARK) : inference.decide(i % 2 ? DARK : BRIGHT, MUX));
    order.push(i);
  });
  t.equal(inference.pending, 40);
  await Promise.all(jobs);
  t.same(order, [...order.keys()]);
  t.equal(inference.pending, 0);
});
