/** Times in which no frame was in flight. Pure state. */
export class IdleTimes {
  readonly #settleMs: number;
  readonly #frames = new Set<number>();
  readonly #idle: { fromMs: number; toMs: number }[] = [];
  #sinceMs: number;

  /** `settleMs`: time after the last frame that does not count as idle yet. */
  constructor(options: { settleMs: number; nowMs: number }) {
    this.#settleMs = options.settleMs;
    this.#sinceMs = options.nowMs;
  }

  get frames(): ReadonlySet<number> {
    return this.#frames;
  }

  begin(frame: number, nowMs: number): void {
    if (this.#frames.size === 0) this.#idle.push({ fromMs: this.#sinceMs + this.#settleMs, toMs: nowMs });
    this.#frames.add(frame);
  }

  end(frame: number, nowMs: number): void {
    if (!this.#frames.delete(frame)) return;
    if (this.#frames.size === 0) this.#sinceMs = nowMs;
  }

  isIdle(fromMs: number, toMs: number): boolean {
    if (this.#frames.size === 0 && fromMs >= this.#sinceMs + this.#settleMs) return true;
    return this.#idle.some((each) => fromMs >= each.fromMs && toMs <= each.toMs);
  }

  /** Forgets what ended before `tMs`. */
  prune(tMs: number): void {
    while (this.#idle[0] && this.#idle[0].toMs < tMs) this.#idle.shift();
  }
}
