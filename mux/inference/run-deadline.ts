/** A run may take so long; counted in quarters, so that a process that slept itself has not missed it. */
const TICKS = 4;

/** Tells when one run has not come back for too long. Jobs that wait behind it do not count. */
export class RunDeadline {
  readonly #tickMs: number;
  readonly #onMissed: () => void;
  #timer: NodeJS.Timeout | null = null;
  #left = TICKS;

  /** @param limitMs null: runs may take for ever */
  constructor(limitMs: number | null, onMissed: () => void) {
    this.#tickMs = limitMs === null ? 0 : limitMs / TICKS;
    this.#onMissed = onMissed;
  }

  /** A run begins, or the next one does. */
  restart(): void {
    this.stop();
    if (this.#tickMs === 0) return;
    this.#left = TICKS;
    this.#timer = setInterval(() => this.#tick(), this.#tickMs);
    this.#timer.unref();
  }

  /** Nothing runs. */
  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    this.#left -= 1;
    if (this.#left > 0) return;
    this.stop();
    this.#onMissed();
  }
}
