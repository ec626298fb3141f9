/** What the sampler's thread is told to do: plain data, so that it can cross to the thread. */
import type { SimulatedLink } from '../simulation/board-model.js';
import type { LoadStep } from '../simulation/load.js';
import type { ChipName, Rail } from '../power-sensor.js';
import type { BusFault } from '../simulation/simulated-bus.js';
import type { SysfsFiles } from '../sysfs/sysfs-rails.js';

interface RatedRail {
  rail: Rail;
  rateHz: number;
}

/** A rail behind a chip on an I2C bus. */
export interface I2cPlan extends RatedRail {
  type: 'i2c';
  chip: ChipName;
  bus: number;
  address: number;
  /** The chip's own (`ChipPlan.settings`). */
  settings: unknown;
  /** Register transfers of one sample. */
  transfers: { reads: number; writes: number };
}

export interface SysfsPlan extends RatedRail {
  type: 'sysfs';
  files: SysfsFiles;
}

export type RailPlan = I2cPlan | SysfsPlan;

/** What drives simulated rails. Times on the monotonic clock. */
export interface Simulation {
  /** Activity board whose work the power model follows. */
  board: SharedArrayBuffer;
  /** What the bytes of offloaded frames travel over. */
  link: SimulatedLink;
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
