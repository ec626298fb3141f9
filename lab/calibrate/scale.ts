/** Between what a policy ranks frames by and the wish to keep one, which a budget's cut is made in. Pure. */
import { THRESHOLDS } from '../../common/policy-names.js';
import { rankedRuleOf, type RankedMode } from '../../mux/rules/policies/registry.js';
import type { LastThreshold, Ranking } from '../../mux/rules/policies/rule.js';

/** The threshold that ends a mode, and its place in [0, 1]. */
export interface WishScale {
  name: LastThreshold;
  /** Wish to keep a frame of this value: 1 at the end of the threshold's range where none is offloaded. */
  wishOf(value: number): number;
  /** The threshold that a cut of the wish means. */
  valueOf(cut: number): number;
}

export function wishScale({ threshold, offloads }: Pick<Ranking, 'threshold' | 'offloads'>): WishScale {
  const { min, max } = THRESHOLDS[threshold];
  const range = max - min;
  return offloads === 'above'
    ? {
        name: threshold,
        wishOf: (value) => (max - value) / range,
        valueOf: (cut) => max - range * cut,
      }
    : {
        name: threshold,
        wishOf: (value) => (value - min) / range,
        valueOf: (cut) => min + range * cut,
      };
}

/** The scale of a mode whose ranking needs no other threshold and no gate. */
export function plainScale(mode: RankedMode): WishScale {
  return wishScale(rankedRuleOf(mode).ranking({}, null));
}
