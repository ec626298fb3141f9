/**
 * Thresholds for a wanted accuracy, three ways: the zoo's, set on calibration data; where it has none, set on one
 * half of the test images and judged on the other, both ways round; and, as a bound, swept over the very images.
 */
import type { RankedMode } from '../../mux/rules/policies/registry.js';
import type { Thresholds } from '../../common/policy-names.js';
import { policyCost } from './cost.js';
import type { Calibrated } from './pair/calibrated.js';
import { shareOf } from './statistics/metrics.js';
import { halves } from './outputs/neighbours.js';
import { applyPolicy, emptyOutcome, type Outcome, type Pair, type Shares } from './pair/pair.js';
import { bases, cutsOf, leastOffloading, sharesAt, sweepOf } from './pair/cuts.js';

/** Where thresholds come from. */
export type Basis = 'calibration' | 'cross-fit';

export interface Choice {
  basis: Basis;
  /** One set, or one for each half of the images. */
  thresholds: Thresholds[];
  outcome: Outcome;
}

interface Found {
  thresholds: Thresholds;
  shares: Shares;
}

/** Device costs in local runs: of a mux run and of an upload. */
export interface RelativeCosts {
  mux: number;
  upload: number;
}

/** Mean device cost of a frame, in local runs. */
export function costOf(
  { muxShare, localShare, offloadShare }: Omit<Shares, 'accuracy' | 'flops'>,
  { mux, upload }: RelativeCosts,
): number {
  const costs = { mux, upload, local: 1, cloud: 0, download: 0 };
  return policyCost(costs, { mux: muxShare, local: localShare, offloaded: offloadShare });
}

/** Searches each mode once and answers for every gap and cost. */
export class Choices {
  readonly #pair: Pair;
  readonly #calibrated: Calibrated;
  readonly #parts: [number[], number[]];
  readonly #found = new Map<string, Found[]>();
  readonly #outcomes = new Map<string, Outcome>();

  constructor(pair: Pair, calibrated: Calibrated, seed: number) {
    this.#pair = pair;
    this.#calibrated = calibrated;
    this.#parts = halves(pair.count, seed);
  }

  /** The policy at a share of the gap; null where no thresholds reach it. */
  at(mode: RankedMode, gap: number, costs: RelativeCosts): Choice | null {
    const given = this.#calibrated.forGap(mode, gap, costs.upload);
    if (given) return { basis: 'calibration', thresholds: [given], outcome: this.#apply(mode, given) };
    const found = [0, 1].map((half) => cheapest(this.#search(mode, gap, half), costs));
    const [first, second] = found;
    if (!first || !second) return null;
    const thresholds = [first.thresholds, second.thresholds];
    const key = `${mode} ${JSON.stringify(thresholds)}`;
    const outcome = this.#outcomes.get(key) ?? this.#crossed(mode, first.thresholds, second.thresholds);
    this.#outcomes.set(key, outcome);
    return { basis: 'cross-fit', thresholds, outcome };
  }

  /** Thresholds of one half on the other. */
  #crossed(mode: RankedMode, first: Thresholds, second: Thresholds): Outcome {
    const outcome = emptyOutcome(this.#pair.count);
    copy(outcome, this.#apply(mode, first), this.#parts[1]);
    copy(outcome, this.#apply(mode, second), this.#parts[0]);
    return outcome;
  }

  /** Least cost at which the accuracy is reached on these very images: what perfect thresholds would give. */
  sweptCost(mode: RankedMode, gap: number, costs: RelativeCosts): number | null {
    const found = cheapest(this.#search(mode, gap, null), costs);
    return found && costOf(found.shares, costs);
  }

  #apply(mode: RankedMode, thresholds: Thresholds): Outcome {
    const key = `${mode} ${JSON.stringify(thresholds)}`;
    const outcome = this.#outcomes.get(key) ?? applyPolicy(this.#pair, mode, thresholds);
    this.#outcomes.set(key, outcome);
    return outcome;
  }

  /** For each of the mode's earlier thresholds the least offloading that reaches the gap on half the images, or all. */
  #search(mode: RankedMode, gap: number, half: number | null): Found[] {
    const key = `${mode} ${gap} ${half}`;
    const known = this.#found.get(key);
    if (known) return known;
    const pair = this.#pair;
    const images = half === null ? undefined : (this.#parts[half] ?? []);
    const target = targetOn(pair, gap, images);
    const found = bases(pair, mode, this.#calibrated.fusing).flatMap((base): Found[] => {
      const sweep = sweepOf(pair, mode, base, images ? { images, smoothed: true } : {});
      const cut = leastOffloading(cutsOf(sweep), target);
      return cut ? [{ thresholds: cut.thresholds, shares: sharesAt(pair, sweep, cut) }] : [];
    });
    this.#found.set(key, found);
    return found;
  }
}

/** Accuracy at `gap` of the way from the local model's to the cloud's, on some images or all. */
export function targetOn(
  { local, cloud }: Pick<Pair, 'local' | 'cloud'>,
  gap: number,
  images?: number[],
): number {
  const on = (right: Uint8Array) => shareOf(images ? images.map((i) => right[i] ?? 0) : right);
  const [low, high] = [on(local.right), on(cloud.right)];
  return low + gap * (high - low);
}

function cheapest(found: readonly Found[], costs: RelativeCosts): Found | null {
  return found.reduce<Found | null>(
    (best, one) => (best === null || costOf(one.shares, costs) < costOf(best.shares, costs) ? one : best),
    null,
  );
}

function copy(to: Outcome, from: Outcome, images: readonly number[]): void {
  for (const column of ['right', 'mux', 'local', 'offloaded'] as const) {
    for (const i of images) to[column][i] = from[column][i] ?? 0;
  }
}
