/** One direction of a shaped link: a queue that empties at the link's rate, then a delay. */
import type { Clock } from '../../../common/clock.js';

export interface LaneOptions {
  /** Null: no limit. */
  mbitS: number | null;
  delayMs: number;
  /** Up to this much more delay, evenly distributed; what was sent first still arrives first. */
  jitterMs: number;
}

export interface LaneDeps {
  clock: Clock;
  /** Numbers in [0, 1). */
  random: () => number;
  /** Calls back once after so many ms, or a little later. */
  wait: (run: () => void, ms: number) => void;
}

/** Timers are a whole ms apart: what is due within half of one is due. */
const DUE_MS = 0.5;

/** Shared by all connections over the link, as the link is. */
export class LinkLane {
  readonly #deps: LaneDeps;
  readonly #options: LaneOptions;
  readonly #queue: { atMs: number; deliver: () => void }[] = [];
  #busyUntilMs = 0;
  #lastMs = 0;
  #waiting = false;

  constructor(deps: LaneDeps, options: LaneOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Sends so many bytes; `deliver` is called when the last of them has arrived. */
  send(bytes: number, deliver: () => void): void {
    const { mbitS, delayMs, jitterMs } = this.#options;
    const nowMs = this.#deps.clock.monotonicMs();
    this.#busyUntilMs =
      Math.max(nowMs, this.#busyUntilMs) + (mbitS === null ? 0 : (8 * bytes) / (1000 * mbitS));
    const jitter = jitterMs > 0 ? jitterMs * this.#deps.random() : 0;
    this.#lastMs = Math.max(this.#lastMs, this.#busyUntilMs + delayMs + jitter);
    this.#queue.push({ atMs: this.#lastMs, deliver });
    this.#pump();
  }

  #pump(): void {
    if (this.#waiting) return;
    for (;;) {
      const next = this.#queue[0];
      if (!next) return;
      const leftMs = next.atMs - this.#deps.clock.monotonicMs();
      if (leftMs > DUE_MS) {
        this.#waiting = true;
        this.#deps.wait(() => {
          this.#waiting = false;
          this.#pump();
        }, leftMs);
        return;
      }
      this.#queue.shift();
      next.deliver();
    }
  }
}
