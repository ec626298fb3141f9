import { builtAtMs } from '../common/build-date.js';
import type { Clock } from '../common/clock.js';

/** A board without a battery wakes in the past: whether the wall clock can be right, asked anew each time. */
export class ClockCheck {
  readonly #clock: Pick<Clock, 'wallMs'>;
  readonly #builtAtMs: number;

  constructor(clock: Pick<Clock, 'wallMs'>, builtMs = builtAtMs()) {
    this.#clock = clock;
    this.#builtAtMs = builtMs;
  }

  /** False while the clock stands before the program was built. */
  get isTrusted(): boolean {
    return this.#clock.wallMs() >= this.#builtAtMs;
  }

  /** What is wrong with the clock, for people; null where nothing is known. */
  get problem(): string | null {
    if (this.isTrusted) return null;
    const [now, built] = [this.#clock.wallMs(), this.#builtAtMs].map((ms) => new Date(ms).toISOString());
    return `the clock says ${now}, before this program was built (${built}): it was never set (\`timedatectl set-ntp true\`)`;
  }
}
