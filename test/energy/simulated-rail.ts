/** A simulated rail sampled by the real loop on a clock of its own: 60 s of it take a second. */
import { Ina226Sensor } from '../../drivers/ina226/ina226-sensor.js';
import { SimulatedIna226 } from '../../drivers/ina226/ina226-sim.js';
import { StepLoad, type Load, type LoadStep } from '../../drivers/simulation/load.js';
import type { SampledRail } from '../../drivers/sampler/sampler.js';
import { runSamplerLoop } from '../../drivers/sampler/sampler-loop.js';
import { SampleRing } from '../../drivers/sampler/sample-ring.js';
import { seededRandom } from '../../common/random.js';
import { SimulatedBus, type BusFault } from '../../drivers/simulation/simulated-bus.js';
import { timingFor, updateMs } from '../../drivers/ina226/ina226-timing.js';
import { TestClock, testRail } from '../drivers/fakes.js';

export interface Simulated {
  sampled: SampledRail;
  load: Load;
}

export function sampleSimulatedRail(options: {
  steps?: LoadStep[];
  /** In place of steps. */
  load?: Load;
  endMs: number;
  rateHz?: number;
  /** Relative speed of the chip's clock. */
  clockSpeed?: number;
  /** Latest a wake-up comes after its time. */
  lateMs?: number;
  /** How long the sampler gets no processor at a wake-up, beside that. */
  starvedMs?: (nowMs: number) => number;
  faults?: BusFault[];
  seed?: number;
}): Simulated {
  const {
    steps = [],
    endMs,
    rateHz = 1000,
    clockSpeed = 1.02,
    lateMs = 0.3,
    faults = [],
    seed = 1,
  } = options;
  const clock = new TestClock(0);
  const random = seededRandom(seed);
  const load = options.load ?? new StepLoad(steps);
  const wish = { averages: 'auto', shuntConversionUs: 'auto', busConversionUs: 'auto' } as const;
  const configuration = timingFor(rateHz, wish, 'bothContinuous');
  const settings = { address: 0x40, shuntOhms: 0.01, calibration: 2048, configuration };
  const chip = new SimulatedIna226({ load, voltageV: 19, shuntOhms: 0.01, clockSpeed, noiseLsb: 1, random });
  const bus = new SimulatedBus({ clock, chips: new Map([[0x40, chip]]), faults, random });
  const chipMs = updateMs(configuration);
  const rail = testRail({
    simulated: true,
    updateMs: chipMs,
    spanMs: chipMs + Math.min(chipMs, 1000 / rateHz),
  });
  const sensor = new Ina226Sensor({ bus, clock }, { rail, settings, periodMs: 1000 / rateHz });
  const ring = new SampleRing(SampleRing.allocate(rateHz, endMs / 1000 + 1));
  const gapMs = 10_000 / rateHz;
  const wait = (ms: number): boolean => {
    clock.nowMs += ms + lateMs * random();
    clock.nowMs += options.starvedMs?.(clock.nowMs) ?? 0;
    return clock.nowMs >= endMs;
  };
  runSamplerLoop({ clock, wait, changed: () => undefined }, [
    { sensor, ring, periodMs: 1000 / rateHz, gapMs },
  ]);
  return { load, sampled: { rail, rateHz, gapMs, ring, problem: null } };
}

export function truthJ(load: Load, fromMs: number, toMs: number): number {
  return load.energyJ(toMs) - load.energyJ(fromMs);
}
