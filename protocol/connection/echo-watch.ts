import type { Timers } from './timers.js';

/** So long after the broker has acknowledged a message it has also delivered it, in ms. */
const ECHO_MS = 10_000;

/** Waits for what we said ourselves on a topic that we listen to: whether it comes shows whether the broker delivers there. */
export class EchoWatch {
  readonly #timers: Timers;
  readonly #tell: (topic: string, came: boolean) => void;
  #topic: string | null = null;
  #missed = false;
  #cancel: () => void = () => undefined;

  /** @param tell called when an echo does not come in time, and when it comes after all */
  constructor(timers: Timers, tell: (topic: string, came: boolean) => void) {
    this.#timers = timers;
    this.#tell = tell;
  }

  /** Something is about to be said on `topic`. */
  expect(topic: string): void {
    this.stop();
    this.#topic = topic;
  }

  /** It was acknowledged: now its echo is due. */
  acknowledged(): void {
    const topic = this.#topic;
    if (topic === null) return;
    this.#cancel = this.#timers.after(ECHO_MS, () => {
      this.#missed = true;
      this.#tell(topic, false);
    });
  }

  /** The echo is there. */
  came(topic: string): void {
    if (this.#topic !== topic) return;
    const wasMissed = this.#missed;
    this.stop();
    if (wasMissed) this.#tell(topic, true);
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => undefined;
    this.#topic = null;
    this.#missed = false;
  }
}
