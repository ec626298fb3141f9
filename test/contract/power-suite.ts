/** What every power sensor promises, whatever is behind it. Runs over each of them, also in the rig's VM. */
import type { Test } from 'tap';
import { isEdgemuxError } from '../../common/errors.js';
import { SAMPLE_FLAGS, type PowerSample, type PowerSensor } from '../../drivers/power-sensor.js';

/** One sensor and the strings that move what it measures. */
export interface SensorBench {
  sensor: PowerSensor;
  nowMs: () => number;
  /** Lets this much time pass for the sensor and what it measures. */
  advance: (ms: number) => void;
  /** Makes the rail carry this current; returns the voltage it then has. */
  setCurrentA: (currentA: number) => number;
  /** Takes the chip, or its files, away, and gives them back; null where the bench cannot. */
  unplug: (() => void) | null;
  plug: () => void;
  resolution: { voltageV: number; currentA: number };
}

const KNOWN_FLAGS = Object.values(SAMPLE_FLAGS).reduce((all, flag) => all | flag, 0);
/** Longer than any conversion and any retry. */
const SETTLE_MS = 1500;

export function powerSensorContract(t: Test, name: string, make: (t: Test) => SensorBench): void {
  const fresh = (bench: SensorBench): PowerSample => {
    for (let i = 0; i < 20; i += 1) {
      bench.advance(SETTLE_MS);
      const sample = bench.sensor.sample();
      if (sample) return sample;
    }
    throw new Error('no sample');
  };

  t.test(`${name}: says what it measures before it is started`, async (t) => {
    const { sensor } = make(t);
    t.match(sensor.rail.name, /^[A-Za-z0-9_-]{1,64}$/);
    t.ok(sensor.rail.updateMs > 0 && sensor.rail.spanMs >= sensor.rail.updateMs);
    t.equal(sensor.rail.simulated, sensor.simulated);
  });

  t.test(`${name}: may be started and stopped twice, and started again`, async (t) => {
    const bench = make(t);
    bench.setCurrentA(1);
    bench.sensor.stop();
    bench.sensor.start();
    bench.sensor.start();
    fresh(bench);
    bench.sensor.stop();
    bench.sensor.stop();
    bench.sensor.start();
    fresh(bench);
  });

  t.test(`${name}: measures V, A and W to its resolution`, async (t) => {
    const bench = make(t);
    for (const currentA of [0.5, 2, 0.001, 1.234]) {
      const voltageV = bench.setCurrentA(currentA);
      const sample = fresh(bench);
      t.ok(Math.abs(sample.voltageV - voltageV) <= bench.resolution.voltageV, `${voltageV} V`);
      t.ok(Math.abs(sample.currentA - currentA) <= bench.resolution.currentA, `${currentA} A`);
      const errorW = Math.abs(sample.powerW - sample.voltageV * sample.currentA);
      t.ok(errorW <= 0.001 + bench.resolution.currentA * voltageV, 'W is V times A');
    }
  });

  t.test(`${name}: power that flows back is negative`, async (t) => {
    const bench = make(t);
    bench.setCurrentA(-1.5);
    const sample = fresh(bench);
    t.ok(Math.abs(sample.currentA + 1.5) <= bench.resolution.currentA);
    t.ok(sample.powerW < 0);
  });

  t.test(`${name}: dates its samples in order, before now, after the value before`, async (t) => {
    const bench = make(t);
    bench.setCurrentA(1);
    let lastMs = -Infinity;
    for (let i = 0; i < 5; i += 1) {
      const sample = fresh(bench);
      t.ok(sample.tMs > lastMs && sample.tMs <= bench.nowMs());
      t.ok(bench.nowMs() - sample.tMs < bench.sensor.rail.spanMs + 100, 'not older than its span');
      t.equal(sample.flags & ~KNOWN_FLAGS, 0);
      lastMs = sample.tMs;
    }
  });

  t.test(`${name}: what is gone is an error with a code, never a number, and comes back`, async (t) => {
    const bench = make(t);
    if (!bench.unplug) return t.comment('this bench cannot unplug');
    bench.setCurrentA(1);
    fresh(bench);
    bench.unplug();
    for (let i = 0; i < 3; i += 1) {
      bench.advance(100);
      try {
        t.equal(bench.sensor.sample(), 'an error');
      } catch (error) {
        t.ok(isEdgemuxError(error, 'CHIP_NOT_ANSWERING'), String(error));
      }
    }
    bench.plug();
    const voltageV = bench.setCurrentA(2);
    const sample = fresh(bench);
    t.ok(Math.abs(sample.powerW - 2 * voltageV) < 0.05);
  });
}
