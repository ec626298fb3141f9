/** Time kept back for sending a result and for a late timer. */
const MARGIN_MS = 5;
/** Runs of the local model may be this much slower than lately before a fallback misses its deadline. */
const RESERVE_FACTOR = 3;
const SMOOTHING = 0.1;

/** What of a frame's deadline is kept back for the local model, should no server answer. */
export class Reserve {
  readonly #deadlineMs: number;
  /** Smoothed duration of a local run including its wait for the worker. */
  #localMs: number;

  constructor(options: { deadlineMs: number; localMs: number }) {
    this.#deadlineMs = options.deadlineMs;
    this.#localMs = options.localMs;
  }

  /** A local run has taken so long, its wait for the worker included. */
  learn(localMs: number): void {
    this.#localMs += SMOOTHING * (localMs - this.#localMs);
  }

  /** At most half of the deadline. */
  get ms(): number {
    return Math.min(this.#deadlineMs / 2, MARGIN_MS + RESERVE_FACTOR * this.#localMs);
  }
}
