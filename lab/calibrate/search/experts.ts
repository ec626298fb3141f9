/** Exponents of a weighted product of experts: p ∝ Π p_m^(w_m), fitted to labels. Pure. */
import { rowOf } from '../../eval/pair/pair.js';
import type { Answers } from '../../eval/outputs/outputs.js';
import { solve } from '../../eval/statistics/smooth.js';

/** As the rules' own floor (`mux/rules/probabilities.ts`). */
const FLOOR = 1e-12;
/** Newton's steps at most; a smooth convex function of a few numbers needs about ten. */
const STEPS = 50;
/** Halvings of a step that does not descend. */
const HALVINGS = 30;
/** Done where a step moves no weight by more. */
const STILL = 1e-9;
/** Images on which the first steps are taken: near enough, and quick. */
const FIRST_IMAGES = 1000;
/** Exponents of e below it add nothing to a sum of doubles that has a 1 in it. */
const NOTHING = -45;

export interface Experts {
  experts: readonly Pick<Answers, 'probabilities'>[];
  labels: Uint16Array;
  classes: number;
}

interface Point {
  loss: number;
  gradient: number[];
  curvature: number[][];
}

/**
 * The weights of least cross-entropy, by Newton's method: it is convex in them.
 *
 * @param start weights to begin at
 * @param least bound from below; a weight on it stays while the loss would fall beyond
 */
export function expertWeights(given: Experts, start: readonly number[], least = -Infinity): number[] {
  const { length } = given.labels;
  const first = length > 2 * FIRST_IMAGES ? descend(given, [...start], least, length / FIRST_IMAGES) : start;
  return descend(given, [...first], least, 1);
}

/** @param stride every so many-th image counts */
function descend(given: Experts, w: number[], least: number, stride: number): number[] {
  let at = evaluate(given, w, stride);
  for (let step = 0; step < STEPS; step += 1) {
    const open = w.map((value, m) => value > least || (at.gradient[m] ?? 0) < 0);
    const move = newton(at, open);
    let next = w;
    let found = at;
    for (let half = 0, length = 1; half < HALVINGS; half += 1, length /= 2) {
      next = w.map((value, m) => Math.max(least, value + length * (move[m] ?? 0)));
      found = evaluate(given, next, stride);
      if (found.loss <= at.loss) break;
    }
    if (!(found.loss <= at.loss)) return w;
    const moved = Math.max(...w.map((value, m) => Math.abs(value - (next[m] ?? value))));
    [w, at] = [next, found];
    if (moved < STILL) return w;
  }
  return w;
}

/** Newton's step in the open weights; the others stay. */
function newton({ gradient, curvature }: Point, open: readonly boolean[]): number[] {
  const free = open.flatMap((is, m) => (is ? [m] : []));
  const matrix = free.map((a) => free.map((b) => (curvature[a]?.[b] ?? 0) + (a === b ? 1e-12 : 0)));
  const step = solve(
    matrix,
    free.map((a) => -(gradient[a] ?? 0)),
  );
  const move = new Array<number>(open.length).fill(0);
  free.forEach((m, at) => (move[m] = step[at] ?? 0));
  return move;
}

/** Mean cross-entropy with its first and second derivatives. */
function evaluate({ experts, labels, classes }: Experts, w: readonly number[], stride: number): Point {
  const count = experts.length;
  const logs = experts.map(() => new Float64Array(classes));
  const moments = new Moments(count, classes);
  const chances = new Float64Array(classes);
  let [loss, images] = [0, 0];
  for (let at = 0; Math.floor(at) < labels.length; at += stride) {
    const i = Math.floor(at);
    experts.forEach((expert, m) => logsInto(rowOf(expert, i, classes), logs[m] ?? chances));
    loss -= softmaxInto(chances, logs, w, labels[i] ?? 0);
    moments.add(chances, logs, labels[i] ?? 0);
    images += 1;
  }
  return { loss: loss / images, ...moments.means(images) };
}

function logsInto(row: Float32Array, logs: Float64Array): void {
  for (let k = 0; k < row.length; k += 1) logs[k] = Math.log(Math.max(FLOOR, row[k] ?? 0));
}

/** Fused probabilities into `chances`; returns the logarithm of the label's. */
function softmaxInto(
  chances: Float64Array,
  logs: readonly Float64Array[],
  w: readonly number[],
  label: number,
): number {
  chances.fill(0);
  logs.forEach((log, m) => {
    const weight = w[m] ?? 0;
    for (let k = 0; k < chances.length; k += 1) chances[k] = (chances[k] ?? 0) + weight * (log[k] ?? 0);
  });
  let most = -Infinity;
  for (let k = 0; k < chances.length; k += 1) most = Math.max(most, chances[k] ?? 0);
  const mine = (chances[label] ?? 0) - most;
  let sum = 0;
  for (let k = 0; k < chances.length; k += 1) {
    const below = (chances[k] ?? 0) - most;
    sum += chances[k] = below < NOTHING ? 0 : Math.exp(below);
  }
  for (let k = 0; k < chances.length; k += 1) chances[k] = (chances[k] ?? 0) / sum;
  return mine - Math.log(sum);
}

/** Sums of the gradient Σ p L − L_label and of the curvature Cov_p(L). */
class Moments {
  readonly #gradient: Float64Array;
  readonly #curvature: Float64Array[];
  readonly #mean: Float64Array;
  /** p L of one expert. */
  readonly #weighted: Float64Array;

  constructor(count: number, classes: number) {
    this.#gradient = new Float64Array(count);
    this.#mean = new Float64Array(count);
    this.#weighted = new Float64Array(classes);
    this.#curvature = Array.from({ length: count }, () => new Float64Array(count));
  }

  add(chances: Float64Array, logs: readonly Float64Array[], label: number): void {
    const [mean, weighted] = [this.#mean, this.#weighted];
    logs.forEach((log, a) => {
      const line = this.#curvature[a] ?? mean;
      mean[a] = dot(chances, log);
      for (let k = 0; k < weighted.length; k += 1) weighted[k] = (chances[k] ?? 0) * (log[k] ?? 0);
      for (let b = 0; b <= a; b += 1) {
        const product = dot(weighted, logs[b] ?? weighted);
        line[b] = (line[b] ?? 0) + product - (mean[a] ?? 0) * (mean[b] ?? 0);
      }
      this.#gradient[a] = (this.#gradient[a] ?? 0) + (mean[a] ?? 0) - (log[label] ?? 0);
    });
  }

  means(images: number): Pick<Point, 'gradient' | 'curvature'> {
    const at = (a: number, b: number) => (this.#curvature[Math.max(a, b)]?.[Math.min(a, b)] ?? 0) / images;
    return {
      gradient: Array.from(this.#gradient, (sum) => sum / images),
      curvature: Array.from(this.#curvature, (_, a) => Array.from(this.#curvature, (_, b) => at(a, b))),
    };
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k += 1) sum += (a[k] ?? 0) * (b[k] ?? 0);
  return sum;
}
