/** Accuracy against offloading and against computation: every device policy, and what it has to beat. */
import type { RankedMode } from '../../../mux/rules/policies/registry.js';
import type { Thresholds } from '../../../common/policy-names.js';
import { standardised } from '../outputs/features.js';
import { crossValidated, halves } from '../outputs/neighbours.js';
import { ranked, shareOf } from '../statistics/metrics.js';
import { emptyOutcome, withFlops, type Outcome, type Pair, type Shares } from './pair.js';
import { cutsOf, sharesAt, sweepOf } from './cuts.js';

export interface Curve {
  name: string;
  /** What was fixed while the last threshold moved, and where that came from. */
  settings: string;
  points: Shares[];
}

/** Points a curve keeps: enough for a figure, few enough to read. */
const POINTS = 101;

/** A policy's curve while its last threshold moves over these images' own values. */
export function policyCurve(pair: Pair, mode: RankedMode, base: Thresholds, settings: string): Curve {
  const sweep = sweepOf(pair, mode, base);
  const points = thinned(cutsOf(sweep)).map((cut) => sharesAt(pair, sweep, cut));
  return { name: mode, settings, points };
}

/** At most POINTS of them, the first and the last among them. */
export function thinned<T>(items: readonly T[]): T[] {
  if (items.length <= POINTS) return [...items];
  const at = (n: number) => items[Math.round((n * (items.length - 1)) / (POINTS - 1))];
  return Array.from({ length: POINTS }, (_, n) => at(n)).filter((item) => item !== undefined);
}

/** Offloads a random share: a straight line from local to cloud, no mux. */
export function randomCurve(pair: Pair): Curve {
  const [local, cloud] = [shareOf(pair.local.right), shareOf(pair.cloud.right)];
  const points = Array.from({ length: POINTS }, (_, n) => {
    const offloadShare = n / (POINTS - 1);
    const accuracy = local + offloadShare * (cloud - local);
    return withFlops(pair, { accuracy, offloadShare, muxShare: 0, localShare: 1 - offloadShare });
  });
  return { name: 'random', settings: 'expected accuracy of a random choice', points };
}

/** Offloads in the order of an outside score, without a local run, without a mux. */
export function scoreCurve(pair: Pair, name: string, score: ArrayLike<number>, settings: string): Curve {
  const order = ranked(score);
  const points: Shares[] = [];
  let right = pair.local.right.reduce((sum, one) => sum + one, 0);
  for (let k = 0; k <= pair.count; k += 1) {
    const i = order[k - 1] ?? 0;
    if (k > 0) right += (pair.cloud.right[i] ?? 0) - (pair.local.right[i] ?? 0);
    const offloadShare = k / pair.count;
    points.push(
      withFlops(pair, {
        accuracy: right / pair.count,
        offloadShare,
        muxShare: 0,
        localShare: 1 - offloadShare,
      }),
    );
  }
  return { name, settings, points: thinned(points) };
}

/** Knows who is right: sends first what only the cloud gets right, last what only the local model does. */
export function oracleCurve(pair: Pair): Curve {
  const gain = Int8Array.from(pair.cloud.right, (cloud, i) => cloud - (pair.local.right[i] ?? 0));
  return scoreCurve(pair, 'oracle', gain, 'knows which model is right');
}

/** Neighbours of the hand-crafted baseline. */
export const NEIGHBOURS = 50;

/**
 * @param rows features of each image
 * @returns P(local wrong) of every image, from its features and the other half's outcomes
 */
export function featureScores(pair: Pair, rows: readonly number[][], seed: number): Float64Array {
  const wrong = pair.local.right.map((right) => 1 - right);
  return crossValidated(standardised(rows), wrong, halves(pair.count, seed), NEIGHBOURS);
}

/** The outcome of offloading exactly the `share` that a ranking wants to keep least: no label is looked at. */
export function offloading(pair: Pair, mode: RankedMode, base: Thresholds, share: number): Outcome {
  const sweep = sweepOf(pair, mode, { ...base, answer: Infinity, offload: Infinity });
  const kept = Math.round((1 - share) * pair.count);
  const outcome = emptyOutcome(pair.count);
  sweep.order.forEach((i, at) => {
    const stays = at < kept;
    outcome.right[i] = (stays ? sweep.answers.right[i] : pair.cloud.right[i]) ?? 0;
    outcome.offloaded[i] = stays ? 0 : 1;
    outcome.local[i] = stays || sweep.localFirst ? 1 : 0;
    outcome.mux[i] = sweep.asksMux ? 1 : 0;
  });
  return outcome;
}
