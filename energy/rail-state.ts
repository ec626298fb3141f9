/** What reports say about a rail. */
import type { RailFollower } from './rail-follower.js';
import type { RailState } from './meter.js';

const REPORT_MS = 1000;
/** Time that the sampler's thread may take to start on a busy machine. */
const START_MS = 2000;

/** State of a rail, powers over the last second (the last two updates for a slower one). */
export function railState(follower: RailFollower, nowMs: number): Omit<RailState, 'counted'> {
  const { rail, ring, problem, rateHz } = follower.sampled;
  const lookMs = Math.max(REPORT_MS, 2 * rail.updateMs, 2000 / rateHz);
  const newest = ring.at(ring.head - 1);
  const recent = newest && nowMs - newest.tMs < lookMs + 2 * rail.spanMs ? newest : null;
  let sumW = 0;
  let min = Infinity;
  let max = -Infinity;
  let count = 0;
  let firstMs = 0;
  for (let index = recent ? ring.indexAt(recent.tMs - lookMs) : ring.head; ; index += 1) {
    const sample = ring.at(index);
    if (!sample) break;
    if (count === 0) firstMs = sample.tMs;
    count += 1;
    sumW += sample.powerW;
    min = Math.min(min, sample.powerW);
    max = Math.max(max, sample.powerW);
  }
  const spanS = recent ? (recent.tMs - firstMs) / 1e3 : 0;
  return {
    name: rail.name,
    kind: rail.kind,
    simulated: rail.simulated,
    within: rail.within,
    powerW: count > 0 ? { mean: sumW / count, min, max } : null,
    energyJ: follower.integral.energyJ,
    voltageV: recent?.voltageV ?? null,
    currentA: recent?.currentA ?? null,
    samples: ring.head,
    gaps: ring.stat('gaps'),
    gapMs: ring.stat('gapMs'),
    rateHz: spanS > 0 ? (count - 1) / spanS : 0,
    clipped: ring.stat('clipped'),
    problem: problem ?? silence(follower, recent !== null, nowMs - lookMs - 2 * rail.spanMs),
  };
}

/** A sampler that hangs in a transfer cannot say so itself: its silence does. */
function silence(follower: RailFollower, isRecent: boolean, longAgoMs: number): string | null {
  if (isRecent) return null;
  if (follower.sampled.ring.head > 0) return 'no samples any more';
  return follower.startMs < longAgoMs - START_MS ? 'no sample since the start' : null;
}
