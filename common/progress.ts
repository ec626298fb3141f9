/** What a program has done with its work since it started; work is frames on a device, requests on a server. */
export interface Progress {
  /** Taken on and not ended. */
  pending: number;
  /** Ended as it should: answered, or refused for a reason of its own. */
  moved: number;
  /** Ended because the program could not do it. */
  failed: number;
}

/**
 * Tells work that moves from work that stands still.
 *
 * Time counts as standing still while something is pending, or fails, and nothing moves. Having nothing to do neither
 * counts nor absolves: after failures only work that moves does.
 */
export class ProgressWatch {
  readonly #stallMs: number;
  readonly #longestLookMs: number;
  #last: Progress & { atMs: number };
  #standingMs = 0;

  /**
   * @param options.stallMs standing still for so long is a stall
   * @param options.longestLookMs no single pause between two looks counts for more: the process itself may have slept
   */
  constructor(options: { stallMs: number; longestLookMs: number }, first: Progress, nowMs: number) {
    this.#stallMs = options.stallMs;
    this.#longestLookMs = options.longestLookMs;
    this.#last = { ...first, atMs: nowMs };
  }

  /** Looks at the work. Returns since when it has stood still in ms where that is a stall, else null. */
  look(now: Progress, nowMs: number): number | null {
    const last = this.#last;
    this.#last = { ...now, atMs: nowMs };
    if (now.moved !== last.moved) this.#standingMs = 0;
    else if (now.failed !== last.failed || (now.pending > 0 && last.pending > 0)) {
      this.#standingMs += Math.min(nowMs - last.atMs, this.#longestLookMs);
    }
    return this.#standingMs >= this.#stallMs ? this.#standingMs : null;
  }
}
