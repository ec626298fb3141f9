/** Calibration rows of a zoo's test images: every network over every image, then the rule of the policy. */
import { EdgemuxError } from '../../common/errors.js';
import type { Thresholds } from '../../mux/rules/policy-settings.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { calibratedOf } from '../eval/pair/calibrated.js';
import { measure } from '../eval/outputs/outputs.js';
import { gainsOf, keptAnswers, pairOf, type Pair } from '../eval/pair/pair.js';
import type { SweptMode } from '../eval/pair/cuts.js';
import type { CalibrationRow } from './curve.js';
import type { CalibrateOptions } from './options.js';

/** The threshold that ends a mode, and the value of it that a cut of the wish means. */
export interface LastThreshold {
  name: 'mux' | 'confidence' | 'gain';
  valueOf(cut: number): number;
}

/** @throws EdgemuxError ZOO_INVALID where the zoo has no pair, or no mux for a mode that asks one */
export async function zooRows(
  zoo: Zoo,
  mode: SweptMode,
  options: CalibrateOptions,
): Promise<CalibrationRow[]> {
  const { images, providers } = options;
  const pair = pairOf(zoo, await measure(zoo, { images, providers }));
  if (!pair) throw new EdgemuxError('ZOO_INVALID', `zoo ${zoo.name} has no local and no other cloud model`);
  if (mode !== 'cascade' && !pair.mux)
    throw new EdgemuxError('ZOO_INVALID', `${mode} needs a mux in ${zoo.name}`);
  return pairRows(pair, mode, baseThresholds(zoo, mode));
}

/** The zoo's own thresholds of a mode: all but the last one stay as they are. */
export function baseThresholds(zoo: Zoo, mode: SweptMode): Thresholds {
  return calibratedOf(zoo).modes[mode] ?? {};
}

export function lastThreshold(zoo: Zoo, mode: SweptMode): LastThreshold {
  if (mode === 'mux') return { name: 'mux', valueOf: (cut) => 1 - cut };
  const gated = mode === 'three-tier' && baseThresholds(zoo, mode).gain !== undefined;
  return gated
    ? { name: 'gain', valueOf: (cut) => 1 - 2 * cut }
    : { name: 'confidence', valueOf: (cut) => cut };
}

/** @param base the mode's other thresholds; `three-tier` ends in the gate where `gain` is among them */
export function pairRows(pair: Pair, mode: SweptMode, base: Thresholds): CalibrationRow[] {
  const kept = keptAnswers(pair, mode, base);
  const { mux, cloud } = pair;
  const gains = mode === 'three-tier' && base.gain !== undefined ? gainsOf(pair, base) : null;
  return Array.from({ length: pair.count }, (_, i): CalibrationRow => {
    const sendRight = cloud.right[i] === 1;
    const keepRight = kept.right[i] === 1;
    if (mode === 'three-tier' && (mux?.confidence[i] ?? 0) >= (base.answer ?? Infinity)) {
      return { wish: Infinity, keepRight: mux?.right[i] === 1, sendRight };
    }
    if (mode === 'two-stage' && (mux?.score[i] ?? 0) > (base.offload ?? Infinity)) {
      return { wish: -Infinity, keepRight, sendRight };
    }
    if (gains) return { wish: (1 - (gains[i] ?? 0)) / 2, keepRight, sendRight };
    const wish = mode === 'mux' ? 1 - (mux?.score[i] ?? 0) : (kept.confidence[i] ?? 0);
    return { wish, keepRight, sendRight };
  });
}
