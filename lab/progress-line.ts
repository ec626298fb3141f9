/** The line that says how far a long command is. */
import { systemClock, type Clock } from '../common/clock.js';

export type Stream = Pick<NodeJS.WritableStream, 'write'> & { isTTY?: boolean };

/** Things of one kind that a command works through. */
export interface Counted {
  done: number;
  total: number;
  /** Seconds since the line was begun. */
  elapsedS: number;
}

const ERASE = '\r\u001b[2K';
/** A count is written at most so often. */
const INTERVAL_MS = { terminal: 250, log: 2000 };

/** Rewritten in place in a terminal; elsewhere a line for each step that is begun, and one now and then for a count. */
export class ProgressLine {
  readonly #stream: Stream;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #startMs: number;
  #writtenMs: number;
  #step = '';

  constructor(stream: Stream, clock: Pick<Clock, 'monotonicMs'> = systemClock) {
    this.#stream = stream;
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
    this.#writtenMs = this.#startMs;
  }

  /** @param share of the whole that is done when the step begins, or has come on, in [0, 1] */
  show(step: string, share: number): void {
    if (this.#stream.isTTY === true || step !== this.#step) {
      this.#write(`${String(Math.floor(share * 100)).padStart(3)} %  ${step}`);
    }
    this.#step = step;
  }

  /** One of the things that are counted is done. */
  count(done: number, total: number, text: (counted: Counted) => string): void {
    const nowMs = this.#clock.monotonicMs();
    const { terminal, log } = INTERVAL_MS;
    if (nowMs - this.#writtenMs < (this.#stream.isTTY === true ? terminal : log)) return;
    this.#writeCount(nowMs, done, total, text);
  }

  /** The last count, which stays to be read. */
  endCount(done: number, total: number, text: (counted: Counted) => string): void {
    this.#writeCount(this.#clock.monotonicMs(), done, total, text);
    if (this.#stream.isTTY === true) this.#stream.write('\n');
  }

  /** Clears the line of the last step. */
  end(): void {
    if (this.#stream.isTTY === true) this.#stream.write(ERASE);
  }

  #writeCount(nowMs: number, done: number, total: number, text: (counted: Counted) => string): void {
    this.#writtenMs = nowMs;
    this.#write(text({ done, total, elapsedS: (nowMs - this.#startMs) / 1e3 }));
  }

  #write(text: string): void {
    this.#stream.write(this.#stream.isTTY === true ? `${ERASE}${text}` : `${text}\n`);
  }
}

const BAR = 24;

/** A bar, and frames a second. */
export function barText(title: string, { done, total, elapsedS }: Counted): string {
  const full = Math.round((BAR * done) / total);
  const bar = '█'.repeat(full) + '░'.repeat(BAR - full);
  return `${title}  ${bar} ${done}/${total}  ${(done / Math.max(1e-3, elapsedS)).toFixed(0)} frames/s`;
}

/** Images a second, and how long the rest will take. */
export function remainingText(where: string, { done, total, elapsedS }: Counted): string {
  const rate = done / Math.max(1e-3, elapsedS);
  const left = rate > 0 ? `, ${durationText((total - done) / rate)} left` : '';
  return `${done} / ${total} images ${where}, ${rate.toFixed(1)} a second${left}`;
}

/** Seconds for people: `42 s`, `7 min`, `3 h 5 min`. */
export function durationText(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
