import type { Clock } from '../../common/clock.js';
import type { EdgemuxError } from '../../common/errors.js';
import { kindOf } from './failure.js';

/** So long a hang-up counts. */
export const HANG_UP_MEMORY_MS = 600_000;

/**
 * How often the broker has ended a connection and taken the next at once, as it does where another program of our client
 * id takes the connection over. MQTT 5 has a reason for it (142) that not every broker gives: MQTT 3.1.1, and mosquitto
 * with either, hang up without a word. A broken line ends with an error or a silence, and a broker that restarts refuses
 * first: neither counts.
 */
export class HangUps {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #timesMs: number[] = [];
  #hungUp = false;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Within the last ten minutes. */
  get recent(): number {
    const sinceMs = this.#clock.monotonicMs() - HANG_UP_MEMORY_MS;
    this.#timesMs = this.#timesMs.filter((ms) => ms >= sinceMs);
    return this.#timesMs.length;
  }

  /** A session, or the attempt to make one, has ended. */
  ended(cause: EdgemuxError): void {
    const kind = kindOf(cause);
    this.#hungUp = kind === 'takeover' || (kind === 'network' && cause.cause === undefined);
  }

  /** The next session is there. */
  back(): void {
    if (this.#hungUp) this.#timesMs.push(this.#clock.monotonicMs());
    this.#hungUp = false;
  }
}
