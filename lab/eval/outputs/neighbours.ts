/** k nearest neighbours, cross-validated over two halves: no image is among its own neighbours. */
import { seededRandom, shuffled } from '../../../common/random.js';

/** Half 0 or 1 of each of `count` images, drawn from the seed. */
export function halves(count: number, seed: number): [number[], number[]] {
  const order = shuffled(
    Array.from({ length: count }, (_, i) => i),
    seededRandom(seed),
  );
  const middle = Math.floor(count / 2);
  return [order.slice(0, middle), order.slice(middle)];
}

/**
 * Share of positives among the k nearest of the other half.
 *
 * @param points N × F, standardised
 * @param positive 0 or 1
 * @returns N shares in [0, 1]
 */
export function crossValidated(
  points: readonly Float64Array[],
  positive: Uint8Array,
  parts: readonly [readonly number[], readonly number[]],
  k: number,
): Float64Array {
  const said = new Float64Array(points.length);
  for (const [ask, known] of [parts, [parts[1], parts[0]] as const]) {
    for (const i of ask) said[i] = nearestShare(points, positive, known, i, k);
  }
  return said;
}

function nearestShare(
  points: readonly Float64Array[],
  positive: Uint8Array,
  known: readonly number[],
  i: number,
  k: number,
): number {
  const point = points[i] ?? new Float64Array();
  const size = Math.min(k, known.length);
  const distances = new Float64Array(size).fill(Infinity);
  const labels = new Uint8Array(size);
  for (const j of known) {
    const distance = squared(point, points[j] ?? new Float64Array(), distances[size - 1] ?? Infinity);
    if (distance >= (distances[size - 1] ?? Infinity)) continue;
    let at = size - 1;
    for (; at > 0 && (distances[at - 1] ?? 0) > distance; at -= 1) {
      distances[at] = distances[at - 1] ?? 0;
      labels[at] = labels[at - 1] ?? 0;
    }
    distances[at] = distance;
    labels[at] = positive[j] ?? 0;
  }
  return labels.reduce((sum, label) => sum + label, 0) / size;
}

/** Squared distance; stops adding once it is beyond `enough`. */
function squared(a: Float64Array, b: Float64Array, enough: number): number {
  let sum = 0;
  for (let f = 0; f < a.length && sum < enough; f += 1) {
    const difference = (a[f] ?? 0) - (b[f] ?? 0);
    sum += difference * difference;
  }
  return sum;
}
