/** How long one request takes of this server lately, measured while it was busy. */
const DECAY = 0.98;
/** Part of its budget that a request may be expected to spend here: pace varies, and the answer has to travel. */
const USABLE_SHARE = 0.7;
/** A request counts as at most so many usual ones: more than a batch, less than a server that was frozen for a minute. */
const MOST_REQUESTS = 64;

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
    const spentMs = nowMs - (this.#busySinceMs ?? nowMs);
    const mostMs = this.requestMs === 0 ? Infinity : MOST_REQUESTS * this.requestMs;
    this.#busyMs = DECAY * this.#busyMs + Math.min(spentMs, mostMs);
    this.#done = DECAY * this.#done + 1;
    this.#busySinceMs = busy ? nowMs : null;
  }

  /** Busy time per request in ms; 0 before the first. */
  get requestMs(): number {
    return this.#done === 0 ? 0 : this.#busyMs / this.#done;
  }

  /**
   * Whether a request with `before` others before it will be answered within its budget, as far as one can tell. The
   * first in line always is: a server that has nothing to do cannot know better than by trying.
   */
  canKeep(budgetMs: number, before: number): boolean {
    return before === 0 || (before + 1) * this.requestMs <= USABLE_SHARE * budgetMs;
  }
}
