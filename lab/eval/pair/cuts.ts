/**
 * All cuts of a policy's last threshold at once: images that the earlier thresholds leave open, ranked by how much
 * the device would like to keep them. Draws the curves, and finds the least offloading for a wanted accuracy.
 */
import type { Thresholds } from '../../../mux/rules/policy-settings.js';
import type { Answers } from '../outputs/outputs.js';
import { ranked } from '../statistics/metrics.js';
import { gainsOf, keptAnswers, withFlops, type Pair, type Shares } from './pair.js';
import { smooth } from '../statistics/smooth.js';

/** Modes that have a threshold to cut with. */
export const SWEPT_MODES = ['mux', 'cascade', 'two-stage', 'three-tier'] as const;
/** `three-tier` where the gate decides last, in tables that have it beside the one of fused confidence. */
export const GATED = 'three-tier, need − harm';
export type SweptMode = (typeof SWEPT_MODES)[number];

/** Frames for which the cloud does more harm than good are all kept alike. */
const LEAST_GAIN = 1e-6;

/** Images in an order of keeping: the first k stay, the rest are offloaded. */
export interface Staged {
  /** Images that count: N of them. */
  total: number;
  /** Right answers, offloads and local runs that no cut changes. */
  fixed: { right: number; offloaded: number };
  /** Open images, by falling wish to keep them. */
  order: Uint32Array;
  /** Wish to keep, falling: n. */
  wish: Float64Array;
  /** P(right) if kept and if offloaded, in the order of `wish`; 0 or 1, or smoothed. */
  keep: Float64Array;
  send: Float64Array;
  /** True where an open image runs the local model before it is offloaded. */
  localFirst: boolean;
  /** What the device answers with for a kept image, by image. */
  answers: Answers;
  asksMux: boolean;
  /** Thresholds whose last cut lies at this wish. */
  thresholds(wish: number): Thresholds;
}

/**
 * @param base the mode's other thresholds: `offload` of two-stage; `answer`, `fuseLocal`, `fuseMux` of three-tier, which
 *   ends in the gate where `gain` is given, whatever its value
 * @param images indices that count; all without
 * @param smoothed P(right) fitted over the wish, for choosing thresholds; else as it was
 */
export function stage(
  pair: Pair,
  mode: SweptMode,
  base: Thresholds,
  { images, smoothed = false }: { images?: readonly number[]; smoothed?: boolean } = {},
): Staged {
  const chosen = images ?? Array.from({ length: pair.count }, (_, i) => i);
  const answers = keptAnswers(pair, mode, base);
  const fixed = { right: 0, offloaded: 0 };
  const open: number[] = [];
  for (const i of chosen) {
    if (mode === 'three-tier' && (pair.mux?.confidence[i] ?? 0) >= (base.answer ?? Infinity)) {
      fixed.right += pair.mux?.right[i] ?? 0;
    } else if (mode === 'two-stage' && (pair.mux?.score[i] ?? 0) > (base.offload ?? Infinity)) {
      fixed.offloaded += 1;
      fixed.right += pair.cloud.right[i] ?? 0;
    } else open.push(i);
  }
  const gains = mode === 'three-tier' && base.gain !== undefined ? gainsOf(pair, base) : null;
  const wishOf = (i: number) => {
    if (gains) return 1 - Math.max(LEAST_GAIN, gains[i] ?? 0);
    return mode === 'mux' ? 1 - (pair.mux?.score[i] ?? 0) : (answers.confidence[i] ?? 0);
  };
  const wishes = Float64Array.from(open, wishOf);
  const falling = ranked(wishes);
  const order = falling.map((at) => open[at] ?? 0);
  const column = (values: Uint8Array) => Float64Array.from(order, (i) => values[i] ?? 0);
  const wish = Float64Array.from(falling, (at) => wishes[at] ?? 0);
  const fit = (right: Float64Array) => (smoothed && right.length > 0 ? smooth(wish, right) : right);
  return {
    total: chosen.length,
    fixed,
    order,
    wish,
    answers,
    keep: fit(column(answers.right)),
    send: fit(column(pair.cloud.right)),
    localFirst: mode !== 'mux',
    asksMux: mode !== 'cascade' && pair.mux !== null,
    thresholds: (cut) => {
      if (mode === 'mux') return { mux: 1 - cut };
      return { ...base, ...(gains ? { gain: 1 - cut } : { confidence: cut }) };
    },
  };
}

/** One cut: k open images are kept. */
export interface Cut {
  kept: number;
  accuracy: number;
  thresholds: Thresholds;
}

/** All cuts that a threshold can make (none falls between equal wishes), from "offload all" to "keep all". */
export function cutsOf(staged: Staged): Cut[] {
  const { wish, keep, send, fixed, total } = staged;
  let right = fixed.right + send.reduce((sum, value) => sum + value, 0);
  const cuts: Cut[] = [];
  for (let k = 0; k <= wish.length; k += 1) {
    if (k > 0) right += (keep[k - 1] ?? 0) - (send[k - 1] ?? 0);
    const [above, below] = [wish[k - 1] ?? 1, wish[k] ?? 0];
    if (k < wish.length && above === below) continue; // k = 0: no threshold is above a wish of 1
    const at = k === wish.length ? 0 : k === 0 ? Math.min(1, below + (1 - below) / 2) : (above + below) / 2;
    cuts.push({ kept: k, accuracy: right / total, thresholds: staged.thresholds(at) });
  }
  return cuts;
}

/** The cut with the least offloading that still reaches an accuracy; null where none does. */
export function leastOffloading(cuts: readonly Cut[], target: number): Cut | null {
  return cuts.findLast(({ accuracy }) => accuracy >= target - 1e-12) ?? null;
}

export function sharesAt(
  pair: Pair,
  staged: Staged,
  { kept, accuracy }: Pick<Cut, 'kept' | 'accuracy'>,
): Shares {
  const open = staged.wish.length;
  return withFlops(pair, {
    accuracy,
    muxShare: staged.asksMux ? 1 : 0,
    localShare: (staged.localFirst ? open : kept) / staged.total,
    offloadShare: (staged.fixed.offloaded + open - kept) / staged.total,
  });
}

/** Values of the mode's earlier thresholds worth trying, from the outputs' own distribution, fusing as given. */
export function bases(pair: Pair, mode: SweptMode, fusing: Thresholds, steps = 40): Thresholds[] {
  const values =
    mode === 'two-stage' ? pair.mux?.score : mode === 'three-tier' ? pair.mux?.confidence : undefined;
  if (!values) return [{}];
  const sorted = Float64Array.from(values).sort();
  const least = mode === 'two-stage' ? 0.5 : 0;
  const grid = Array.from({ length: steps }, (_, n) => {
    const share = least + (1 - least) * (n / (steps - 1));
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 1;
  });
  const unique = [...new Set([...grid, 1])];
  return unique.map((value) => (mode === 'two-stage' ? { offload: value } : { answer: value, ...fusing }));
}
