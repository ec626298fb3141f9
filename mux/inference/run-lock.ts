/**
 * Keeps a native run and the end of its thread apart.
 *
 * A thread that is ended inside `run()`, by `terminate()` or because the process exits, aborts the whole process:
 * the native code comes back into a JavaScript that is gone and throws. So the worker enters the lock around native
 * work, and whoever is about to end the thread closes the lock and waits until nobody is inside.
 */
const BUSY = 0;
const CLOSED = 1;

export class RunLock {
  readonly buffer: SharedArrayBuffer;
  readonly #flags: Int32Array;

  /** @param buffer that of the lock in the other thread; a new lock without */
  constructor(buffer = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#flags = new Int32Array(buffer);
  }

  /** The worker, before native work: false when the lock is closed, then it must not start. */
  enter(): boolean {
    Atomics.store(this.#flags, BUSY, 1);
    if (Atomics.load(this.#flags, CLOSED) === 0) return true;
    this.leave();
    return false;
  }

  /** The worker, after native work. */
  leave(): void {
    Atomics.store(this.#flags, BUSY, 0);
    Atomics.notify(this.#flags, BUSY);
  }

  /** Lets nobody in any more; does not wait. */
  close(): void {
    Atomics.store(this.#flags, CLOSED, 1);
  }

  /** Blocks this thread until nobody is inside. @returns false when that took longer than `timeoutMs` */
  waitUntilIdle(timeoutMs: number): boolean {
    return Atomics.wait(this.#flags, BUSY, 1, timeoutMs) !== 'timed-out';
  }
}
