import { costMs, type Ahead, type Work } from './fair-queue.js';
import type { InWork } from './in-work.js';

/** How long work takes of this server lately, measured while it was busy. */
const DECAY = 0.98;
/** Part of its budget that a request may be expected to spend here: pace varies, and the answer has to travel. */
const USABLE_SHARE = 0.7;
/** A request counts as at most so many usual ones: more than a batch, less than a server that was frozen for a minute. */
const MOST_REQUESTS = 64;

/**
 * Work done per busy time, both fading by 2 % a request, so that a batch that ends all at once counts as what it
 * is: its work over the time since the one before.
 */
export class Pace {
  #busyMs = 0;
  #done = 0;
  #busySinceMs: number | null = null;

  /** Work has begun, where there was none. */
  begin(nowMs: number): void {
    this.#busySinceMs ??= nowMs;
  }

  /** A request is done. @param busy whether others are still in work @param work its part of what is done */
  end(nowMs: number, busy: boolean, work = 1): void {
    const spentMs = nowMs - (this.#busySinceMs ?? nowMs);
    const mostMs = this.unitMs === 0 ? Infinity : MOST_REQUESTS * work * this.unitMs;
    this.#busyMs = DECAY * this.#busyMs + Math.min(spentMs, mostMs);
    this.#done = DECAY * this.#done + work;
    this.#busySinceMs = busy ? nowMs : null;
  }

  /** Busy time per unit of work in ms; 0 before the first. */
  get unitMs(): number {
    return this.#done === 0 ? 0 : this.#busyMs / this.#done;
  }

  /**
   * Whether a request with `before` work before it will be answered within its budget, as far as one can tell. The
   * first in line always is: a server that has nothing to do cannot know better than by trying.
   */
  canKeep(budgetMs: number, before: number, work = 1): boolean {
    return before === 0 || (before + work) * this.unitMs <= USABLE_SHARE * budgetMs;
  }
}

/** The paces of a server: costly requests are decoded one after the other, beside all others, and do not tell how long those take. */
export class Paces {
  readonly #usual = new Pace();
  readonly #costly = new Pace();

  begin(nowMs: number, { costly }: Work): void {
    (costly ? this.#costly : this.#usual).begin(nowMs);
  }

  /** @param left what is in work besides */
  end(nowMs: number, work: Work, left: InWork): void {
    if (work.costly) this.#costly.end(nowMs, left.costlyMs > 0, costMs(work));
    else this.#usual.end(nowMs, left.ms > 0, costMs(work));
  }

  /** Whether a request will be answered within its budget behind what waits before it and what is in work. */
  canKeep(budgetMs: number, work: Work, ahead: Ahead, inWork: InWork): boolean {
    return work.costly
      ? this.#costly.canKeep(budgetMs, ahead.costlyMs + inWork.costlyMs, costMs(work))
      : this.#usual.canKeep(budgetMs, ahead.ms + inWork.ms, costMs(work));
  }
}
