/** DruidJS: t-SNE of vectors into the plane. */
import { TSNE } from '@saehrimnir/druidjs';

export interface TsneOptions {
  perplexity: number;
  iterations: number;
  seed: number;
  /** Told how far it is, in [0, 1]. */
  progress?: (done: number) => void;
}

/** @param vectors N rows of equal length @returns N points; the same for the same seed */
export function tsne(
  vectors: readonly (readonly number[])[],
  { perplexity, iterations, seed, progress }: TsneOptions,
): [number, number][] {
  const rows = vectors.map((row) => [...row]);
  const steps = new TSNE(rows, { perplexity, epsilon: 10, d: 2, seed }).generator(iterations);
  let points: number[][] = rows;
  let done = 0;
  for (const step of steps) {
    points = step;
    done += 1;
    if (done % 25 === 0) progress?.(done / iterations);
  }
  return points.map(([x = 0, y = 0]) => [x, y]);
}
