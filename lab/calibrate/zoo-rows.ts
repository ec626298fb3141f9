/** Calibration rows of a zoo's test images: every network over every image, then the rule of the policy. */
import { rankedRuleOf, type RankedMode } from '../../mux/rules/policies/registry.js';
import { EdgemuxError } from '../../common/errors.js';
import type { Thresholds } from '../../common/policy-names.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { calibratedOf } from '../eval/pair/calibrated.js';
import { measure, type Measured } from '../eval/outputs/outputs.js';
import { rankImages } from '../eval/pair/ranking.js';
import { keepScale, type KeepScale } from './scale.js';
import { needsMux } from '../../mux/rules/policies/needs.js';
import { pairOf, type Pair } from '../eval/pair/pair.js';
import type { CalibrationRow } from './curve.js';
import type { CalibrateOptions } from './options.js';

/** @throws EdgemuxError ZOO_INVALID where the zoo has no pair, or no mux for a mode that asks one */
export async function zooRows(
  zoo: Zoo,
  mode: RankedMode,
  options: CalibrateOptions,
): Promise<CalibrationRow[]> {
  const { images, limit, providers } = options;
  return measuredRows(zoo, mode, await measure(zoo, { images, limit, providers }));
}

/** @throws EdgemuxError as `zooRows` */
export function measuredRows(zoo: Zoo, mode: RankedMode, measured: Measured): CalibrationRow[] {
  const pair = pairOf(zoo, measured);
  if (!pair) throw new EdgemuxError('ZOO_INVALID', `zoo ${zoo.name} has no local and no other cloud model`);
  if (needsMux({ mode }) && !pair.mux)
    throw new EdgemuxError('ZOO_INVALID', `${mode} needs a mux in ${zoo.name}`);
  return pairRows(pair, mode, baseThresholds(zoo, mode));
}

/** The zoo's own thresholds of a mode: all but the last one stay as they are. */
export function baseThresholds(zoo: Zoo, mode: RankedMode): Thresholds {
  return calibratedOf(zoo).modes[mode] ?? {};
}

export function lastThreshold(zoo: Zoo, mode: RankedMode): KeepScale {
  const gate = zoo.manifest.policy.gate ?? null;
  return keepScale(rankedRuleOf(mode).ranking(baseThresholds(zoo, mode), gate));
}

/** @param base the mode's other thresholds; one that may end in the gate does where `gain` is given */
export function pairRows(pair: Pair, mode: RankedMode, base: Thresholds): CalibrationRow[] {
  const { ranking, answers, firstStep, valueOf } = rankImages(pair, mode, base);
  const { keepScoreOf } = keepScale(ranking);
  return Array.from({ length: pair.count }, (_, i): CalibrationRow => {
    const sendRight = pair.cloud.right[i] === 1;
    const keepRight = answers.right[i] === 1;
    const step = firstStep(i);
    if (step === 'answer') return { keepScore: Infinity, keepRight: pair.mux?.right[i] === 1, sendRight };
    return { keepScore: step === 'offload' ? -Infinity : keepScoreOf(valueOf(i)), keepRight, sendRight };
  });
}
