/** The clocks, injected so that rules stay pure and tests need no waiting. */
export interface Clock {
  /** Monotonic time in milliseconds with sub-millisecond digits; differences only. */
  monotonicMs(): number;
  /** Wall-clock time in milliseconds since the epoch; for people and file names, never for durations. */
  wallMs(): number;
}

/** `process.hrtime` (CLOCK_MONOTONIC, equal in all threads of the machine) and `Date.now`. */
export const systemClock: Clock = {
  monotonicMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  wallMs: () => Date.now(),
};
