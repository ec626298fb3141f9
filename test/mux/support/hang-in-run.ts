/** A program whose inference worker hangs in native code: prints what becomes of its jobs, one JSON a line. */
import type { RestartEvent } from '../../../mux/inference/inference.js';
import type { DevicePolicy } from '../../../mux/rules/policy-settings.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { mortalWorkers } from './mortal-worker.js';
import { cpuInference } from './zoos.js';

const MUX: DevicePolicy = { mode: 'mux', thresholds: { mux: 0.5 }, privacy: 'normal' };
const DARK = Uint8Array.of(120, 10, 10, 10);
const say = (what: unknown): boolean => process.stdout.write(`${JSON.stringify(what)}\n`);

const workers = mortalWorkers();
let announce: (event: RestartEvent) => void = () => undefined;
const restarted = new Promise<RestartEvent>((resolve) => (announce = resolve));
const inference = cpuInference(
  await loadZoo(process.argv[2] ?? ''),
  { runTimeoutS: 0.5, restart: { firstMs: 50, longestMs: 100 } },
  { createWorker: workers.create, onRestart: announce },
);
await inference.start();
workers.made[0]?.postMessage({ type: 'hang' });
const jobs = await Promise.allSettled([inference.decide(DARK, MUX), inference.decide(DARK, MUX)]);
say(jobs.map((job) => (job.status === 'rejected' ? (job.reason as { code: string }).code : job.status)));
say(inference.trouble);
await restarted;
say((await inference.decide(DARK, MUX)).decision);
say(inference.trouble);
await inference.stop();
say('stopped');
