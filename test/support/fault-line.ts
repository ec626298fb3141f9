/** One direction of a TCP line with the faults of real ones: slow, late, frozen, losing bytes, ending at any moment. */
import type net from 'node:net';

export interface LineConditions {
  /** Added to each direction, in ms. */
  delayMs: number;
  /** Of each direction; Infinity: as fast as it goes. */
  bitsPerS: number;
  /** How likely a chunk that passes (at most 64 KiB) ends the line, 0 to 1. */
  cutShare: number;
  /** How likely a chunk on its way to the near end has one bit turned over, 0 to 1. */
  corruptShare: number;
}

export const GOOD_LINE: LineConditions = { delayMs: 0, bitsPerS: Infinity, cutShare: 0, corruptShare: 0 };

/** Beyond so much on its way the sender is no longer read, as a full socket buffer does it. */
const MOST_ON_ITS_WAY_BYTES = 128 * 1024;

export interface FlowDeps {
  from: net.Socket;
  to: net.Socket;
  /** Whether bytes may be corrupted in this direction. */
  corruptible: boolean;
  conditions: () => LineConditions;
  /** Within [0, 1). */
  random: () => number;
  /** Ends both directions at once. */
  cut: () => void;
  /** Takes a chunk for good instead of passing it on; null: chunks are passed on. */
  swallow: () => ((chunk: Buffer) => void) | null;
}

/** Passes on what one socket says to the other, under conditions that may change at any time. */
export class Flow {
  readonly #deps: FlowDeps;
  readonly #onItsWay: { chunk: Buffer; atMs: number }[] = [];
  #bytes = 0;
  /** When the last bit that was accepted has passed a throttled line. */
  #lineFreeAtMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #ended = false;
  #frozen = false;
  corrupted = 0;

  constructor(deps: FlowDeps) {
    this.#deps = deps;
    deps.from.on('data', (chunk: Buffer) => this.#take(chunk));
    deps.from.on('close', () => this.#end());
  }

  freeze(): void {
    this.#frozen = true;
    this.#deps.from.pause();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  thaw(): void {
    this.#frozen = false;
    this.#deps.from.resume();
    this.#pass();
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#onItsWay.length = 0;
  }

  #take(chunk: Buffer): void {
    const { conditions, random, cut, swallow, corruptible } = this.#deps;
    const { delayMs, bitsPerS, cutShare, corruptShare } = conditions();
    const swallowed = swallow();
    if (swallowed) return swallowed(chunk);
    if (random() < cutShare) return cut();
    if (corruptible && random() < corruptShare) this.#corrupt(chunk);
    const nowMs = performance.now();
    const takesMs = (chunk.length * 8000) / bitsPerS;
    this.#lineFreeAtMs = Math.max(nowMs, this.#lineFreeAtMs) + takesMs;
    this.#onItsWay.push({ chunk, atMs: this.#lineFreeAtMs + delayMs });
    this.#bytes += chunk.length;
    if (this.#bytes > MOST_ON_ITS_WAY_BYTES) this.#deps.from.pause();
    this.#pass();
  }

  /** A copy would do as well: the chunk is ours. */
  #corrupt(chunk: Buffer): void {
    const at = Math.floor(this.#deps.random() * chunk.length);
    chunk[at] = (chunk[at] ?? 0) ^ (1 << Math.floor(this.#deps.random() * 8));
    this.corrupted += 1;
  }

  #pass(): void {
    if (this.#frozen || this.#timer) return;
    for (let next = this.#onItsWay[0]; next; next = this.#onItsWay[0]) {
      const waitMs = next.atMs - performance.now();
      if (waitMs > 0.5) {
        this.#timer = setTimeout(() => {
          this.#timer = null;
          this.#pass();
        }, waitMs);
        return;
      }
      this.#onItsWay.shift();
      this.#bytes -= next.chunk.length;
      this.#deps.to.write(next.chunk);
    }
    if (!this.#ended) this.#deps.from.resume();
    else this.#deps.to.end();
  }

  #end(): void {
    this.#ended = true;
    this.#pass();
  }
}
