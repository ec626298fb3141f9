/**
 * A process with nothing but three simulated rails at 1 kHz, or the bare wait loop that any such sampler needs: its
 * CPU time is theirs. Prints one JSON line.
 */
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { LiveMeter } from '../../../energy/live-meter.js';
import { createBoard } from '../../../common/activity.js';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import { percentile } from '../../../common/statistics.js';
import { pause, simulatedRails } from './rails.js';

export interface SamplerFigures {
  /** CPU time of the process by elapsed time, percent of one core. */
  cpuPercent: number;
  /** Samples per second of the slowest rail; loops per second of the bare loop. */
  rateHz: number;
  /** Distance between samples less 1 ms, percentiles of its size. */
  jitterP50Ms: number;
  jitterP99Ms: number;
  gaps: number;
}

const PERIOD_MS = 1;
const WARM_MS = 1000;

/** Wakes once a ms by the same means as the sampler, reads the clock, counts. */
function bareLoop(words: Int32Array<SharedArrayBuffer>): void {
  const startMs = systemClock.monotonicMs();
  for (let due = startMs; Atomics.load(words, 0) === 0;) {
    const waitMs = due - systemClock.monotonicMs();
    if (waitMs > 0) Atomics.wait(words, 0, 0, waitMs);
    const nowMs = systemClock.monotonicMs();
    Atomics.add(words, 1, 1);
    due = startMs + (Math.floor((nowMs - startMs) / PERIOD_MS) + 1) * PERIOD_MS;
  }
}

async function cpuPercent(forMs: number): Promise<{ percent: number; elapsedMs: number }> {
  const startMs = systemClock.monotonicMs();
  const before = process.cpuUsage();
  await pause(forMs);
  const used = process.cpuUsage(before);
  const elapsedMs = systemClock.monotonicMs() - startMs;
  return { percent: (used.user + used.system) / 10 / elapsedMs, elapsedMs };
}

async function measureBare(forMs: number): Promise<SamplerFigures> {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: words });
  await pause(WARM_MS);
  const before = Atomics.load(words, 1);
  const { percent, elapsedMs } = await cpuPercent(forMs);
  const rateHz = ((Atomics.load(words, 1) - before) * 1e3) / elapsedMs;
  Atomics.store(words, 0, 1);
  await new Promise((resolve) => worker.once('exit', resolve));
  return { cpuPercent: percent, rateHz, jitterP50Ms: 0, jitterP99Ms: 0, gaps: 0 };
}

async function measureSampler(forMs: number): Promise<SamplerFigures> {
  const deps = { log: silentLog(), clock: systemClock, board: createBoard() };
  const meter = new LiveMeter(deps, simulatedRails(['module', 'gpu', 'cpu'], ['module']));
  await meter.start();
  await pause(WARM_MS);
  const from = meter.sampled().map(({ ring }) => ring.head);
  const { percent, elapsedMs } = await cpuPercent(forMs);
  const rates = meter.sampled().map(({ ring }, i) => ((ring.head - (from[i] ?? 0)) * 1e3) / elapsedMs);
  const jitters = meter.sampled().flatMap(({ ring }, i) => {
    const samples = ring.window(ring.at(Math.max(ring.oldest, from[i] ?? 0))?.tMs ?? 0, Infinity);
    return samples.slice(1).map((sample, k) => Math.abs(sample.tMs - (samples[k]?.tMs ?? 0) - PERIOD_MS));
  });
  const gaps = meter.rails().reduce((sum, rail) => sum + rail.gaps, 0);
  await meter.stop();
  return {
    cpuPercent: percent,
    rateHz: Math.min(...rates),
    jitterP50Ms: percentile(jitters, 0.5),
    jitterP99Ms: percentile(jitters, 0.99),
    gaps,
  };
}

if (!isMainThread) {
  bareLoop(workerData as Int32Array<SharedArrayBuffer>);
} else {
  const [mode, forMs] = process.argv.slice(2);
  const figures = mode === 'bare' ? await measureBare(Number(forMs)) : await measureSampler(Number(forMs));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
