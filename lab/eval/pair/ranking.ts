/** How a policy orders the test images, before any threshold of that order is chosen. */
import type { Thresholds } from '../../../common/policy-names.js';
import { rankedRuleOf, type RankedMode } from '../../../mux/rules/policies/registry.js';
import type { FirstStep, Ranking } from '../../../mux/rules/policies/rule.js';
import type { Answers } from '../outputs/outputs.js';
import { framesOf, keptAnswers, type Pair } from './pair.js';

export interface RankedImages {
  ranking: Ranking;
  /** What the device answers with after a local run, by image. */
  answers: Answers;
  /** `local` for images that the ranking decides on; the others are settled before it is asked. */
  firstStep(i: number): FirstStep;
  /** What is held against the last threshold. */
  valueOf(i: number): number;
}

/** @param base the mode's other thresholds; one that may end in the gate does where `gain` is given, whatever its value */
export function rankImages(pair: Pair, mode: RankedMode, base: Thresholds): RankedImages {
  const rule = rankedRuleOf(mode);
  const answers = keptAnswers(pair, mode, base);
  const frames = framesOf(pair, answers);
  const ranking = rule.ranking(base, pair.mux ? pair.gate : null);
  const never = ranking.offloads === 'above' ? Infinity : -Infinity;
  const open = { ...base, [ranking.threshold]: never };
  return {
    ranking,
    answers,
    firstStep: (i) => rule.before(open, frames[i]?.mux ?? null).step,
    valueOf: (i) => {
      const frame = frames[i];
      return frame ? ranking.valueOf(frame) : NaN;
    },
  };
}

/** True where two modes rank every image alike, given the same earlier thresholds. */
export function ranksAlike(pair: Pair, one: RankedImages, other: RankedImages): boolean {
  if (one.ranking.threshold !== other.ranking.threshold) return false;
  return Array.from({ length: pair.count }, (_, i) => i).every((i) => one.valueOf(i) === other.valueOf(i));
}
