/** Between what a policy ranks frames by and the keep score of one, which a budget's cut is made in. Pure. */
import { THRESHOLDS } from '../../common/policy-names.js';
import { rankedRuleOf, type RankedMode } from '../../mux/rules/policies/registry.js';
import type { LastThreshold, Ranking } from '../../mux/rules/policies/rule.js';

/** The threshold that ends a mode, and its place in [0, 1]. */
export interface KeepScale {
  name: LastThreshold;
  /** Wish to keep a frame of this value: 1 at the end of the threshold's range where none is offloaded. */
  keepScoreOf(value: number): number;
  /** The threshold that a cut of the keep score means. */
  valueOf(cut: number): number;
}

export function keepScale({ threshold, offloads }: Pick<Ranking, 'threshold' | 'offloads'>): KeepScale {
  const { min, max } = THRESHOLDS[threshold];
  const range = max - min;
  return offloads === 'above'
    ? {
        name: threshold,
        keepScoreOf: (value) => (max - value) / range,
        valueOf: (cut) => max - range * cut,
      }
    : {
        name: threshold,
        keepScoreOf: (value) => (value - min) / range,
        valueOf: (cut) => min + range * cut,
      };
}

/** The scale of a mode whose ranking needs no other threshold and no gate. */
export function plainScale(mode: RankedMode): KeepScale {
  return keepScale(rankedRuleOf(mode).ranking({}, null));
}
