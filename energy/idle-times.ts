/** Times in which no frame was in flight. Pure state. */

/** A frame that is never finished must not keep idle power from being learned for ever. */
const FORGET_MS = 60_000;

export class IdleTimes {
  readonly #settleMs: number;
  /** Frames in flight and when they began. */
  readonly #frames = new Map<number, number>();
  readonly #idle: { fromMs: number; toMs: number }[] = [];
  #sinceMs: number;

  /** `settleMs`: time after the last frame that does not count as idle yet. */
  constructor(options: { settleMs: number; nowMs: number }) {
    this.#settleMs = options.settleMs;
    this.#sinceMs = options.nowMs;
  }

  get frames(): ReadonlySet<number> {
    return new Set(this.#frames.keys());
  }

  begin(frame: number, nowMs: number): void {
    if (this.#frames.size === 0) this.#idle.push({ fromMs: this.#sinceMs + this.#settleMs, toMs: nowMs });
    this.#frames.set(frame, nowMs);
  }

  end(frame: number, nowMs: number): void {
    if (!this.#frames.delete(frame)) return;
    if (this.#frames.size === 0) this.#sinceMs = nowMs;
  }

  isIdle(fromMs: number, toMs: number): boolean {
    if (this.#frames.size === 0 && fromMs >= this.#sinceMs + this.#settleMs) return true;
    return this.#idle.some((each) => fromMs >= each.fromMs && toMs <= each.toMs);
  }

  /** Forgets idle times older than `keepMs`, and frames that were never finished. */
  prune(nowMs: number, keepMs: number): void {
    while (this.#idle[0] && this.#idle[0].toMs < nowMs - keepMs) this.#idle.shift();
    for (const [frame, beganMs] of this.#frames) {
      if (nowMs - beganMs > FORGET_MS) this.end(frame, nowMs);
    }
  }
}
