/**
 * How many requests may be in flight: additive increase, multiplicative decrease (as TCP has it, RFC 5681), and a pause
 * after refusals of servers that have too much to do. Time is told to it; it has no clock and no timer.
 */
export interface WindowRule {
  /** Requests in flight at least and at most. */
  least: number;
  most: number;
}

const DECREASE = 0.5;
/** The first pause after a refusal and the longest, in ms; it doubles until a server answers. */
export const FIRST_PAUSE_MS = 50;
export const LONGEST_PAUSE_MS = 5000;
/** Half of a pause at most is taken off at random, so that many devices do not return in step. */
const JITTER = 0.5;

export class OffloadWindow {
  readonly #rule: WindowRule;
  readonly #random: () => number;
  #size: number;
  #pauseMs = FIRST_PAUSE_MS;
  #pausedUntilMs = -Infinity;
  /** Requests sent before this have told their news already: a full window that fails at once is one event. */
  #newsSinceMs = -Infinity;

  /** Starts at `most`. @param random within [0, 1) */
  constructor(rule: WindowRule, random: () => number) {
    this.#rule = rule;
    this.#random = random;
    this.#size = rule.most;
  }

  /** Requests that may be in flight. */
  get size(): number {
    return Math.floor(this.#size);
  }

  /** What is left of a pause, in ms. */
  pauseLeftMs(nowMs: number): number {
    return Math.max(0, this.#pausedUntilMs - nowMs);
  }

  /** A request was answered: one more in flight after a window full of answers. */
  answered(): void {
    this.#size = Math.min(this.#rule.most, this.#size + 1 / this.#size);
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  /** A request was not answered in time: half as many, once for all that were in flight together. */
  lost(sentMs: number, nowMs: number): void {
    if (sentMs < this.#newsSinceMs) return;
    this.#newsSinceMs = nowMs;
    this.#size = Math.max(this.#rule.least, DECREASE * this.#size);
  }

  /** A server refused for want of room: half as many, and none at all for a moment. */
  refused(sentMs: number, nowMs: number): void {
    if (sentMs < this.#newsSinceMs) return;
    this.lost(sentMs, nowMs);
    this.#pausedUntilMs = nowMs + this.#pauseMs * (1 - JITTER * this.#random());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  /** Begins again with the least, as after the servers were away. */
  restart(): void {
    this.#size = this.#rule.least;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#pausedUntilMs = -Infinity;
  }
}
