/** The numbers of a search: quantiles, grids, rounding. Pure. */

/** The value at `share` of the way through sorted values, in line between neighbours. @param sorted rising, not empty */
export function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
  return low + (at - Math.floor(at)) * (high - low);
}

/** `steps` numbers from `low` to `high`, both among them. */
export function linear(low: number, high: number, steps: number): number[] {
  return Array.from({ length: steps }, (_, n) => low + ((high - low) * n) / (steps - 1));
}

/** To so many decimals. */
export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}

/** To a whole number, a half to the even one. */
export function halfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
