import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createBoard, framesIn } from '../../../common/activity.js';
import { MUX_ID, type Inference } from '../../../mux/inference/inference.js';
import type { DevicePolicy } from '../../../mux/rules/policy-settings.js';
import { loadTestSet } from '../../../lab/zoo/testset.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { writeTinyZoo } from '../support/tiny-zoo.js';
import { batch, cpuInference, SHIPPED_ZOO } from '../support/zoos.js';

const MUX: DevicePolicy = { mode: 'mux', thresholds: { mux: 0.5 }, privacy: 'normal' };
const DARK = Uint8Array.of(120, 10, 10, 10);

async function tiny(t: Test, options = {}): Promise<Inference> {
  const { dir } = await writeTinyZoo(t.testdir());
  const inference = cpuInference(await loadZoo(dir), options);
  t.teardown(() => inference.stop());
  return inference;
}

t.test('start proves the provider by runs and says how long they took', async (t) => {
  const inference = await tiny(t);
  const ready = await inference.start();
  t.equal(ready.provider, 'cpu');
  t.same(ready.attempts, [{ provider: 'cpu', ok: true }]);
  t.same(Object.keys(ready.warmupMs), [MUX_ID, 'small', 'big', 'fragile']);
  t.ok(Object.values(ready.warmupMs).every((ms) => ms > 0));
  t.equal(await inference.start(), ready, 'a second start is the first one');
});

t.test('a policy that needs a network that is not loaded fails, it does not guess', async (t) => {
  const inference = await tiny(t, { mux: null, models: ['small'] });
  await inference.start();
  await t.rejects(inference.decide(DARK, MUX), { code: 'INFERENCE_FAILED' });
  t.match(await inference.decide(DARK, { ...MUX, mode: 'mobile-only' }), { decision: 'local' });
});

t.test('stop finishes what is queued, refuses what comes later, and may come twice', async (t) => {
  const inference = await tiny(t);
  await inference.start();
  const queued = Array.from({ length: 20 }, () => inference.decide(DARK, MUX));
  await Promise.all([inference.stop(), inference.stop()]);
  t.same((await Promise.all(queued)).length, 20);
  await t.rejects(inference.decide(DARK, MUX), { code: 'INFERENCE_STOPPED' });
  await inference.stop();
  t.equal((await inference.start()).provider, 'cpu', 'and it can be started again');
  t.equal((await inference.decide(DARK, MUX)).decision, 'local');
});

t.test('stop before start, and during it, ends quietly', async (t) => {
  const inference = await tiny(t);
  await inference.stop();
  const starting = inference.start();
  await sleep(1);
  const stopped = inference.stop();
  await t.rejects(starting, { code: 'INFERENCE_STOPPED' });
  await stopped;
});

t.test('what is not finished within the drain time is rejected', async (t) => {
  const zoo = await loadZoo(SHIPPED_ZOO);
  const set = await loadTestSet(zoo);
  const inference = cpuInference(zoo, { drainMs: 1 });
  await inference.start();
  const pixels = batch(set.images, 0, 500);
  const jobs = Array.from({ length: 8 }, () => inference.classify(zoo.largest.id, pixels, 500));
  const settled = Promise.allSettled(jobs);
  await inference.stop();
  const late = (await settled).filter((job) => job.status === 'rejected');
  t.ok(late.length > 0);
  t.match(late[0], { reason: { code: 'INFERENCE_STOPPED' } });
});

t.test('the main thread keeps its timers while a long run is under way', async (t) => {
  const zoo = await loadZoo(SHIPPED_ZOO);
  const set = await loadTestSet(zoo);
  const inference = cpuInference(zoo);
  t.teardown(() => inference.stop());
  await inference.start();
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 5);
  const run = await inference.classify(zoo.largest.id, batch(set.images, 0, 2000), 2000);
  clearInterval(timer);
  t.ok(run.ms > 50, `the run took ${run.ms} ms`);
  t.ok(ticks >= 5, `${ticks} timers fired meanwhile`);
});

t.test('the activity board counts every run in and out', async (t) => {
  const board = createBoard();
  const inference = await tiny(t, { board: board.buffer });
  await inference.start();
  await Promise.all(Array.from({ length: 10 }, () => inference.decide(DARK, MUX)));
  t.equal(framesIn(board, 'mux'), 0);
  t.equal(framesIn(board, 'local'), 0);
});
