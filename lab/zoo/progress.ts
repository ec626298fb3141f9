/** One line of progress, at most every two seconds. */
import type { Clock } from '../../common/clock.js';

const EVERY_MS = 2000;

export class Progress {
  readonly #deps: { say: (text: string) => void; clock: Clock };
  readonly #total: number;
  readonly #where: string;
  readonly #startMs: number;
  #saidMs: number;
  #count = 0;

  constructor(deps: { say: (text: string) => void; clock: Clock }, total: number, where: string) {
    this.#deps = deps;
    this.#total = total;
    this.#where = where;
    this.#startMs = deps.clock.monotonicMs();
    this.#saidMs = this.#startMs;
  }

  /** One more image. */
  done(): void {
    this.#count += 1;
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#saidMs >= EVERY_MS) this.#say(nowMs);
  }

  /** Says how far it came. */
  end(): void {
    this.#say(this.#deps.clock.monotonicMs());
  }

  #say(nowMs: number): void {
    this.#saidMs = nowMs;
    const seconds = Math.max(1e-3, (nowMs - this.#startMs) / 1e3);
    const rate = this.#count / seconds;
    const left = rate > 0 ? `, ${Math.ceil((this.#total - this.#count) / rate)} s left` : '';
    this.#deps.say(
      `${this.#count} / ${this.#total} images ${this.#where}, ${rate.toFixed(1)} a second${left}\n`,
    );
  }
}
