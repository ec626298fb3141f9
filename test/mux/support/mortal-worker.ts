/**
 * The inference worker with ways to fail between two runs: a message `die` throws inside the thread, `hang` enters a
 * native call as a run does, one that no `terminate()` ends, and stays there for a while.
 */
import { execFileSync } from 'node:child_process';
import { parentPort, workerData, Worker, type WorkerOptions } from 'node:worker_threads';
import type { WorkerStart } from '../../../mux/inference/inference.js';
import { RunLock } from '../../../mux/inference/run-lock.js';

parentPort?.on('message', (message: { type: string }) => {
  if (message.type === 'die') throw new Error('killed by a test');
  if (message.type === 'hang') {
    new RunLock((workerData as WorkerStart).lock).enter();
    execFileSync('sleep', ['20']);
  }
});
if (parentPort) await import('../../../mux/inference/inference-worker.js');

/** Makes mortal workers and keeps them in `made`, newest last. */
export function mortalWorkers(): { made: Worker[]; create: (url: URL, options: WorkerOptions) => Worker } {
  const made: Worker[] = [];
  return {
    made,
    create: (_url, options) => {
      const worker = new Worker(new URL(import.meta.url), options);
      made.push(worker);
      return worker;
    },
  };
}
