/**
 * Samples of one rail in shared memory: one writer (the sampler's thread), any number of readers, no messages.
 *
 * A slot is written first and the count after it, so that a reader never sees a half-written sample; a reader that
 * was overtaken by the writer is told so.
 */
import type { PowerSample } from '../power-sensor.js';

const FIELDS = 5;
/** What the sampler counts for a rail since start. */
export const STATS = [
  'errors',
  'retries',
  'restored',
  'duplicates',
  'clipped',
  'gaps',
  'gapMs',
  'firstMs',
  'lastMs',
  'firstTruthJ',
  'lastTruthJ',
] as const;
export type Stat = (typeof STATS)[number];

const HEAD_BYTES = 8;
const STATS_BYTES = STATS.length * 8;

export class SampleRing {
  readonly buffer: SharedArrayBuffer;
  readonly capacity: number;
  readonly #head: BigInt64Array<SharedArrayBuffer>;
  readonly #stats: Float64Array<SharedArrayBuffer>;
  readonly #slots: Float64Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#head = new BigInt64Array(buffer, 0, 1);
    this.#stats = new Float64Array(buffer, HEAD_BYTES, STATS.length);
    this.#slots = new Float64Array(buffer, HEAD_BYTES + STATS_BYTES);
    this.capacity = this.#slots.length / FIELDS;
  }

  /** Memory for the samples of `seconds` at `rateHz`. */
  static allocate(rateHz: number, seconds: number): SharedArrayBuffer {
    const capacity = Math.max(64, Math.ceil(rateHz * seconds));
    return new SharedArrayBuffer(HEAD_BYTES + STATS_BYTES + capacity * FIELDS * 8);
  }

  /** Number of samples ever written; the newest has index `head - 1`. */
  get head(): number {
    return Number(Atomics.load(this.#head, 0));
  }

  /** Index of the oldest sample that can still be read. */
  get oldest(): number {
    return Math.max(0, this.head - this.capacity + 1);
  }

  push(sample: PowerSample): void {
    const head = this.head;
    const slot = (head % this.capacity) * FIELDS;
    this.#slots[slot] = sample.tMs;
    this.#slots[slot + 1] = sample.powerW;
    this.#slots[slot + 2] = sample.voltageV;
    this.#slots[slot + 3] = sample.currentA;
    this.#slots[slot + 4] = sample.flags;
    Atomics.store(this.#head, 0, BigInt(head + 1));
  }

  /** The sample with this index; null where it is not written yet or overwritten. */
  at(index: number): PowerSample | null {
    if (index < 0 || index >= this.head) return null;
    const slot = (index % this.capacity) * FIELDS;
    const sample = {
      tMs: this.#slots[slot] ?? 0,
      powerW: this.#slots[slot + 1] ?? 0,
      voltageV: this.#slots[slot + 2] ?? 0,
      currentA: this.#slots[slot + 3] ?? 0,
      flags: this.#slots[slot + 4] ?? 0,
    };
    return this.head - index < this.capacity ? sample : null;
  }

  /** Index of the first readable sample at or after `tMs`; `head` where there is none. */
  indexAt(tMs: number): number {
    let low = this.oldest;
    let high = this.head;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#slots[(middle % this.capacity) * FIELDS] ?? 0) < tMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Samples from the last one before `fromMs` to the first one after `toMs`: what a window needs at its edges. */
  window(fromMs: number, toMs: number): PowerSample[] {
    const samples: PowerSample[] = [];
    for (let index = Math.max(this.oldest, this.indexAt(fromMs) - 1); ; index += 1) {
      const sample = this.at(index);
      if (!sample) return samples;
      samples.push(sample);
      if (sample.tMs > toMs) return samples;
    }
  }

  stat(name: Stat): number {
    return this.#stats[STATS.indexOf(name)] ?? 0;
  }

  setStat(name: Stat, value: number): void {
    this.#stats[STATS.indexOf(name)] = value;
  }

  addStat(name: Stat, value: number): void {
    this.setStat(name, this.stat(name) + value);
  }
}
