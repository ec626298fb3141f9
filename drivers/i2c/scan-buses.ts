/** Scans I2C buses for power monitors, in a thread that ends with the scan. */
import { Worker } from 'node:worker_threads';
import type { BusScan } from './scan.js';

export function scanBuses(numbers: readonly number[]): Promise<BusScan[]> {
  if (numbers.length === 0) return Promise.resolve([]);
  const worker = new Worker(new URL('./scan-thread.js', import.meta.url), {
    workerData: numbers,
    execArgv: [],
  });
  return new Promise((resolve, reject) => {
    let found: BusScan[] = [];
    worker.once('message', (scans: BusScan[]) => (found = scans));
    worker.once('error', reject);
    worker.once('exit', () => resolve(found));
  });
}
