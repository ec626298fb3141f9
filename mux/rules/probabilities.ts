/** Small pure helpers over class probabilities: vectors of K shares that sum to 1. */

export type Vector = ArrayLike<number>;

/** Index of the largest entry, the first one on a tie; −1 for an empty vector. */
export function argmax(vector: Vector): number {
  let best = -1;
  let bestValue = -Infinity;
  for (let i = 0; i < vector.length; i += 1) {
    const value = vector[i] ?? -Infinity;
    if (value > bestValue) {
      best = i;
      bestValue = value;
    }
  }
  return best;
}

/** The largest entry: the "confidence" of a classifier. −Infinity for an empty vector. */
export function maximum(vector: Vector): number {
  return vector[argmax(vector)] ?? -Infinity;
}

/** The k largest entries, largest first; ties in class order. */
export function topK(vector: Vector, k: number): { classIndex: number; probability: number }[] {
  const best: { classIndex: number; probability: number }[] = [];
  for (let classIndex = 0; classIndex < vector.length; classIndex += 1) {
    const probability = vector[classIndex] ?? 0;
    if (best.length >= k && !(probability > (best.at(-1)?.probability ?? Infinity))) continue;
    const at = best.findIndex((entry) => probability > entry.probability);
    best.splice(at < 0 ? best.length : at, 0, { classIndex, probability });
    if (best.length > k) best.pop();
  }
  return best;
}

/** Shannon entropy in nats: 0 for a certain vector, ln K for a uniform one. */
export function entropyNats(vector: Vector): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i += 1) {
    const p = vector[i] ?? 0;
    if (p > 0) sum -= p * Math.log(p);
  }
  return sum;
}

/** Largest minus second largest entry. */
export function margin(vector: Vector): number {
  const [first, second] = topK(vector, 2);
  return (first?.probability ?? 0) - (second?.probability ?? 0);
}

/** True where no entry is NaN or infinite. */
export function allFinite(vector: Vector): boolean {
  for (let i = 0; i < vector.length; i += 1) if (!Number.isFinite(vector[i])) return false;
  return true;
}

/** exp(x_i) / Σ exp(x_j), shifted by the maximum so that it cannot overflow. */
export function softmax(logits: Vector): Float32Array {
  const shift = maximum(logits);
  const result = new Float32Array(logits.length);
  let sum = 0;
  for (let i = 0; i < logits.length; i += 1) sum += result[i] = Math.exp((logits[i] ?? 0) - shift);
  for (let i = 0; i < result.length; i += 1) result[i] = (result[i] ?? 0) / sum;
  return result;
}

/** Smallest probability whose logarithm is taken: below it float32 softmax outputs say nothing more. */
const FLOOR = 1e-12;

/**
 * Weighted product of experts, in log space: p_k ∝ Π p_{e,k}^{w_e}, normalised.
 *
 * @param experts probability vectors over the same K classes with their weights (≥ 0)
 * @returns K probabilities; uniform where every weight is 0
 */
export function fuse(experts: readonly { probabilities: Vector; weight: number }[]): Float32Array {
  const classes = experts[0]?.probabilities.length ?? 0;
  const logits = new Float64Array(classes);
  for (const { probabilities, weight } of experts) {
    for (let k = 0; k < classes; k += 1) {
      logits[k] = (logits[k] ?? 0) + weight * Math.log(Math.max(probabilities[k] ?? 0, FLOOR));
    }
  }
  return softmax(logits);
}

/** Arithmetic mean of probability vectors over the same classes (eq. 4 with equal weights). */
export function mean(vectors: readonly Vector[]): Float32Array {
  const result = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) {
    for (let k = 0; k < result.length; k += 1)
      result[k] = (result[k] ?? 0) + (vector[k] ?? 0) / vectors.length;
  }
  return result;
}
