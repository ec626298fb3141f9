/**
 * Paired bootstrap: resamples of the images, the same ones for everything that is compared, so that a difference of
 * two policies is judged on the images where they differ.
 */
import { seededRandom } from '../../../common/random.js';
import { percentile } from '../../../common/statistics.js';
import type { Vector } from '../../../mux/rules/probabilities.js';

/** A figure and its 95 % interval. */
export interface Interval {
  value: number;
  low: number;
  high: number;
}

export const RESAMPLES = 1000;
const LEVEL = 0.95;

export class Bootstrap {
  readonly count: number;
  /** How often each image counts, one row a resample. */
  readonly #weights: Uint8Array[];
  /** Resampled means by column: a policy's outcome is used in many comparisons. */
  readonly #means = new WeakMap<object, Float64Array>();

  /** @param count number of images */
  constructor(count: number, seed: number, resamples = RESAMPLES) {
    this.count = count;
    const random = seededRandom(seed);
    this.#weights = Array.from({ length: resamples }, () => {
      const weights = new Uint8Array(count);
      for (let n = 0; n < count; n += 1) {
        const i = Math.floor(random() * count);
        weights[i] = (weights[i] ?? 0) + 1;
      }
      return weights;
    });
  }

  get resamples(): number {
    return this.#weights.length;
  }

  /** Mean of a per-image column over all images, and over each resample. */
  means(column: Vector & object): Float64Array {
    const known = this.#means.get(column);
    if (known) return known;
    const means = Float64Array.from(this.#weights, (weights) => {
      let sum = 0;
      for (let i = 0; i < weights.length; i += 1) sum += (weights[i] ?? 0) * (column[i] ?? 0);
      return sum / this.count;
    });
    this.#means.set(column, means);
    return means;
  }

  /**
   * A function of the means of columns, say a difference of accuracies or a ratio of costs.
   *
   * @param columns per-image values, N each
   */
  of(columns: readonly (Vector & object)[], figure: (...means: number[]) => number): Interval {
    const resampled = columns.map((column) => this.means(column));
    const whole = columns.map((column) => meanOf(column));
    const figures = this.#weights.map((_, r) => figure(...resampled.map((means) => means[r] ?? NaN)));
    return interval(figure(...whole), figures);
  }

  /** A figure that is no function of means, such as an AUROC: recomputed with each resample's weights. */
  recomputed(figure: (weights?: Vector) => number | null): Interval | null {
    const value = figure();
    if (value === null) return null;
    const figures = this.#weights.map((weights) => figure(weights)).filter((found) => found !== null);
    return interval(value, figures);
  }
}

/** The percentile interval of resampled figures. */
export function interval(value: number, figures: readonly number[]): Interval {
  const tail = (1 - LEVEL) / 2;
  return { value, low: percentile(figures, tail), high: percentile(figures, 1 - tail) };
}

function meanOf(column: Vector): number {
  let sum = 0;
  for (let i = 0; i < column.length; i += 1) sum += column[i] ?? 0;
  return sum / column.length;
}
