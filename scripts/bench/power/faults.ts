/** `power-faults`: does a frame notice NACKs, a bus that hangs for a second, a bus that is dead for two? */
import { createHash } from 'node:crypto';
import { LiveMeter } from '../../../energy/live-meter.js';
import { createBoard } from '../../../common/activity.js';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import { mean, percentile } from '../../../common/statistics.js';
import type { BusFault } from '../../../drivers/simulation/simulated-bus.js';
import { machineFacts, metric, type BenchReport, type Metric } from '../report.js';
import type { PowerBenchOptions } from '../benchmark.js';
import { pause, simulatedRails } from './rails.js';

export interface PathFigures {
  frameP99Ms: number;
  finishP99Ms?: number;
  gaps?: number;
  unmeasured: number;
  recovered: number;
}

export const BLOCK_MS = 7000;
const FRAME_EVERY_MS = 4;
/** About 1 ms of work on the main thread, where the frames are steered. */
const WORK = Buffer.alloc(384 * 1024);

/** NACK bursts, then a transfer that hangs for 1 s, then a bus that is dead for 2 s. */
export function faultsFrom(startMs: number): BusFault[] {
  return [
    { kind: 'nack', fromMs: startMs + 500, toMs: startMs + 2000, share: 0.3 },
    { kind: 'hang', fromMs: startMs + 2300, toMs: startMs + 2400, hangMs: 1000 },
    { kind: 'nack', fromMs: startMs + 3700, toMs: startMs + 5700 },
  ];
}

export async function measureMeter(faulty: boolean): Promise<PathFigures> {
  const startMs = systemClock.monotonicMs();
  const simulation = { faults: faulty ? faultsFrom(startMs) : [] };
  const deps = { log: silentLog(), clock: systemClock, board: createBoard(), simulation };
  const meter = new LiveMeter(deps, simulatedRails(['module']));
  await meter.start();
  const frameMs: number[] = [];
  const finishMs: number[] = [];
  const finished: Promise<void>[] = [];
  while (systemClock.monotonicMs() < startMs + BLOCK_MS) {
    await pause(FRAME_EVERY_MS);
    const beganMs = systemClock.monotonicMs();
    const frame = meter.frame();
    frame.enter('decode');
    createHash('sha256').update(WORK).digest();
    frame.leave('decode');
    const energy = frame.finish();
    const doneMs = systemClock.monotonicMs();
    frameMs.push(doneMs - beganMs);
    finished.push(energy.then(() => void finishMs.push(systemClock.monotonicMs() - doneMs)));
  }
  await Promise.all(finished);
  const [rail] = meter.rails();
  await meter.stop();
  return {
    frameP99Ms: percentile(frameMs, 0.99),
    finishP99Ms: percentile(finishMs, 0.99),
    gaps: rail?.gaps ?? 0,
    unmeasured: meter.totals().framesUnmeasured,
    recovered: rail?.problem === null ? 1 : 0,
  };
}

/** Blocks without, with and again without faults by turns; `measure` plays one of them. */
export async function benchFaults(
  name: string,
  measure: (faulty: boolean) => Promise<PathFigures>,
  { runs, say }: PowerBenchOptions,
): Promise<BenchReport> {
  const calm: PathFigures[] = [];
  const faulty: PathFigures[] = [];
  const again: PathFigures[] = [];
  await measure(false);
  for (let round = 1; round <= runs; round += 1) {
    say(`${name}: round ${round} of ${runs}`);
    calm.push(await measure(false));
    faulty.push(await measure(true));
    again.push(await measure(false));
  }
  return {
    name,
    machine: await machineFacts(),
    runs,
    setup: { faults: '1.5 s of 30 % NACKs, a transfer hanging 1 s, a bus dead for 2 s', rail: 'simulated' },
    metrics: metrics(calm, faulty, again),
  };
}

function metrics(
  calm: readonly PathFigures[],
  faulty: readonly PathFigures[],
  again: readonly PathFigures[],
): Metric[] {
  const of = (figures: readonly PathFigures[], key: keyof PathFigures): number[] =>
    figures.flatMap((each) => each[key] ?? []);
  const before = of(calm, 'frameP99Ms');
  const after = of(again, 'frameP99Ms');
  const around = before.map((value, round) => mean([value, after[round] ?? NaN]));
  return [
    metric({
      name: 'frame p99, faults',
      unit: 'ms',
      values: of(faulty, 'frameP99Ms'),
      baselines: around,
      against: 'mean of the same block without faults just before and just after',
      target: { atMost: 1.1 },
    }),
    metric({
      name: 'frame p99, A/A',
      unit: 'ms',
      values: after,
      baselines: before,
      against: 'both without faults: how far two equal blocks of a round are apart',
    }),
    ...meterMetrics(of(faulty, 'finishP99Ms'), of(calm, 'finishP99Ms'), of(faulty, 'gaps')),
    metric({ name: 'frames without energy', unit: 'x', values: of(faulty, 'unmeasured') }),
    metric({ name: 'recovered alone', unit: 'x', values: of(faulty, 'recovered'), target: { atLeast: 1 } }),
  ];
}

/** What only the meter itself can tell; nothing where the whole daemon is seen from outside. */
function meterMetrics(faulty: number[], calm: number[], gaps: number[]): Metric[] {
  if (faulty.length === 0) return [];
  return [
    metric({ name: 'finish p99, faults', unit: 'ms', values: faulty, target: { atMost: 20 } }),
    metric({ name: 'finish p99, calm', unit: 'ms', values: calm }),
    metric({ name: 'gaps, faults', unit: 'x', values: gaps }),
  ];
}
