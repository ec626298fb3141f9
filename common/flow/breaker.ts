/**
 * The circuit breaker before the servers: after repeated failures nobody is asked any more, but for one probe now and
 * then; the first probe that is answered brings the servers back. Time is told to it; it has no clock and no timer.
 *
 *   closed ── `failures` of the last `outcomes` failed ──> open ── the pause is over ──> half-open (one probe is out)
 *     ^                                                     ^                                │
 *     │                                                     └──── it failed: pause doubled ──┤
 *     └───────────────────────────── it was answered ────────────────────────────────────────┘
 */
export type BreakerState = 'closed' | 'open' | 'half-open';

export interface BreakerRule {
  /** So many failures among the last `outcomes` requests open the breaker. */
  failures: number;
  outcomes: number;
  /** Pause before the first probe and the longest one, in ms; it doubles with each probe in vain. */
  probeMs: number;
  longestProbeMs: number;
}

/** Half of a pause at most is taken off at random, so that many devices do not probe in step. */
const JITTER = 0.5;

export class Breaker {
  readonly #rule: BreakerRule;
  readonly #random: () => number;
  #state: BreakerState = 'closed';
  /** Of the last requests, while closed: whether each failed. */
  #failed: boolean[] = [];
  #pauseMs: number;
  #probeAtMs = 0;
  #closedAtMs = -Infinity;

  /** @param random within [0, 1) */
  constructor(rule: BreakerRule, random: () => number) {
    this.#rule = rule;
    this.#random = random;
    this.#pauseMs = rule.probeMs;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** What may be sent now: anything, the one probe, or nothing. Changes nothing. */
  allows(nowMs: number): 'all' | 'probe' | 'none' {
    if (this.#state === 'closed') return 'all';
    return this.#state === 'open' && nowMs >= this.#probeAtMs ? 'probe' : 'none';
  }

  /** The probe goes out; its end is told by `probed`. */
  beginProbe(): void {
    this.#state = 'half-open';
  }

  /** The end of a request that was no probe. Those that were sent before the breaker opened are no news any more. */
  ended(failed: boolean, sentMs: number, nowMs: number): void {
    if (this.#state !== 'closed' || sentMs < this.#closedAtMs) return;
    this.#failed = [...this.#failed, failed].slice(-this.#rule.outcomes);
    const failures = this.#failed.filter(Boolean).length;
    if (failures >= this.#rule.failures) this.#open(nowMs, this.#rule.probeMs);
  }

  /** The end of the probe. @param outcome `unsent`: it never went out, and the next one may at once */
  probed(outcome: 'answered' | 'failed' | 'unsent', nowMs: number): void {
    if (this.#state !== 'half-open') return;
    if (outcome === 'failed') {
      this.#open(nowMs, Math.min(2 * this.#pauseMs, this.#rule.longestProbeMs));
    } else if (outcome === 'unsent') {
      this.#state = 'open';
    } else {
      this.#state = 'closed';
      this.#closedAtMs = nowMs;
    }
  }

  /** A server has come: what is known of the ones before does not count against it, the next request may probe. */
  serverCame(nowMs: number): void {
    this.#failed = [];
    this.#pauseMs = this.#rule.probeMs;
    this.#probeAtMs = nowMs;
  }

  #open(nowMs: number, pauseMs: number): void {
    this.#state = 'open';
    this.#failed = [];
    this.#pauseMs = pauseMs;
    this.#probeAtMs = nowMs + pauseMs * (1 - JITTER * this.#random());
  }
}
