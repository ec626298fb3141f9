import { percentile } from '../../common/statistics.js';

/** Numbers of which percentiles are wanted: eight bytes each. */
export class Numbers {
  #values = new Float64Array(64);
  length = 0;
  sum = 0;

  static of(values: readonly number[]): Numbers {
    const numbers = new Numbers();
    for (const value of values) numbers.push(value);
    return numbers;
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float64Array(2 * this.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length] = value;
    this.length += 1;
    this.sum += value;
  }

  forEach(visit: (value: number) => void): void {
    this.#values.subarray(0, this.length).forEach(visit);
  }

  filtered(wanted: (value: number) => boolean): Numbers {
    const kept = new Numbers();
    this.forEach((value) => {
      if (wanted(value)) kept.push(value);
    });
    return kept;
  }

  /** Null for none. */
  mean(): number | null {
    return this.length === 0 ? null : this.sum / this.length;
  }

  /** By linear interpolation between the nearest ranks; null for none. */
  percentile(share: number): number | null {
    return this.length === 0 ? null : percentile(Array.from(this.#values.subarray(0, this.length)), share);
  }
}

/** The numbers of several sets together. */
export function joined(sets: readonly Numbers[], all = new Numbers()): Numbers {
  for (const set of sets) set.forEach((value) => all.push(value));
  return all;
}
