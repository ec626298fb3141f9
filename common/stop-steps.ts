import { messageOf } from './errors.js';
import type { Log } from './log.js';

type Step = () => unknown;

/** What has been started and has to be stopped, in reverse order; a step that fails does not keep the others. */
export class StopSteps {
  readonly #log: Log;
  readonly #steps: Step[] = [];
  #stopped: Promise<void> | null = null;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Adds a step; it runs before all that were added earlier. */
  add(step: Step): void {
    this.#steps.unshift(step);
  }

  /** Runs the steps once, however often it is called. */
  run(): Promise<void> {
    this.#stopped ??= this.#runAll();
    return this.#stopped;
  }

  async #runAll(): Promise<void> {
    for (const step of this.#steps) {
      try {
        await step();
      } catch (error) {
        this.#log.error({ error: messageOf(error) }, 'a part did not stop cleanly');
      }
    }
    this.#log.info('stopped');
  }
}
