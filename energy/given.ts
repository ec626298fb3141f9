/** What was given away of each cell of a rail, for as long as its ring keeps samples. */
import type { Given } from './apportion.js';

export class GivenShares implements Given {
  readonly #indexes: Float64Array;
  readonly #idle: Float64Array;
  readonly #excess: Float64Array;

  constructor(capacity: number) {
    this.#indexes = new Float64Array(capacity).fill(-1);
    this.#idle = new Float64Array(capacity);
    this.#excess = new Float64Array(capacity);
  }

  /** Takes at most what is left of a cell, and returns it. */
  take(index: number, part: 'idle' | 'excess', share: number): number {
    const slot = index % this.#indexes.length;
    if (this.#indexes[slot] !== index) {
      this.#indexes[slot] = index;
      this.#idle[slot] = 0;
      this.#excess[slot] = 0;
    }
    const given = part === 'idle' ? this.#idle : this.#excess;
    const taken = Math.min(share, 1 - (given[slot] ?? 0));
    given[slot] = (given[slot] ?? 0) + taken;
    return taken;
  }
}
