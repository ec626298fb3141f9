import { costMs, type Work } from './fair-queue.js';

/** So much decoding one device may have in work at a time, in ms, or a single request: the others find threads. */
const MOST_DECODE_MS = 100;

/** What is being answered, for whom: one costly decode at a time, and no device holds all places with its own. */
export class InWork {
  readonly #decodeMsOf = new Map<string, number>();
  #usual = 0;
  #costlyMs = 0;
  #ms = 0;

  /** Cost of the requests that are not costly, in ms. */
  get ms(): number {
    return this.#ms;
  }

  /** Cost of the one that is, in ms; 0 where there is none. */
  get costlyMs(): number {
    return this.#costlyMs;
  }

  /** Whether a request may begin beside what is in work. */
  allows(device: string, { decodeMs, costly }: Work): boolean {
    if (costly && this.#costlyMs > 0) return false;
    const own = this.#decodeMsOf.get(device) ?? 0;
    return own === 0 || own + decodeMs <= MOST_DECODE_MS;
  }

  begin(device: string, work: Work): void {
    this.#add(device, work, 1);
  }

  end(device: string, work: Work): void {
    this.#add(device, work, -1);
  }

  #add(device: string, work: Work, sign: 1 | -1): void {
    const own = (this.#decodeMsOf.get(device) ?? 0) + sign * work.decodeMs;
    // sums of fractions do not come back to nothing exactly
    if (own > 1e-6) this.#decodeMsOf.set(device, own);
    else this.#decodeMsOf.delete(device);
    if (work.costly) {
      this.#costlyMs = sign > 0 ? costMs(work) : 0;
    } else {
      this.#usual += sign;
      this.#ms = this.#usual === 0 ? 0 : this.#ms + sign * costMs(work);
    }
  }
}
