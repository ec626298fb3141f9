/**
 * All cuts of a policy's last threshold at once: images that the earlier thresholds leave open, ranked by how much
 * the device would like to keep them. Draws the curves, and finds the least offloading for a wanted accuracy.
 */
import { THRESHOLDS, type Thresholds } from '../../../common/policy-names.js';
import { rankedRuleOf, type RankedMode } from '../../../mux/rules/policies/registry.js';
import type { Ranking } from '../../../mux/rules/policies/rule.js';
import type { Answers } from '../outputs/outputs.js';
import { ranked } from '../statistics/metrics.js';
import { withFlops, type Pair, type Shares } from './pair.js';
import { rankImages } from './ranking.js';
import { smooth } from '../statistics/smooth.js';

/** `three-tier` where the gate decides last, in tables that have it beside the one of fused confidence. */
export const GATED = 'three-tier, need − harm';

/** Frames for which the cloud does more harm than good are all kept alike. */
const LEAST_GAIN = 1e-6;

/** Images in an order of keeping: the first k stay, the rest are offloaded. */
export interface Sweep {
  /** Images that count: N of them. */
  total: number;
  /** Right answers, offloads and local runs that no cut changes. */
  fixed: { right: number; offloaded: number };
  /** Open images, by falling keep score. */
  order: Uint32Array;
  /** Wish to keep, falling: n. */
  keepScore: Float64Array;
  /** P(right) if kept and if offloaded, in the order of `keepScore`; 0 or 1, or smoothed. */
  keep: Float64Array;
  send: Float64Array;
  /** True where an open image runs the local model before it is offloaded. */
  localFirst: boolean;
  /** What the device answers with for a kept image, by image. */
  answers: Answers;
  asksMux: boolean;
  /** Thresholds whose last cut lies at this keep score. */
  thresholds(keepScore: number): Thresholds;
}

/**
 * @param base the mode's other thresholds; one that may end in the gate does where `gain` is given, whatever its value
 * @param images indices that count; all without
 * @param smoothed P(right) fitted over the keep score, for choosing thresholds; else as it was
 */
export function sweepOf(
  pair: Pair,
  mode: RankedMode,
  base: Thresholds,
  { images, smoothed = false }: { images?: readonly number[]; smoothed?: boolean } = {},
): Sweep {
  const chosen = images ?? Array.from({ length: pair.count }, (_, i) => i);
  const { ranking, answers, firstStep, valueOf } = rankImages(pair, mode, base);
  const fixed = { right: 0, offloaded: 0 };
  const open: number[] = [];
  for (const i of chosen) {
    const step = firstStep(i);
    if (step === 'local') open.push(i);
    else {
      fixed.right += (step === 'answer' ? pair.mux?.right[i] : pair.cloud.right[i]) ?? 0;
      fixed.offloaded += step === 'offload' ? 1 : 0;
    }
  }
  const { keepScoreOf, thresholdAt } = keepScoresOf(ranking);
  const keepScores = Float64Array.from(open, (i) => keepScoreOf(valueOf(i)));
  const falling = ranked(keepScores);
  const order = falling.map((at) => open[at] ?? 0);
  const column = (values: Uint8Array) => Float64Array.from(order, (i) => values[i] ?? 0);
  const keepScore = Float64Array.from(falling, (at) => keepScores[at] ?? 0);
  const fit = (right: Float64Array) => (smoothed && right.length > 0 ? smooth(keepScore, right) : right);
  const { localFirst, asksMux } = rankedRuleOf(mode);
  return {
    total: chosen.length,
    fixed,
    order,
    keepScore,
    answers,
    keep: fit(column(answers.right)),
    send: fit(column(pair.cloud.right)),
    localFirst,
    asksMux: asksMux && pair.mux !== null,
    thresholds: (cut) => ({ ...base, [ranking.threshold]: thresholdAt(cut) }),
  };
}

/** The keep score of an image, in [0, 1], of what is held against the last threshold, and back. */
function keepScoresOf({ threshold, offloads }: Ranking): {
  keepScoreOf: (value: number) => number;
  thresholdAt: (keepScore: number) => number;
} {
  if (offloads === 'below') return { keepScoreOf: (value) => value, thresholdAt: (keepScore) => keepScore };
  const least = THRESHOLDS[threshold].min < 0 ? LEAST_GAIN : 0;
  return { keepScoreOf: (value) => 1 - Math.max(least, value), thresholdAt: (keepScore) => 1 - keepScore };
}

/** One cut: k open images are kept. */
export interface Cut {
  kept: number;
  accuracy: number;
  thresholds: Thresholds;
}

/** All cuts that a threshold can make (none falls between equal keep scores), from "offload all" to "keep all". */
export function cutsOf(sweep: Sweep): Cut[] {
  const { keepScore, keep, send, fixed, total } = sweep;
  let right = fixed.right + send.reduce((sum, value) => sum + value, 0);
  const cuts: Cut[] = [];
  for (let k = 0; k <= keepScore.length; k += 1) {
    if (k > 0) right += (keep[k - 1] ?? 0) - (send[k - 1] ?? 0);
    const [above, below] = [keepScore[k - 1] ?? 1, keepScore[k] ?? 0];
    if (k < keepScore.length && above === below) continue; // k = 0: no threshold is above a keep score of 1
    const at =
      k === keepScore.length ? 0 : k === 0 ? Math.min(1, below + (1 - below) / 2) : (above + below) / 2;
    cuts.push({ kept: k, accuracy: right / total, thresholds: sweep.thresholds(at) });
  }
  return cuts;
}

/** An accuracy that is met exactly must not fail by what a fit is rounded to. */
const SLACK = 1e-9;

/** The cut with the least offloading that still reaches an accuracy; null where none does. */
export function leastOffloading(cuts: readonly Cut[], target: number): Cut | null {
  return cuts.findLast(({ accuracy }) => accuracy >= target - SLACK) ?? null;
}

export function sharesAt(
  pair: Pair,
  sweep: Sweep,
  { kept, accuracy }: Pick<Cut, 'kept' | 'accuracy'>,
): Shares {
  const open = sweep.keepScore.length;
  return withFlops(pair, {
    accuracy,
    muxShare: sweep.asksMux ? 1 : 0,
    localShare: (sweep.localFirst ? open : kept) / sweep.total,
    offloadShare: (sweep.fixed.offloaded + open - kept) / sweep.total,
  });
}

/** Values of the mode's earlier threshold worth trying, from the outputs' own distribution, fusing as given. */
export function bases(pair: Pair, mode: RankedMode, fusing: Thresholds, steps = 40): Thresholds[] {
  const { earlier, fuses } = rankedRuleOf(mode);
  if (earlier === null || pair.mux === null) return [{}];
  const sorted = Float64Array.from(pair.mux[earlier.of]).sort();
  const least = earlier.leastQuantile;
  const grid = Array.from({ length: steps }, (_, n) => {
    const share = least + (1 - least) * (n / (steps - 1));
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 1;
  });
  const unique = [...new Set([...grid, 1])];
  return unique.map((value) => ({ [earlier.name]: value, ...(fuses ? fusing : {}) }));
}
