/** Upper bounds in s that suit latencies from a CPU's small network to a server far away. */
export const LATENCY_BOUNDS_S = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
] as const;

/** What a histogram holds: how many observations lie at or below each bound, all of them, and their sum. */
export interface HistogramCounts {
  bounds: readonly number[];
  /** Cumulative, one a bound. */
  atMost: number[];
  count: number;
  sum: number;
}

/** Counts observations by size. An observation costs a search among a dozen bounds and no memory. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds rising; what is above the last is counted too */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? Infinity)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  counts(): HistogramCounts {
    let below = 0;
    const cumulative = Array.from(this.#counts, (count) => (below += count));
    return { bounds: this.#bounds, atMost: cumulative.slice(0, -1), count: below, sum: this.#sum };
  }
}
