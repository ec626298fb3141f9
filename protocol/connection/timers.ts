/** The timers of the connection, injected so that tests need not wait. */
export interface Timers {
  /** Calls back after `delayMs`; the function returned cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemTimers: Timers = {
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves with what `work` resolves with, or with `late` after `limitMs`; rejects as `work` does. */
export function within<T, L>(timers: Timers, limitMs: number, work: Promise<T>, late: L): Promise<T | L> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(limitMs, () => resolve(late));
    work.then(resolve, reject).finally(cancel);
  });
}

/** Resolves after `delayMs`, or at once when `signal` aborts. */
export function pause(timers: Timers, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = timers.after(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
