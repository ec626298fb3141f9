/** The sampler's work: reads every rail when it is due, writes rings, marks gaps, backs off from what fails. */
import { isEdgemuxError, messageOf, type ErrorCode } from '../../common/errors.js';
import { SAMPLE_FLAGS, type PowerSample, type PowerSensor } from '../power-sensor.js';
import { recoveryFor } from '../i2c/register-bus.js';
import type { SampleRing } from './sample-ring.js';

export interface LoopRail {
  sensor: PowerSensor;
  ring: SampleRing;
  periodMs: number;
  /** Time without a sample that makes a gap. */
  gapMs: number;
}

/** A rail began to fail (`error`) or measures again (`error: null`). */
export interface RailChange {
  rail: number;
  error: { code: ErrorCode; message: string } | null;
}

export interface LoopDeps {
  clock: { monotonicMs(): number };
  /** Waits; true when the loop should end. */
  wait: (ms: number) => boolean;
  changed: (change: RailChange) => void;
}

const BACKOFF_MOST_MS = 250;
/** For failures that only a person can mend. */
const CONFIGURATION_BACKOFF_MS = 5000;

interface RailState extends LoopRail {
  dueMs: number;
  lastMs: number;
  failures: number;
  reported: string | null;
}

/** Runs until `wait` says so. */
export function runSamplerLoop(deps: LoopDeps, rails: readonly LoopRail[]): void {
  const startMs = deps.clock.monotonicMs();
  const states = rails.map((rail): RailState => ({
    ...rail,
    dueMs: startMs,
    lastMs: lastOf(rail.ring),
    failures: 0,
    reported: null,
  }));
  for (;;) {
    const dueMs = Math.min(...states.map((state) => state.dueMs));
    if (deps.wait(Math.max(0, dueMs - deps.clock.monotonicMs()))) break;
    for (const [index, state] of states.entries()) {
      if (state.dueMs > deps.clock.monotonicMs()) continue;
      state.dueMs = sampleRail(deps, state, index, startMs);
    }
  }
  for (const { sensor } of states) sensor.stop();
}

/** Time of the newest sample: of an earlier thread, when this one replaces it. */
function lastOf(ring: SampleRing): number {
  return ring.head > 0 ? ring.stat('lastMs') : NaN;
}

/** Samples one rail and returns when it is due next. */
function sampleRail(deps: LoopDeps, state: RailState, index: number, startMs: number): number {
  try {
    const sample = state.sensor.sample();
    if (sample) record(state, sample);
    if (sample && state.reported !== null) deps.changed({ rail: index, error: null });
    if (sample) state.reported = null;
    state.failures = 0;
  } catch (error) {
    return failed(deps, state, index, error);
  }
  // The next point of a grid common to all rails, so that one wake-up serves them all; missed points are skipped.
  const nowMs = deps.clock.monotonicMs();
  return startMs + (Math.floor((nowMs - startMs) / state.periodMs + 1e-6) + 1) * state.periodMs;
}

function record(state: RailState, sample: PowerSample): void {
  const { ring } = state;
  if (Number.isNaN(state.lastMs)) ring.setStat('firstMs', sample.tMs);
  const silentMs = sample.tMs - state.lastMs;
  if (silentMs > state.gapMs) {
    sample.flags |= SAMPLE_FLAGS.afterGap;
    ring.addStat('gaps', 1);
    ring.addStat('gapMs', silentMs);
  }
  if ((sample.flags & SAMPLE_FLAGS.duplicate) !== 0) ring.addStat('duplicates', 1);
  if ((sample.flags & SAMPLE_FLAGS.clipped) !== 0) ring.addStat('clipped', 1);
  ring.setStat('retries', state.sensor.counters.retries);
  ring.setStat('restored', state.sensor.counters.restored);
  state.lastMs = sample.tMs;
  ring.setStat('lastMs', sample.tMs);
  ring.push(sample);
}

function failed(deps: LoopDeps, state: RailState, index: number, error: unknown): number {
  state.failures += 1;
  state.ring.addStat('errors', 1);
  const nowMs = deps.clock.monotonicMs();
  const code = isEdgemuxError(error) ? error.code : 'SENSOR_FAILED';
  const silent = !(nowMs - state.lastMs < state.gapMs + state.sensor.rail.spanMs);
  if (silent && state.reported !== code) {
    state.reported = code;
    deps.changed({ rail: index, error: { code, message: messageOf(error) } });
  }
  const backoffMs = Math.min(state.periodMs * 2 ** Math.min(state.failures - 1, 20), BACKOFF_MOST_MS);
  return nowMs + (recoveryFor(error) === 'configuration' ? CONFIGURATION_BACKOFF_MS : backoffMs);
}
