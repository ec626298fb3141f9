import type { Waited } from '../messages/message.js';

export interface TransitDeps {
  /** Monotonic, in ms; it may stand still while the machine sleeps. */
  nowMs: () => number;
  /** Wall clock in ms. */
  wallMs: () => number;
  /** Since the machine's start, sleep included, in ms. */
  uptimeMs: () => number;
  /** Sends a PINGREQ. */
  ping: () => void;
}

/** How often `tick` is to be called. */
export const TICK_MS = 250;
/** The line is asked so often while messages come, and once after the last one. */
const ASK_EVERY_MS = 1000;
/** And so often between messages that are rare, for as long after the last one. */
const IDLE_ASK_EVERY_MS = 10_000;
const IDLE_MS = 600_000;
/** Questions without an answer at a time, at most: ten minutes of them. */
const MOST_ASKED = 600;
/** Shorter waits on the line are nothing. */
const LEAST_LINE_MS = 250;
/** A program that did not tick for so long stood still. */
const STILL_MS = TICK_MS + 1000;
/** Clocks that count sleep or not differ by this and more: the machine slept. */
const SLEPT_MS = 2000;

interface Asked {
  atMs: number;
  /** What comes before its answer may have waited while the program stood still. */
  ends: boolean;
}

/**
 * Dates messages without clocks in common. A broker answers a PINGREQ in its place among the messages: what comes before the
 * answer was there before it took the question. So a message has waited at least since the oldest open question, less
 * the quickest answer that ever came; and after a standstill everything up to the answer to a new question may have come
 * in the meantime.
 */
export class Transit {
  readonly #deps: TransitDeps;
  readonly #asked: Asked[] = [];
  #lastAskedMs = -Infinity;
  #lastReceivedMs = -Infinity;
  #cameSinceAsked = false;
  #asksForEnd = false;
  #quickestMs: number | null = null;
  #tickedMs: number;
  /** Wall clock, and uptime, less the monotonic clock. */
  #wallLeadMs: number;
  #uptimeLeadMs: number;
  #still: { ms: number; sinceMs: number } | null = null;

  constructor(deps: TransitDeps) {
    this.#deps = deps;
    this.#tickedMs = deps.nowMs();
    this.#wallLeadMs = deps.wallMs() - this.#tickedMs;
    this.#uptimeLeadMs = deps.uptimeMs() - this.#tickedMs;
  }

  /** Looks whether the program stood still since the last look, and asks where it is time. */
  tick(): void {
    const nowMs = this.#deps.nowMs();
    const stoodMs = nowMs - this.#tickedMs;
    this.#tickedMs = nowMs;
    const sleptMs = this.#sleptMs(nowMs);
    if (sleptMs > 0 || stoodMs >= STILL_MS) this.#stood(nowMs, sleptMs, stoodMs);
    const idle = nowMs - this.#lastReceivedMs < IDLE_MS && this.#isDue(nowMs, IDLE_ASK_EVERY_MS);
    if (idle || (this.#cameSinceAsked && this.#isDue(nowMs, ASK_EVERY_MS))) this.#ask(nowMs);
  }

  /** A message is here. Returns how long it has waited; null: not so that it could be told. */
  received(): Waited | null {
    this.tick();
    const nowMs = this.#tickedMs;
    const [oldest] = this.#asked;
    const openMs = oldest && this.#quickestMs !== null ? nowMs - oldest.atMs - this.#quickestMs : 0;
    this.#lastReceivedMs = nowMs;
    this.#cameSinceAsked = true;
    if (this.#isDue(nowMs, ASK_EVERY_MS)) this.#ask(nowMs);
    const lineMs = openMs >= LEAST_LINE_MS ? openMs : 0;
    const stillMs = this.#still ? this.#still.ms + nowMs - this.#still.sinceMs : 0;
    return lineMs > 0 || stillMs > 0 ? { lineMs, stillMs } : null;
  }

  /** A PINGRESP is here. */
  answered(): void {
    const asked = this.#asked.shift();
    if (!asked) return;
    const tookMs = this.#deps.nowMs() - asked.atMs;
    this.#quickestMs = Math.min(this.#quickestMs ?? Infinity, tookMs);
    if (asked.ends) this.#still = null;
  }

  /** A PINGREQ goes out: ours, or the client's own. */
  asked(): void {
    this.#asked.push({ atMs: this.#deps.nowMs(), ends: this.#asksForEnd });
  }

  /** Time asleep since the last look, by the clocks that count it; a wall clock that was set is none. */
  #sleptMs(nowMs: number): number {
    const wallLeadMs = this.#deps.wallMs() - nowMs;
    const jumpedMs = Math.abs(wallLeadMs - this.#wallLeadMs);
    this.#wallLeadMs = wallLeadMs;
    if (jumpedMs < SLEPT_MS / 2) return 0;
    const uptimeLeadMs = this.#deps.uptimeMs() - nowMs;
    const sleptMs = uptimeLeadMs - this.#uptimeLeadMs;
    this.#uptimeLeadMs = uptimeLeadMs;
    return sleptMs >= SLEPT_MS ? sleptMs : 0;
  }

  #stood(nowMs: number, sleptMs: number, stoodMs: number): void {
    const before = this.#still;
    this.#still = before ? { ...before, ms: before.ms + sleptMs } : { ms: sleptMs + stoodMs, sinceMs: nowMs };
    for (const asked of this.#asked) asked.ends = false;
    this.#asksForEnd = true;
    this.#ask(nowMs);
    this.#asksForEnd = false;
  }

  #isDue(nowMs: number, everyMs: number): boolean {
    return nowMs - this.#lastAskedMs >= everyMs && this.#asked.length < MOST_ASKED;
  }

  #ask(nowMs: number): void {
    this.#lastAskedMs = nowMs;
    this.#cameSinceAsked = false;
    this.#deps.ping();
  }
}
