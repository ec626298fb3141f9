/** `power-energy`: energies of simulated rails, measured live at 1 kHz, against the known truth of their loads. */
import type { FrameEnergy } from '../../../energy/meter.js';
import { LiveMeter } from '../../../energy/live-meter.js';
import { createBoard } from '../../../common/activity.js';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import { mean } from '../../../common/statistics.js';
import { machineFacts, metric, type BenchReport } from '../report.js';
import type { PowerBenchOptions } from '../benchmark.js';
import {
  BURST_MS,
  BURST_W,
  IDLE_W,
  bursts,
  errorPercent,
  pause,
  simulatedRails,
  varyingLoad,
} from './rails.js';

interface EnergyFigures {
  totalErrorPercent: number;
  netErrorPercent: number;
  grossErrorPercent: number;
  spreadPercent: number;
  windows: number;
  unmeasuredPercent: number;
  gapPercent: number;
}

const NET_J = ((BURST_W - IDLE_W) * BURST_MS) / 1e3;
const GROSS_J = (BURST_W * BURST_MS) / 1e3;
/** Idle time before the first burst, in which idle power is learned. */
const LEARN_MS = 1500;

async function measure(seconds: number, seed: number): Promise<EnergyFigures> {
  const startMs = systemClock.monotonicMs();
  const endMs = startMs + LEARN_MS + 1e3 * seconds;
  const { steps, startsMs } = bursts(startMs + LEARN_MS, endMs, seed);
  const loads = {
    bursts: steps,
    varying: varyingLoad(0, 1, 1).concat(varyingLoad(startMs, endMs + 1e4, seed)),
  };
  const deps = { log: silentLog(), clock: systemClock, board: createBoard(), simulation: { loads, seed } };
  const meter = new LiveMeter(deps, simulatedRails(['bursts', 'varying'], ['bursts']));
  await meter.start();
  await pause(startMs + LEARN_MS - systemClock.monotonicMs());
  const energies = await measureBursts(meter, startsMs);
  await meter.stop();
  const found = energies.filter((energy) => energy !== null);
  const nets = found.map(({ netJ }) => netJ);
  const varying = meter.sampled().find(({ rail }) => rail.name === 'varying');
  const state = meter.rails().find(({ name }) => name === 'varying');
  const truthJ = varying ? varying.ring.stat('lastTruthJ') - varying.ring.stat('firstTruthJ') : NaN;
  const spanMs = varying ? varying.ring.stat('lastMs') - varying.ring.stat('firstMs') : NaN;
  const gapMs = state?.gapMs ?? NaN;
  return {
    // Gaps are left out of an integral by design: the truth is scaled to the time that was measured.
    totalErrorPercent: errorPercent(state?.energyJ ?? NaN, truthJ * (1 - gapMs / spanMs)),
    netErrorPercent: errorPercent(mean(nets), NET_J),
    grossErrorPercent: errorPercent(mean(found.map(({ grossJ }) => grossJ)), GROSS_J),
    spreadPercent: (100 * Math.sqrt(mean(nets.map((net) => (net - mean(nets)) ** 2)))) / NET_J,
    windows: found.length,
    unmeasuredPercent: (100 * (energies.length - found.length)) / energies.length,
    gapPercent: (100 * gapMs) / spanMs,
  };
}

/** Reports every burst as a frame's span when it is over, as the pipeline does. */
async function measureBursts(meter: LiveMeter, startsMs: readonly number[]): Promise<(FrameEnergy | null)[]> {
  const finished: Promise<FrameEnergy | null>[] = [];
  for (const startMs of startsMs) {
    const waitMs = startMs - systemClock.monotonicMs();
    if (waitMs > 0) await pause(waitMs);
    const frame = meter.frame();
    await pause(Math.max(0, startMs + BURST_MS - systemClock.monotonicMs()));
    frame.span({ stage: 'local', startMs, endMs: startMs + BURST_MS });
    finished.push(frame.finish());
  }
  return Promise.all(finished);
}

export async function benchEnergy({ runs, seconds, say }: PowerBenchOptions): Promise<BenchReport> {
  const rounds: EnergyFigures[] = [];
  for (let round = 1; round <= runs; round += 1) {
    say(`power-energy: round ${round} of ${runs}, ${seconds} s`);
    rounds.push(await measure(seconds, round));
  }
  const of = (key: keyof EnergyFigures): number[] => rounds.map((each) => each[key]);
  const within = (atMost: number): { target: { atMost: number } } => ({ target: { atMost } });
  return {
    name: 'power-energy',
    machine: await machineFacts(),
    runs,
    setup: { rate: '1000 Hz', 'seconds a round': seconds, 'ms a burst': BURST_MS, rail: 'simulated' },
    metrics: [
      metric({ name: 'total error, varying', unit: '%', values: of('totalErrorPercent'), ...within(0.5) }),
      metric({ name: 'mean error, net', unit: '%', values: of('netErrorPercent'), ...within(1) }),
      metric({ name: 'mean error, gross', unit: '%', values: of('grossErrorPercent'), ...within(1) }),
      metric({ name: 'spread of one burst', unit: '%', values: of('spreadPercent') }),
      metric({ name: 'bursts measured', unit: 'x', values: of('windows') }),
      metric({ name: 'bursts in gaps', unit: '%', values: of('unmeasuredPercent') }),
      metric({ name: 'time in gaps', unit: '%', values: of('gapPercent') }),
    ],
  };
}
