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
  /** CPU time in ms that a thread had used when it was last looked at. */
  readonly #lastMs = new Map<string, number>();
  #sumMs = 0;
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
      for (const [thread, lastMs] of this.#lastMs) this.#add(thread, lastMs);
      return this.#sumMs;
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
      if (this.#lastMs.has(thread) || this.#others.has(thread)) continue;
      if (isLibvips(thread)) this.#found(thread);
      else this.#others.add(thread);
    }
  }

  #found(thread: string): void {
    const nowMs = cpuMsOf(thread);
    if (nowMs !== null && !this.#lastMs.has(thread)) this.#lastMs.set(thread, nowMs);
  }

  /** libvips ends threads that had nothing to do for a while: what they had used stays in the sum. */
  #add(thread: string, lastMs: number): void {
    const nowMs = cpuMsOf(thread);
    if (nowMs === null) {
      this.#lastMs.delete(thread);
      return;
    }
    this.#sumMs += nowMs - lastMs;
    this.#lastMs.set(thread, nowMs);
  }
}

function isLibvips(thread: string): boolean {
  try {
    return readFileSync(`/proc/self/task/${thread}/comm`, 'latin1').trim() === LIBVIPS_NAME;
  } catch {
    return false; // it has just ended
  }
}

/** First field of schedstat: time on a processor in ns. Null where the thread has ended. */
function cpuMsOf(thread: string): number | null {
  try {
    return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return null;
  }
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
