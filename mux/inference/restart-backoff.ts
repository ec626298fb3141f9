import { systemClock } from '../../common/clock.js';

export interface RestartPauses {
  /** Pause after the first death, in ms; it doubles with each further one. */
  firstMs: number;
  longestMs: number;
  /** A worker that lived so long was sound: the next pause is the first one again. */
  stableMs?: number;
}

/** A worker that lived so long is sound unless told otherwise. */
export const STABLE_MS = 60_000;
/** So many threads that hang in native code are left behind; then only a new process helps, and one waits for it. */
const MOST_HUNG = 3;
const HOPELESS_MS = 600_000;

/** How long to wait before a worker that died is started again: a crash loop costs less and less. */
export class RestartBackoff {
  readonly #pauses: RestartPauses;
  #deaths = 0;
  #hung = 0;

  constructor(pauses: RestartPauses) {
    this.#pauses = pauses;
  }

  /** Deaths since a worker last lived long enough. */
  get deaths(): number {
    return this.#deaths;
  }

  /**
   * A worker died, or could not be started.
   * @param livedMs 0 where it never worked
   * @returns the pause before the next attempt in ms
   */
  pauseMs(livedMs: number, hung: boolean): number {
    const { firstMs, longestMs, stableMs = STABLE_MS } = this.#pauses;
    if (livedMs >= stableMs) this.#deaths = 0;
    if (hung) this.#hung += 1;
    const pauseMs = Math.min(firstMs * 2 ** this.#deaths, longestMs);
    this.#deaths += 1;
    return this.#hung >= MOST_HUNG ? HOPELESS_MS : pauseMs;
  }
}

/** What is wrong with a worker, for people; `down` while none answers. */
export interface Trouble {
  down: boolean;
  text: string;
}

export function troubleOf(down: boolean, deaths: number, cause: string): Trouble {
  const what = down ? 'no inference worker' : 'the inference worker was restarted';
  return { down, text: `${what}: it died ${deaths} time${deaths === 1 ? '' : 's'} in a row, last: ${cause}` };
}

/** How long ago `sinceMs` of the monotonic clock is. */
export function livedMs(sinceMs: number): number {
  return systemClock.monotonicMs() - sinceMs;
}
