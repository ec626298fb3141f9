/**
 * What any of the models of a group would say together: for sets of models, the confidence of their combined answer and
 * whether it is right, of every image. A search asks for the same sets again and again.
 */
import { argmax } from '../../../mux/rules/probabilities.js';
import type { MeasuredGroup } from './measured-group.js';
import { rowOf } from '../pair/pair.js';

const FLOOR = 1e-12;
const NOTHING = -45;

export interface CombinedAnswer {
  /** Largest probability: N. */
  confidence: Float32Array;
  /** 0 or 1: N. */
  right: Uint8Array;
}

/** Names a set of models by their indices. */
export function setKey(models: readonly number[]): string {
  return models.join();
}

/** Every set of models that a climb of this ladder can have asked, in the order in which they ran. */
export function climbsOf(ladder: readonly number[]): number[][] {
  return ladder.flatMap((_, from) => ladder.slice(from).map((_, at) => ladder.slice(from, from + at + 1)));
}

/**
 * The answers of sets of models as `combine` of mux/rules/group.ts gives them.
 *
 * @param sets of indices, in the order in which the models run
 * @param exponents one a model
 */
export function combinedAnswers(
  measured: MeasuredGroup,
  exponents: readonly number[],
  sets: readonly (readonly number[])[],
): Map<string, CombinedAnswer> {
  const { count, models } = measured;
  const found = new Map<string, CombinedAnswer>();
  const wanted: { models: readonly number[]; shares: number[]; answer: CombinedAnswer }[] = [];
  for (const set of sets) {
    const [only = 0] = set;
    if (found.has(setKey(set))) continue;
    const alone = models[only];
    const answer =
      set.length === 1 && alone
        ? { confidence: alone.confidence, right: alone.right }
        : { confidence: new Float32Array(count), right: new Uint8Array(count) };
    found.set(setKey(set), answer);
    if (set.length > 1) wanted.push({ models: set, shares: sharesOf(set, exponents), answer });
  }
  if (wanted.length > 0) fill(measured, wanted);
  return found;
}

/** e_i / Σe over the set; equal shares where every exponent is 0. */
function sharesOf(set: readonly number[], exponents: readonly number[]): number[] {
  const sum = set.reduce((total, m) => total + (exponents[m] ?? 1), 0);
  return set.map((m) => (sum > 0 ? (exponents[m] ?? 1) / sum : 1 / set.length));
}

function fill(
  { count, classes, models, labels }: MeasuredGroup,
  wanted: readonly { models: readonly number[]; shares: number[]; answer: CombinedAnswer }[],
): void {
  const logs = models.map(() => new Float64Array(classes));
  const fused = new Float64Array(classes);
  for (let i = 0; i < count; i += 1) {
    models.forEach((model, m) => {
      const [row, log] = [rowOf(model, i, classes), logs[m] ?? fused];
      for (let k = 0; k < classes; k += 1) log[k] = Math.log(Math.max(row[k] ?? 0, FLOOR));
    });
    for (const { models: set, shares, answer } of wanted) {
      fused.fill(0);
      set.forEach((m, at) => {
        const [log, share] = [logs[m] ?? fused, shares[at] ?? 0];
        for (let k = 0; k < classes; k += 1) fused[k] = (fused[k] ?? 0) + share * (log[k] ?? 0);
      });
      const best = argmax(fused);
      const most = fused[best] ?? 0;
      let sum = 0;
      for (let k = 0; k < classes; k += 1) {
        const below = (fused[k] ?? 0) - most;
        if (below > NOTHING) sum += Math.exp(below);
      }
      answer.confidence[i] = 1 / sum;
      answer.right[i] = best === labels[i] ? 1 : 0;
    }
  }
}
