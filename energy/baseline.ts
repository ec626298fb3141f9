/** Idle power of one rail, learned from the samples of times in which no frame was in work. Pure state. */

/** Idle time after which the learned value is trusted. */
const TRUSTED_MS = 300;

export class IdleBaseline {
  readonly #windowMs: number;
  #meanW = 0;
  #seenMs = 0;
  #lowestW = Infinity;

  /** `windowMs`: time constant of the running mean. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** An idle sample that stands for `lengthMs`. */
  learn(powerW: number, lengthMs: number): void {
    this.#seenMs += lengthMs;
    this.#meanW += (powerW - this.#meanW) * (lengthMs / Math.min(this.#seenMs, this.#windowMs));
  }

  /** Mean power of any stretch, busy or not: the lowest stands in while idle was never seen. */
  consider(meanW: number): void {
    this.#lowestW = Math.min(this.#lowestW, meanW);
  }

  get learned(): boolean {
    return this.#seenMs >= TRUSTED_MS;
  }

  /** Best estimate in W; null before anything was seen. */
  get powerW(): number | null {
    if (this.learned) return this.#meanW;
    if (this.#lowestW < Infinity) return this.#lowestW;
    return this.#seenMs > 0 ? this.#meanW : null;
  }
}
