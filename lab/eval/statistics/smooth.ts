/** P(right) as a smooth function of a confidence, so that no single lucky image decides where a threshold falls. */
import type { Vector } from '../../../mux/rules/probabilities.js';

const STEPS = 12;
const EDGE = 1e-6;
const LONGEST_STEP = 3;
const RIDGE = [1e-9, 1e-3, 1e-3];

/**
 * Fits P(right) = sigmoid(w · (1, z, z²/10)), z = logit(confidence), by Newton's method; as the trainer does.
 *
 * @param confidence in [0, 1], any monotone score will do
 * @param right 0 or 1
 * @returns P(right) of every image; their sum is the number right
 */
export function smooth(confidence: Vector, right: Vector): Float64Array {
  const rows = Array.from(confidence, (value) => {
    const clamped = Math.min(1 - EDGE, Math.max(EDGE, value));
    const z = Math.log(clamped / (1 - clamped));
    return [1, z, (z * z) / 10];
  });
  let w = [0, 0, 0];
  for (let step = 0; step < STEPS; step += 1) {
    const slope = [0, 1, 2].map((a) => -(RIDGE[a] ?? 0) * (w[a] ?? 0));
    const curvature = [0, 1, 2].map((a) => [0, 1, 2].map((b) => (a === b ? (RIDGE[a] ?? 0) : 0)));
    rows.forEach((x, i) => addImage(slope, curvature, x, right[i] ?? 0, chance(x, w)));
    const move = solve(curvature, slope);
    w = w.map((value, a) => value + Math.min(LONGEST_STEP, Math.max(-LONGEST_STEP, move[a] ?? 0)));
  }
  return Float64Array.from(rows, (x) => chance(x, w));
}

function chance(x: readonly number[], w: readonly number[]): number {
  const [one = 0, z = 0, square = 0] = x;
  const [a = 0, b = 0, c = 0] = w;
  return 1 / (1 + Math.exp(-(a * one + b * z + c * square)));
}

/** Adds one image to gradient and Hessian of the log-likelihood. */
function addImage(
  slope: number[],
  curvature: number[][],
  x: readonly number[],
  right: number,
  p: number,
): void {
  for (let a = 0; a < 3; a += 1) {
    slope[a] = (slope[a] ?? 0) + (x[a] ?? 0) * (right - p);
    const line = curvature[a] ?? [];
    for (let b = 0; b < 3; b += 1) line[b] = (line[b] ?? 0) + (x[a] ?? 0) * (x[b] ?? 0) * p * (1 - p);
  }
}

/** Solves the symmetric positive definite system A x = b by Gauss's elimination. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const size = right.length;
  const rows = matrix.map((line, i) => [...line, right[i] ?? 0]);
  for (let at = 0; at < size; at += 1) {
    const pivot = rows[at] ?? [];
    for (let below = at + 1; below < size; below += 1) {
      const line = rows[below] ?? [];
      const factor = (line[at] ?? 0) / (pivot[at] ?? 1);
      for (let k = at; k <= size; k += 1) line[k] = (line[k] ?? 0) - factor * (pivot[k] ?? 0);
    }
  }
  const x = new Array<number>(size).fill(0);
  for (let at = size - 1; at >= 0; at -= 1) {
    const line = rows[at] ?? [];
    let rest = line[size] ?? 0;
    for (let k = at + 1; k < size; k += 1) rest -= (line[k] ?? 0) * (x[k] ?? 0);
    x[at] = rest / (line[at] ?? 1);
  }
  return x;
}
