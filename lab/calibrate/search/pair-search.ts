/** The search for the device's thresholds on held-out images: `scripts/train/policies/search.py` does the same. Pure. */
import type { Thresholds } from '../../../common/policy-names.js';
import { needsMux } from '../../../mux/rules/policies/needs.js';
import { rankedRuleOf, type RankedMode } from '../../../mux/rules/policies/registry.js';
import type { RelativeCosts } from '../../eval/choices.js';
import { costOf, targetOn } from '../../eval/choices.js';
import { cutsOf, leastOffloading, sweepOf, type Cut, type Sweep } from '../../eval/pair/cuts.js';
import type { Pair } from '../../eval/pair/pair.js';
import { outcomeAt } from '../../eval/pair/ranking.js';
import { shareOf } from '../../eval/statistics/metrics.js';
import { expertWeights } from './experts.js';
import { halfEven, linear, quantile, rounded } from './numbers.js';

/** Values of an earlier threshold that are tried. */
const STEPS = 40;
/** Decimals of a threshold. */
const DECIMALS = 5;
/** Where the fit of the fusing begins: more of the local model than of the mux. */
const FUSING_START = [0.7, 0.3];
/** What a configuration may set. */
const MOST_EXPONENT = 10;

/** Thresholds, and what they do on the held-out images: shares in [0, 1]. */
export interface Reached {
  thresholds: Thresholds;
  accuracy: number;
  offloadShare: number;
  localShare: number;
  muxShare: number;
}

export class PairSearch {
  readonly pair: Pair;
  /** Exponents of fused probabilities; {} without a mux. */
  readonly fusing: Thresholds;
  readonly #sweeps = new Map<string, { base: Thresholds; sweep: Sweep; cuts: Cut[] }[]>();

  constructor(pair: Pair) {
    this.pair = pair;
    this.fusing = pair.mux ? fusingOf(pair, pair.mux) : {};
  }

  /** Modes that this pair can have, in their order. */
  modes(all: readonly RankedMode[]): RankedMode[] {
    return all.filter((mode) => this.pair.mux !== null || !needsMux({ mode }));
  }

  /** Accuracy at `share` of the way from the local model's to the cloud's. */
  gapTarget(share: number): number {
    return targetOn(this.pair, share);
  }

  at(mode: RankedMode, thresholds: Thresholds): Reached {
    const { right, mux, local, offloaded } = outcomeAt(this.pair, mode, thresholds);
    return {
      thresholds,
      accuracy: shareOf(right),
      offloadShare: shareOf(offloaded),
      localShare: shareOf(local),
      muxShare: shareOf(mux),
    };
  }

  /**
   * For each value of the mode's earlier threshold the least offloading that reaches the accuracy `target`.
   *
   * @param gated true: the gate decides last, where the mode can end in it
   */
  reaching(mode: RankedMode, target: number, gated: boolean): Reached[] {
    return this.#swept(mode, gated).flatMap(({ base, sweep, cuts }) => {
      const cut = leastOffloading(cuts, target);
      return cut ? [this.at(mode, this.#ended(mode, base, sweep, placeOf(sweep, cut)))] : [];
    });
  }

  /** The thresholds of least device cost that reach the accuracy; null where none do. */
  cheapest(mode: RankedMode, target: number, gated: boolean, costs: RelativeCosts): Reached | null {
    return this.reaching(mode, target, gated).reduce<Reached | null>(
      (best, one) => (best === null || costOf(one, costs) < costOf(best, costs) ? one : best),
      null,
    );
  }

  /** The thresholds with the last one set so that `share` of these images are offloaded, earlier ones out of the way. */
  atOffload(mode: RankedMode, share: number, gated: boolean): Reached {
    const { earlier, fuses, localFirst } = rankedRuleOf(mode);
    const base = {
      ...(earlier ? { [earlier.name]: 1 } : {}),
      ...(fuses ? this.fusing : {}),
      ...(gated ? { gain: 1 } : {}),
    };
    const sweep = sweepOf(this.pair, mode, base);
    const rising = Float64Array.from(sweep.keepScore).reverse();
    if (!localFirst) {
      return this.at(mode, this.#ended(mode, base, sweep, quantile(rising, share)));
    }
    const wanted = halfEven(share * sweep.total) - sweep.fixed.offloaded;
    const cut = rising[Math.min(Math.max(wanted, 0), rising.length - 1)] ?? 0;
    return this.at(mode, this.#ended(mode, base, sweep, cut));
  }

  /** The base with the last threshold at this keep score, in few decimals. */
  #ended(mode: RankedMode, base: Thresholds, sweep: Sweep, keepScore: number): Thresholds {
    const { threshold } = rankedRuleOf(mode).ranking(base, this.pair.gate);
    const value = sweep.thresholds(keepScore)[threshold] ?? 0;
    return { ...base, [threshold]: rounded(value, DECIMALS) };
  }

  #swept(mode: RankedMode, gated: boolean): { base: Thresholds; sweep: Sweep; cuts: Cut[] }[] {
    const key = `${mode} ${gated}`;
    const known = this.#sweeps.get(key);
    if (known) return known;
    const found = this.#bases(mode, gated).map((base) => {
      const sweep = sweepOf(this.pair, mode, base, { smoothed: true });
      return { base, sweep, cuts: cutsOf(sweep) };
    });
    this.#sweeps.set(key, found);
    return found;
  }

  #bases(mode: RankedMode, gated: boolean): Thresholds[] {
    const { earlier, fuses } = rankedRuleOf(mode);
    const rest = { ...(fuses ? this.fusing : {}), ...(gated ? { gain: 1 } : {}) };
    if (earlier === null || this.pair.mux === null) return [rest];
    const sorted = Float64Array.from(this.pair.mux[earlier.of]).sort();
    const grid = linear(earlier.leastQuantile, 1, STEPS).map((share) =>
      rounded(Math.min(1, quantile(sorted, share)), DECIMALS),
    );
    // a threshold on the score of 1 switches the rule off: it must be among what is tried
    const values = new Set(earlier.of === 'score' ? [...grid, 1] : grid);
    return [...values].map((value) => ({ [earlier.name]: value, ...rest }));
  }
}

/** Where the cut lies: in the middle of the keep scores on its two sides. */
function placeOf({ keepScore }: Sweep, { kept }: Cut): number {
  const [above, below] = [keepScore[kept - 1], keepScore[kept]];
  if (above === undefined) return 1;
  return below === undefined ? 0 : (above + below) / 2;
}

function fusingOf({ local, labels, classes }: Pair, mux: NonNullable<Pair['mux']>): Thresholds {
  const [a = 1, b = 0] = expertWeights({ experts: [local, mux], labels, classes }, FUSING_START);
  const exponent = (value: number) => rounded(Math.min(MOST_EXPONENT, Math.max(0, value)), 4);
  return { fuseLocal: exponent(a), fuseMux: exponent(b) };
}
