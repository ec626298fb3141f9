import { messageOf, type EdgemuxError } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import type { ConnectionState, StateListener } from './connection-options.js';
import { failure, kindOf, stopped } from './failure.js';
import type { Timers } from './timers.js';

/** Whether the connection is up, why not, and who wants to know. */
export class LinkState {
  readonly #log: Log;
  readonly #timers: Timers;
  readonly #listeners = new Set<StateListener>();
  #state: ConnectionState = 'stopped';
  #lastFailure: EdgemuxError | null = null;

  constructor(log: Log, timers: Timers) {
    this.#log = log;
    this.#timers = timers;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Why the last attempt failed or the last connection ended. */
  get lastFailure(): EdgemuxError | null {
    return this.#lastFailure;
  }

  onState(listener: StateListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells the listeners where the state changes; what one of them throws is logged. */
  set(state: ConnectionState, cause: EdgemuxError | null = null): void {
    this.#lastFailure = cause ?? this.#lastFailure;
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) {
      try {
        listener(state, cause);
      } catch (error) {
        this.#log.error({ err: error }, `MQTT: a state listener failed: ${messageOf(error)}`);
      }
    }
  }

  /** Resolves when online. @throws BROKER_UNREACHABLE after `timeoutMs` with the last cause, or when stopped */
  ready(timeoutMs: number): Promise<void> {
    if (this.#state === 'online') return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        cancel();
        off();
        act();
      };
      const cancel = this.#timers.after(timeoutMs, () => settle(() => reject(this.#notReady(timeoutMs))));
      const off = this.onState((state) => {
        if (state === 'online') settle(resolve);
        if (state === 'stopped') settle(() => reject(stopped()));
      });
    });
  }

  /** What to reject with while not online. */
  offline(): EdgemuxError {
    if (this.#state === 'stopped') return stopped();
    return this.#lastFailure ?? failure('network', 'the broker is not connected yet');
  }

  #notReady(timeoutMs: number): EdgemuxError {
    const cause = this.#lastFailure;
    const why = cause?.message ?? 'no attempt has ended yet';
    const kind = cause === null ? 'timeout' : kindOf(cause);
    return failure(kind, `no MQTT connection after ${timeoutMs} ms: ${why}`, cause ?? undefined);
  }
}
