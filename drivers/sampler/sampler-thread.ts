/** Entry of the sampler's thread: the only one that loads `i2c-bus`, and where every transfer blocks. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../common/clock.js';
import { buildSensors } from '../build-sensors.js';
import type { PowerSample, PowerSensor } from '../power-sensor.js';
import { SampleRing } from './sample-ring.js';
import { gapAfterMs, type SamplerPlan } from './sampler-plan.js';
import { runSamplerLoop, type RailChange } from './sampler-loop.js';

export interface ThreadData {
  plan: SamplerPlan;
  rings: SharedArrayBuffer[];
  /** One word; not 0 ends the loop. */
  stop: SharedArrayBuffer;
}

export type ThreadMessage = { type: 'change'; change: RailChange } | { type: 'notice'; message: string };

/** Below the programs a device waits for, above batch work; ignored where the right is missing. */
const PRIORITY = -10;

function run(data: ThreadData): void {
  const send = (message: ThreadMessage): void => parentPort?.postMessage(message);
  try {
    setPriority(PRIORITY);
  } catch {
    // Without CAP_SYS_NICE the sampler competes like any thread: more jitter, nothing else.
  }
  const stop = new Int32Array(data.stop);
  const never = new Int32Array(new SharedArrayBuffer(4));
  const built = buildSensors(
    {
      clock: systemClock,
      notice: (message) => send({ type: 'notice', message }),
      block: (ms) => void Atomics.wait(never, 0, 0, ms),
    },
    data.plan,
  );
  const rails = built.rails.map(({ plan, sensor, truthJ }, index) => {
    const ring = new SampleRing(data.rings[index] ?? SampleRing.allocate(plan.rateHz, 1));
    return {
      sensor: truthJ ? withTruth(sensor, ring, truthJ) : sensor,
      ring,
      periodMs: 1000 / plan.rateHz,
      gapMs: gapAfterMs(plan, data.plan.gapPeriods),
    };
  });
  runSamplerLoop(
    {
      clock: systemClock,
      wait: (ms) => {
        if (ms > 0) Atomics.wait(stop, 0, 0, ms);
        return Atomics.load(stop, 0) !== 0;
      },
      changed: (change) => send({ type: 'change', change }),
    },
    rails,
  );
  for (const bus of built.buses) bus.close();
}

/** Notes the true energy of a simulated rail at its first and its newest sample, for reports to compare with. */
function withTruth(sensor: PowerSensor, ring: SampleRing, truthJ: (tMs: number) => number): PowerSensor {
  const sample = (): PowerSample | null => {
    const taken = sensor.sample();
    if (taken && ring.head === 0) ring.setStat('firstTruthJ', truthJ(taken.tMs));
    if (taken) ring.setStat('lastTruthJ', truthJ(taken.tMs));
    return taken;
  };
  return {
    rail: sensor.rail,
    simulated: sensor.simulated,
    counters: sensor.counters,
    start: () => sensor.start(),
    stop: () => sensor.stop(),
    sample,
  };
}

run(workerData as ThreadData);
