/** The pair over measured outputs: what each device policy does with every image, by the daemon's own rule. */
import type { DeviceMode, Thresholds } from '../../../common/policy-names.js';
import type { Gate } from '../../../mux/rules/gate.js';
import { needsMux } from '../../../mux/rules/policies/needs.js';
import type { MuxReading, Seen } from '../../../mux/rules/policies/rule.js';
import { afterLocal, beforeLocal, exponentsOf } from '../../../mux/rules/policy-rules.js';
import type { DevicePolicy } from '../../../mux/rules/policy-settings.js';
import { argmax, fuse } from '../../../mux/rules/probabilities.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import {
  answersOf,
  type Answers,
  type Measured,
  type MeasuredModel,
  type MeasuredPairMux,
} from '../outputs/outputs.js';
import { shareOf } from '../statistics/metrics.js';

export interface Pair {
  count: number;
  classes: number;
  labels: Uint16Array;
  local: MeasuredModel;
  cloud: MeasuredModel;
  mux: MeasuredPairMux | null;
  /** The zoo's, where it ships one. */
  gate: Gate | null;
}

/** The zoo's local model and the dearest with the role `cloud`; null where it has no two such models. */
export function pairOf(zoo: Zoo, measured: Measured): Pair | null {
  const { count, classes, labels, pairMux: mux } = measured;
  const clouds = zoo.manifest.models.filter(({ roles }) => roles.includes('cloud'));
  const dearest = clouds.reduce(
    (best, model) => (model.flops > best.flops ? model : best),
    clouds[0] ?? zoo.largest,
  );
  const local = measured.models.find(({ id }) => id === zoo.local?.id);
  const cloud = measured.models.find(({ id }) => id === dearest.id);
  if (!local || !cloud || local === cloud) return null;
  return { count, classes, labels, local, cloud, mux, gate: zoo.manifest.policy.gate ?? null };
}

/** What happened to each of N images, as 0 or 1. */
export interface Outcome {
  right: Uint8Array;
  /** Ran the mux. */
  mux: Uint8Array;
  /** Ran the local model. */
  local: Uint8Array;
  offloaded: Uint8Array;
}

/** What the device says after a local run under these thresholds: fused where the mode fuses, else the local answer. */
export function keptAnswers(pair: Pair, mode: DeviceMode, thresholds: Thresholds): Answers {
  const { local, mux } = pair;
  const exponents = exponentsOf({ mode, thresholds });
  if (!mux || exponents === null) return local;
  const known = FUSED.get(pair);
  if (known?.local === exponents.local && known.mux === exponents.mux) return known.answers;
  const answers = fusedAnswers(pair, mux, exponents);
  FUSED.set(pair, { ...exponents, answers });
  return answers;
}

/** The last fused answers of a pair: a search tries many thresholds with the same exponents. */
const FUSED = new WeakMap<Pair, { local: number; mux: number; answers: Answers }>();

function fusedAnswers(pair: Pair, mux: MeasuredPairMux, exponents: { local: number; mux: number }): Answers {
  const { local, classes, labels, count } = pair;
  const probabilities = new Float32Array(count * classes);
  for (let i = 0; i < count; i += 1) {
    const row = [
      { probabilities: rowOf(local, i, classes), weight: exponents.local },
      { probabilities: rowOf(mux, i, classes), weight: exponents.mux },
    ];
    probabilities.set(fuse(row), i * classes);
  }
  return answersOf(probabilities, labels, classes);
}

/** Every image as a rule sees it once the local model ran, its fused probabilities those of `answers`. */
export function framesOf(pair: Pair, answers: Answers): readonly Seen[] {
  const known = FRAMES.get(answers);
  if (known?.mux === pair.mux) return known.frames;
  const { local, classes, count, mux } = pair;
  const frames = Array.from({ length: count }, (_, i): Seen => ({
    mux: readingOf(pair, i),
    local: rowOf(local, i, classes),
    fused: rowOf(answers, i, classes),
  }));
  FRAMES.set(answers, { mux, frames });
  return frames;
}

/** A search asks for the frames of the same answers again and again. */
const FRAMES = new WeakMap<Answers, { mux: MeasuredPairMux | null; frames: readonly Seen[] }>();

export function rowOf(
  { probabilities }: Pick<Answers, 'probabilities'>,
  i: number,
  classes: number,
): Float32Array {
  return probabilities.subarray(i * classes, (i + 1) * classes);
}

/** Every image through the daemon's own rule. */
export function applyPolicy(pair: Pair, mode: DeviceMode, thresholds: Thresholds): Outcome {
  const { count, labels, local, cloud, classes } = pair;
  const policy: DevicePolicy = {
    mode,
    thresholds: { mux: 0.5, ...thresholds },
    privacy: 'normal',
    ...(pair.gate ? { gate: pair.gate } : {}),
  };
  const asksMux = pair.mux !== null && needsMux({ mode });
  const outcome = emptyOutcome(count);
  outcome.mux.fill(asksMux ? 1 : 0);
  for (let i = 0; i < count; i += 1) {
    const reading = asksMux ? readingOf(pair, i) : null;
    const before = beforeLocal(policy, reading);
    if (before.step === 'answer' && reading) {
      outcome.right[i] = argmax(reading.probabilities) === labels[i] ? 1 : 0;
      continue;
    }
    let offloads = before.step === 'offload';
    if (!offloads) {
      outcome.local[i] = 1;
      const after = afterLocal(policy, reading, rowOf(local, i, classes), before);
      offloads = after.decision === 'offload';
      outcome.right[i] = argmax(after.probabilities) === labels[i] ? 1 : 0;
    }
    if (!offloads) continue;
    outcome.offloaded[i] = 1;
    outcome.right[i] = cloud.right[i] ?? 0;
  }
  return outcome;
}

export function emptyOutcome(count: number): Outcome {
  const column = () => new Uint8Array(count);
  return { right: column(), mux: column(), local: column(), offloaded: column() };
}

function readingOf({ mux, classes }: Pair, i: number): MuxReading | null {
  return mux && { score: mux.score[i] ?? NaN, probabilities: rowOf(mux, i, classes) };
}

/** Shares of frames, in [0, 1], and the mean multiply-accumulates of a frame on device and server (eq. 13). */
export interface Shares {
  accuracy: number;
  muxShare: number;
  localShare: number;
  offloadShare: number;
  flops: number;
}

export function sharesOf(pair: Pair, outcome: Outcome): Shares {
  return withFlops(pair, {
    accuracy: shareOf(outcome.right),
    muxShare: shareOf(outcome.mux),
    localShare: shareOf(outcome.local),
    offloadShare: shareOf(outcome.offloaded),
  });
}

export function withFlops({ mux, local, cloud }: Pair, shares: Omit<Shares, 'flops'>): Shares {
  const { muxShare, localShare, offloadShare } = shares;
  const flops = muxShare * (mux?.flops ?? 0) + localShare * local.flops + offloadShare * cloud.flops;
  return { ...shares, flops };
}
