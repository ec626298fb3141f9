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
/** Threads of libuv's pool. */
const POOL_SIZE = Number(process.env['UV_THREADPOOL_SIZE']) || 4;
const LIBVIPS_NAME = 'libvips worker';
/**
 * The usual CPU time is the mean of so many but the largest, known after `FIRST`: the very first image also loads
 * libraries. No median: of images that are done together the first to end is seen to have used what all used.
 */
const LAST = 32;
const FIRST = 3;
/** What is posted is at most so many times the usual: more would be drawn after the frame is done. */
const MOST = 1.5;

/** CPU time in ms that the image threads of this process have used; null where /proc does not say. */
export interface ImageThreads {
  cpuMs(): number | null;
}

/** The threads of this process that decode and encode, found by what they are; each counts from when it was found. */
export class ProcImageThreads implements ImageThreads {
  readonly #clock: Clock;
  /** CPU time in ms that a thread had used when it was found. */
  readonly #foundMs = new Map<string, number>();
  readonly #pool = new Set<string>();
  readonly #others = new Set<string>();
  #scannedMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  cpuMs(): number | null {
    try {
      this.#findPool();
      this.#findLibvips();
      return [...this.#foundMs].reduce((sum, [thread, foundMs]) => sum + cpuMsOf(thread) - foundMs, 0);
    } catch {
      return null;
    }
  }

  /** A thread of libuv's pool is whichever answers an asynchronous call. */
  #findPool(): void {
    if (this.#pool.size >= POOL_SIZE) return;
    for (let i = 0; i < 2 * POOL_SIZE; i += 1) {
      void readlink('/proc/thread-self').then(
        (path) => {
          this.#pool.add(basename(path));
          this.#found(basename(path));
        },
        () => undefined,
      );
    }
  }

  #findLibvips(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#scannedMs < RESCAN_MS) return;
    this.#scannedMs = nowMs;
    for (const thread of readdirSync('/proc/self/task')) {
      if (this.#foundMs.has(thread) || this.#others.has(thread)) continue;
      const name = readFileSync(`/proc/self/task/${thread}/comm`, 'latin1').trim();
      if (name === LIBVIPS_NAME) this.#found(thread);
      else this.#others.add(thread);
    }
  }

  #found(thread: string): void {
    if (!this.#foundMs.has(thread)) this.#foundMs.set(thread, cpuMsOf(thread));
  }
}

/** First field of schedstat: time on a processor in ns. */
function cpuMsOf(thread: string): number {
  return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
}

/**
 * Posts the CPU time of every decode and encode as work. It has to be posted when the work begins, which is when its
 * power is drawn, and is known when the work ends: so what is posted is the mean of the last ones, and the next
 * ones make good, little by little, what that was wrong by. In sum it is what was measured.
 */
export class ImageWork {
  readonly #board: Int32Array<SharedArrayBuffer>;
  readonly #clock: Clock;
  readonly #threads: ImageThreads;
  readonly #lastUsedMs: Record<ImageStage, number[]> = { decode: [], encode: [] };
  #lastMs: number | null = null;
  #underWay = 0;
  /** Measured, less posted; what is under way counts as the usual. */
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
    const usualMs = this.#usualMs(stage);
    const amount = Math.min(Math.max(0, usualMs + this.#owedMs), MOST * usualMs);
    postWork(this.#board, { kind: 'imageCpuMs', amount, atMs: startMs });
    this.#owedMs += usualMs - amount;
    this.#underWay += 1;
    return () => this.#end(stage, usualMs, startMs);
  }

  #usualMs(stage: ImageStage): number {
    const used = this.#lastUsedMs[stage];
    return used.length < FIRST ? 0 : (sum(used) - Math.max(...used)) / (used.length - 1);
  }

  #end(stage: ImageStage, usualMs: number, startMs: number): void {
    const totalMs = this.#threads.cpuMs();
    const wallMs = this.#clock.monotonicMs() - startMs;
    // Without /proc the wall time has to do.
    const usedMs = totalMs === null || this.#lastMs === null ? wallMs : Math.max(0, totalMs - this.#lastMs);
    this.#lastMs = totalMs;
    this.#underWay -= 1;
    this.#owedMs += usedMs - usualMs;
    const used = this.#lastUsedMs[stage];
    used.push(usedMs);
    if (used.length > LAST) used.shift();
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
