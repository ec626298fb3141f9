/** How a policy orders the test images, before any threshold of that order is chosen. */
import type { Thresholds } from '../../../common/policy-names.js';
import { rankedRuleOf, type RankedMode } from '../../../mux/rules/policies/registry.js';
import type { FirstStep, Ranking } from '../../../mux/rules/policies/rule.js';
import type { Answers } from '../outputs/outputs.js';
import { needsMux } from '../../../mux/rules/policies/needs.js';
import { emptyOutcome, framesOf, keptAnswers, type Outcome, type Pair } from './pair.js';

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
  const values = valuesOf(pair, mode, ranking, answers);
  return {
    ranking,
    answers,
    firstStep: (i) => rule.before(open, frames[i]?.mux ?? null).step,
    valueOf: (i) => values[i] ?? NaN,
  };
}

/** What a mode's last threshold is compared with, of every image: a search asks for it again and again. */
function valuesOf(pair: Pair, mode: RankedMode, ranking: Ranking, answers: Answers): Float64Array {
  const known = VALUES.get(answers) ?? new Map<string, Known>();
  VALUES.set(answers, known);
  const key = `${mode} ${ranking.threshold}`;
  const found = known.get(key);
  if (found && found.pair === pair) return found.values;
  const values = Float64Array.from(framesOf(pair, answers), (frame) => ranking.valueOf(frame));
  known.set(key, { pair, values });
  return values;
}

interface Known {
  pair: Pair;
  values: Float64Array;
}
const VALUES = new WeakMap<Answers, Map<string, Known>>();

/** What becomes of every image under these thresholds, as `applyPolicy` says it, from what the ranking knows already. */
export function outcomeAt(pair: Pair, mode: RankedMode, thresholds: Thresholds): Outcome {
  const { ranking, answers, firstStep, valueOf } = rankImages(pair, mode, thresholds);
  const { localFirst } = rankedRuleOf(mode);
  const last = thresholds[ranking.threshold];
  const outcome = emptyOutcome(pair.count);
  outcome.mux.fill(pair.mux && needsMux({ mode }) ? 1 : 0);
  for (let i = 0; i < pair.count; i += 1) {
    const step = firstStep(i);
    const value = step === 'local' ? valueOf(i) : NaN;
    const beyond = ranking.offloads === 'above' ? value > (last ?? Infinity) : value < (last ?? -Infinity);
    const away = step === 'offload' || beyond;
    outcome.offloaded[i] = away ? 1 : 0;
    outcome.local[i] = step === 'local' && (localFirst || !away) ? 1 : 0;
    const own = step === 'answer' ? pair.mux : answers;
    outcome.right[i] = (away ? pair.cloud.right[i] : own?.right[i]) ?? 0;
  }
  return outcome;
}

/** True where two modes rank every image alike, given the same earlier thresholds. */
export function ranksAlike(pair: Pair, one: RankedImages, other: RankedImages): boolean {
  if (one.ranking.threshold !== other.ranking.threshold) return false;
  return Array.from({ length: pair.count }, (_, i) => i).every((i) => one.valueOf(i) === other.valueOf(i));
}
