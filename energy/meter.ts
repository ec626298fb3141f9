/**
 * The energy meter: what the frame pipeline calls, and what reports read.
 *
 * Units: J, W, V, A, ms on the monotonic clock (`common/clock.ts`).
 */
import type { Stage, StageSpan } from '../common/activity.js';
import type { Clock } from '../common/clock.js';
import type { Log } from '../common/log.js';
import type { RailKind } from '../drivers/power-sensor.js';
import type { Simulation } from '../drivers/sampler/sampler-plan.js';

/** Energy of one frame on the device, summed over the top rails. */
export interface FrameEnergy {
  /** Share of everything the device consumed while the frame was in it. */
  grossJ: number;
  /** Gross less the idle baseline; noise can make it slightly negative. */
  netJ: number;
  simulated: boolean;
  /** Gross energy by stage; the sum is `grossJ`. */
  stagesJ?: Partial<Record<Stage, number>>;
  /** By summed rail; the sums are `grossJ` and `netJ`. */
  railsJ?: Record<string, { gross: number; net: number }>;
  /** Samples in the frame's window (of the rail with the fewest). */
  samples?: number;
  /** True where a gap in the samples lies in the frame, or beside it, and was bridged. */
  bridged?: boolean;
  /** True where the window held too few samples for the value of this one frame to be trusted (means are). */
  coarse?: boolean;
}

/** Follows one frame. `enter`/`leave` also count it on the activity board; `span` does not. */
export interface FrameMeter {
  /** The frame enters a stage now. */
  enter(stage: Stage): void;
  /** The frame leaves a stage now. */
  leave(stage: Stage): void;
  /** Reports a stage after the fact; it replaces what enter/leave said about that stage of this frame. */
  span(span: StageSpan): void;
  /** Bytes of the frame begin their way to a server, or have come from one: what a simulated link's energy follows. */
  transfer(bytes: { up?: number; down?: number }): void;
  /** Energy of the frame, or null where it was not measured. Resolves within `power.finishMs` (and a timer's lateness), whatever the sensor does. */
  finish(): Promise<FrameEnergy | null>;
}

/** Power of a rail over the last second. */
export interface PowerSummary {
  mean: number;
  min: number;
  max: number;
}

export interface RailState {
  name: string;
  kind: RailKind;
  simulated: boolean;
  within: string | null;
  /** Whether the power of the device is the sum of this rail and its like. */
  counted: boolean;
  /** Over the last second; null while nothing is measured. */
  powerW: PowerSummary | null;
  /** Integral since start, without the time in gaps that were not bridged. */
  energyJ: number;
  /** Newest sample; null while nothing is measured. */
  voltageV: number | null;
  currentA: number | null;
  /** Samples since start. */
  samples: number;
  /** Times that samples were missing since start, and how long they were missing altogether. */
  gaps: number;
  gapMs: number;
  /** Samples per second over the last second. */
  rateHz: number;
  /** Samples since start at full scale of the sensor. */
  clipped: number;
  /** What is wrong with the rail now; null when it measures. */
  problem: string | null;
}

export interface EnergyTotals {
  /** Integral over the top rails since start. */
  energyJ: number;
  /** Idle power that net energies are net of; null until known. */
  idleW: number | null;
  /** Frames with an energy, those of them that reach into a bridged gap, and frames without one. */
  framesMeasured: number;
  framesBridged: number;
  framesUnmeasured: number;
  simulated: boolean;
}

export interface EnergyMeter {
  start(): Promise<void>;
  stop(): Promise<void>;
  frame(frameId: string): FrameMeter;
  rails(): RailState[];
  /** Warnings for people, empty when all is well. */
  health(): string[];
  totals(): EnergyTotals;
}

export interface EnergyMeterDeps {
  log: Log;
  clock: Clock;
  /** Activity board: the meter counts frames on it, the simulated rail's load follows it. */
  board: Int32Array<SharedArrayBuffer>;
  /** Where the kernel's `/sys` is; tests have their own. */
  sysRoot?: string;
  /** Loads and faults of simulated rails, for tests and benchmarks. */
  simulation?: Partial<Pick<Simulation, 'loads' | 'faults' | 'seed'>>;
}
