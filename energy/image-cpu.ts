/**
 * CPU time of decoding and encoding, for simulated rails: what libuv's pool and libvips' threads really used, read
 * from /proc. The wall time of the same work grows with everything else that runs and says nothing of its energy.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { postWork } from '../common/activity.js';
import type { Clock } from '../common/clock.js';

export type ImageStage = 'decode' | 'encode';

/** Threads of libvips appear as images need them. */
const RESCAN_MS = 500;
const LIBVIPS_NAME = 'libvips worker';
const SMOOTHING = 0.1;
/** An estimate pays off at most so many times itself of what was over- or underestimated before. */
const MOST_CORRECTION = 3;

/** CPU time in ms that the image threads of this process have used; null where /proc does not say. */
export interface ImageThreads {
  cpuMs(): number | null;
}

/** The threads of this process that decode and encode, found by what they are. */
export class ProcImageThreads implements ImageThreads {
  readonly #clock: Clock;
  readonly #threads = new Set<string>();
  readonly #others = new Set<string>();
  #scannedMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  cpuMs(): number | null {
    try {
      this.#learn();
      return [...this.#threads].reduce((sum, thread) => sum + cpuMsOf(thread), 0);
    } catch {
      return null;
    }
  }

  /** A thread of the pool is whichever answers an asynchronous call; those of libvips have a name. */
  #learn(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#scannedMs < RESCAN_MS) return;
    this.#scannedMs = nowMs;
    for (let i = 0; i < 8; i += 1) {
      void readlink('/proc/thread-self').then(
        (path) => this.#threads.add(basename(path)),
        () => undefined,
      );
    }
    for (const thread of readdirSync('/proc/self/task')) {
      if (this.#threads.has(thread) || this.#others.has(thread)) continue;
      const name = readFileSync(`/proc/self/task/${thread}/comm`, 'latin1').trim();
      (name === LIBVIPS_NAME ? this.#threads : this.#others).add(thread);
    }
  }
}

/** First field of schedstat: time on a processor in ns. */
function cpuMsOf(thread: string): number {
  return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
}

/**
 * Posts the CPU time of every decode and encode as work. It has to be posted when the work begins, which is when its
 * power is drawn, and is known when the work ends: so what is posted is the mean of the last ones, and the next ones
 * make good what that was wrong by. In sum it is what was measured.
 */
export class ImageWork {
  readonly #board: Int32Array<SharedArrayBuffer>;
  readonly #clock: Clock;
  readonly #threads: ImageThreads;
  readonly #meanMs: Record<ImageStage, number | null> = { decode: null, encode: null };
  #lastMs: number | null = null;
  #underWay = 0;
  /** Measured, less posted for work that has ended. */
  #owedMs = 0;

  constructor(
    deps: { board: Int32Array<SharedArrayBuffer>; clock: Clock },
    threads: ImageThreads = new ProcImageThreads(deps.clock),
  ) {
    this.#board = deps.board;
    this.#clock = deps.clock;
    this.#threads = threads;
  }

  /** Work begins. Call what is returned once, at its end. */
  begin(stage: ImageStage): () => void {
    const startMs = this.#clock.monotonicMs();
    if (this.#underWay === 0) this.#lastMs = this.#threads.cpuMs();
    const meanMs = this.#meanMs[stage] ?? 0;
    const amount = Math.min(Math.max(0, meanMs + this.#owedMs), (1 + MOST_CORRECTION) * meanMs);
    postWork(this.#board, { kind: 'imageCpuMs', amount, atMs: startMs });
    this.#owedMs += meanMs - amount;
    this.#underWay += 1;
    return () => this.#end(stage, meanMs, startMs);
  }

  #end(stage: ImageStage, meanMs: number, startMs: number): void {
    const totalMs = this.#threads.cpuMs();
    const wallMs = this.#clock.monotonicMs() - startMs;
    // Without /proc the wall time has to do.
    const usedMs = totalMs === null || this.#lastMs === null ? wallMs : Math.max(0, totalMs - this.#lastMs);
    this.#lastMs = totalMs;
    this.#underWay -= 1;
    this.#owedMs += usedMs - meanMs;
    const mean = this.#meanMs[stage];
    this.#meanMs[stage] = mean === null ? usedMs : mean + SMOOTHING * (usedMs - mean);
  }
}
