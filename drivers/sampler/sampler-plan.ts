/** What the sampler's thread is told to do: plain data, so that it can cross to the thread. */
import type { Ina226Settings } from '../ina226/ina226.js';
import type { LoadStep } from '../simulation/load.js';
import type { Rail } from '../power-sensor.js';
import type { BusFault } from '../simulation/simulated-bus.js';
import type { SysfsFiles } from '../sysfs/sysfs-rails.js';

interface RatedRail {
  rail: Rail;
  rateHz: number;
}

export interface Ina226Plan extends RatedRail {
  type: 'ina226';
  bus: number;
  settings: Ina226Settings;
}

export interface SysfsPlan extends RatedRail {
  type: 'sysfs';
  files: SysfsFiles;
}

export type RailPlan = Ina226Plan | SysfsPlan;

/** What drives simulated rails. Times on the monotonic clock. */
export interface Simulation {
  /** Activity board that the power model follows. */
  board: SharedArrayBuffer;
  /** Loads known in advance, by rail name, instead of the board: tests and benchmarks. */
  loads?: Record<string, LoadStep[]>;
  faults?: BusFault[];
  seed: number;
}

export interface SamplerPlan {
  rails: RailPlan[];
  simulation: Simulation | null;
  /** Missing samples in a row that make a gap. */
  gapPeriods: number;
}

/** Time without a sample in ms after which nothing is assumed about the time between. */
export function gapAfterMs(plan: RailPlan, gapPeriods: number): number {
  return gapPeriods * Math.max(1000 / plan.rateHz, plan.rail.updateMs);
}
