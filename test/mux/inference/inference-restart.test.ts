import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createBoard, enterStage, framesIn } from '../../../common/activity.js';
import type { InferencePlan, RestartEvent, WorkerStart } from '../../../mux/inference/inference.js';
import type { DevicePolicy } from '../../../mux/rules/policy-settings.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { mortalWorkers } from '../support/mortal-worker.js';
import { writeTinyZoo } from '../support/tiny-zoo.js';
import { cpuInference } from '../support/zoos.js';
import { until } from '../../support/until.js';

const MUX: DevicePolicy = { mode: 'mux', thresholds: { mux: 0.5 }, privacy: 'normal' };
const DARK = Uint8Array.of(120, 10, 10, 10);

async function mortal(
  t: Test,
  change: (made: number, plan: InferencePlan) => InferencePlan = (_made, plan) => plan,
) {
  const { dir } = await writeTinyZoo(t.testdir());
  const zoo = await loadZoo(dir);
  const workers = mortalWorkers();
  const board = createBoard();
  let announce: (event: RestartEvent) => void = () => undefined;
  const inference = cpuInference(
    zoo,
    { board: board.buffer, restart: { firstMs: 5, longestMs: 20 } },
    {
      createWorker: (url, options) => {
        const { plan, lock } = options.workerData as WorkerStart;
        return workers.create(url, {
          ...options,
          workerData: { plan: change(workers.made.length, plan), lock },
        });
      },
      onRestart: (event) => announce(event),
    },
  );
  t.teardown(() => inference.stop());
  const kill = () => {
    const replaced = new Promise<RestartEvent>((resolve) => (announce = resolve));
    const worker = workers.made.at(-1)!;
    const gone = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage({ type: 'die' });
    return { gone, replaced };
  };
  return { dir, inference, board, kill, made: workers.made };
}

t.test(
  'a worker that dies rejects its jobs, clears the board and is replaced, again and again',
  async (t) => {
    const { inference, board, kill, made } = await mortal(t);
    await inference.start();
    for (const round of [1, 2]) {
      enterStage(board, 'local'); // as if it died inside a run
      const { gone, replaced } = kill();
      const jobs = Promise.allSettled(Array.from({ length: 5 }, () => inference.decide(DARK, MUX)));
      for (const job of await jobs)
        t.match(job, { status: 'rejected', reason: { code: 'INFERENCE_STOPPED' } });
      await gone;
      await t.rejects(
        inference.decide(DARK, MUX),
        { code: 'INFERENCE_STOPPED' },
        'at once, while there is none',
      );
      t.equal(framesIn(board, 'local'), 0);
      t.match(await replaced, { restarts: round, cause: /killed by a test/, ready: { provider: 'cpu' } });
      t.equal((await inference.decide(DARK, MUX)).decision, 'local');
    }
    t.equal(made.length, 3);
  },
);

t.test('a worker that cannot be replaced at first is tried again', async (t) => {
  const { inference, kill, made } = await mortal(t, (number, plan) =>
    number === 1 ? { ...plan, providers: ['cuda'] } : plan,
  );
  await inference.start();
  t.equal((await kill().replaced).restarts, 2);
  t.equal(made.length, 3);
  t.equal((await inference.decide(DARK, MUX)).decision, 'local');
});

t.test('a worker is not started again from files that have changed', async (t) => {
  const { dir, inference, kill, made } = await mortal(t);
  await inference.start();
  const { gone } = kill();
  const model = join(dir, readdirSync(dir).find((name) => name.endsWith('.onnx')) ?? '');
  const bytes = readFileSync(model);
  writeFileSync(model, Buffer.concat([bytes, Buffer.of(0)]));
  await gone;
  await until('/differ|sha256|changed/i.test(inference.trouble?.text ?? "")', () =>
    /differ|sha256|changed/i.test(inference.trouble?.text ?? ''),
  );
  t.equal(made.length, 1, 'no thread was started');
  t.equal(inference.trouble?.down, true);
  writeFileSync(model, bytes);
  await until('inference.trouble?.down === false', () => inference.trouble?.down === false);
  t.equal((await inference.decide(DARK, MUX)).decision, 'local');
});

t.test('stopping while the worker is dead ends the attempts', async (t) => {
  const { inference, kill, made } = await mortal(t);
  await inference.start();
  await kill().gone;
  await inference.stop();
  t.equal(made.length, 1);
  await t.rejects(inference.decide(DARK, MUX), { code: 'INFERENCE_STOPPED' });
});
