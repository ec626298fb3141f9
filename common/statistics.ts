/**
 * Percentile of values in any order, by linear interpolation between the two nearest ranks; NaN for none.
 * @param share in [0, 1]
 */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = share * (sorted.length - 1);
  const low = Math.floor(rank);
  const below = sorted[low] ?? NaN;
  const above = sorted[Math.min(low + 1, sorted.length - 1)] ?? NaN;
  return below + (above - below) * (rank - low);
}

/** Arithmetic mean; NaN for none. */
export function mean(values: readonly number[]): number {
  return values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation of a sample (n − 1); 0 for fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** Quantile of the normal distribution for two-sided 95 %. */
export const Z_95 = 1.959964;

/** Wilson's score interval of a share found in n independent trials; [0, 1] for none. */
export function wilsonInterval(share: number, n: number, z = Z_95): { low: number; high: number } {
  if (n === 0) return { low: 0, high: 1 };
  const squares = (z * z) / n;
  const centre = (share + squares / 2) / (1 + squares);
  const half = (z / (1 + squares)) * Math.sqrt((share * (1 - share)) / n + squares / (4 * n));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
