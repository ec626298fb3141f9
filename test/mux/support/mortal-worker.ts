/** The inference worker with a way to die between two runs: a message `die` throws inside the thread. */
import { parentPort, Worker, type WorkerOptions } from 'node:worker_threads';

parentPort?.on('message', (message: { type: string }) => {
  if (message.type === 'die') throw new Error('killed by a test');
});
if (parentPort) await import('../../../mux/inference-worker.js');

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
