/** Policies at equal shares of offloading, each by its own ranking, no label looked at. */
import { rankImages, ranksAlike } from './ranking.js';
import type { RankedMode } from '../../../mux/rules/policies/registry.js';
import type { Bootstrap } from '../statistics/bootstrap.js';
import type { Calibrated } from './calibrated.js';
import { modesOf } from './device-costs.js';
import type { Pair } from './pair.js';
import { offloading } from './pair-curves.js';
import type { PairReport } from '../schema.js';
import { GATED } from './cuts.js';

/** Shares of frames offloaded at which policies are compared. */
const OFFLOADS = [0.05, 0.1, 0.2, 0.32, 0.5] as const;

/**
 * Every policy's ranking at the same shares of offloading. Those that rank as the cascade does are left out: two-stage,
 * and three-tier without fusing.
 */
export function atOffloads({
  pair,
  calibrated,
  bootstrap,
}: {
  pair: Pair;
  calibrated: Calibrated;
  bootstrap: Bootstrap;
}): PairReport['atOffload'] {
  const rankedBy = (mode: RankedMode) => rankImages(pair, mode, calibrated.fusing);
  const own = rankedBy('cascade');
  const modes = modesOf(pair).filter((mode) => mode === 'cascade' || !ranksAlike(pair, rankedBy(mode), own));
  const rules = modes.map((mode) => ({
    policy: mode as RankedMode | typeof GATED,
    mode,
    base: calibrated.fusing,
  }));
  const gated = { policy: GATED, mode: 'three-tier', base: { ...calibrated.fusing, gain: 1 } } as const;
  const all = pair.gate && modes.includes('three-tier') ? [...rules, gated] : rules;
  return OFFLOADS.flatMap((offloadShare) => {
    const cascade = offloading(pair, 'cascade', {}, offloadShare);
    return all.map(({ policy, mode, base }) => {
      const outcome = policy === 'cascade' ? cascade : offloading(pair, mode, base, offloadShare);
      return {
        policy,
        offloadShare,
        accuracy: bootstrap.of([outcome.right], (accuracy) => accuracy),
        overCascade:
          policy === 'cascade' ? null : bootstrap.of([outcome.right, cascade.right], (a, b) => a - b),
      };
    });
  });
}
