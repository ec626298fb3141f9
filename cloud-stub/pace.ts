/** How long one request takes of this server lately, measured while it was busy. */
const DECAY = 0.98;
/** Part of its budget that a request may be expected to spend here: pace varies, and the answer has to travel. */
const USABLE_SHARE = 0.7;

/**
 * Requests done per busy time, both fading by 2 % a request, so that a batch that ends all at once counts as what it
 * is: its size over the time since the one before.
 */
export class Pace {
  #busyMs = 0;
  #done = 0;
  #busySinceMs: number | null = null;

  /** Work has begun, where there was none. */
  begin(nowMs: number): void {
    this.#busySinceMs ??= nowMs;
  }

  /** A request is done. @param busy whether others are still in work */
  end(nowMs: number, busy: boolean): void {
    this.#busyMs = DECAY * this.#busyMs + nowMs - (this.#busySinceMs ?? nowMs);
    this.#done = DECAY * this.#done + 1;
    this.#busySinceMs = busy ? nowMs : null;
  }

  /** Busy time per request in ms; 0 before the first. */
  get requestMs(): number {
    return this.#done === 0 ? 0 : this.#busyMs / this.#done;
  }

  /** Whether a request with `before` others before it will be answered within its budget, as far as one can tell. */
  canKeep(budgetMs: number, before: number): boolean {
    return (before + 1) * this.requestMs <= USABLE_SHARE * budgetMs;
  }
}
