import { messageOf } from '../common/errors.js';
import type { Clock } from '../common/clock.js';
import type { Log } from '../common/log.js';
import type { Counters } from './counters.js';
import type { Frame } from './frame.js';
import type { Journal } from './journal.js';
import type { Outbox } from './outbox.js';
import { buildResult, type ResultContext, type Settled } from './result.js';

export interface EmitterDeps {
  log: Log;
  clock: Clock;
  counters: Counters;
  journal: Journal;
  outbox: Outbox;
  context: ResultContext;
  topicOf: (camera: string) => string;
}

/** Result → journal (durable) → MQTT. A journal that fails costs durability, never the result. */
export class Emitter {
  readonly #deps: EmitterDeps;
  /** Why the journal does not take results now, for the health of the state topic; null while it does. */
  lastJournalError: string | null = null;

  constructor(deps: EmitterDeps) {
    this.#deps = deps;
  }

  async emit(frame: Frame, settled: Settled): Promise<void> {
    const { clock, context, outbox } = this.#deps;
    const energy = await frame.meter.finish();
    const payload = JSON.stringify(buildResult(context, frame, settled, energy));
    const topic = this.#deps.topicOf(frame.camera);
    const seq = this.#record({ frameId: frame.frameId, createdAtMs: clock.wallMs(), topic, payload });
    outbox.send({ seq, topic, payload });
  }

  #record(row: { frameId: string; createdAtMs: number; topic: string; payload: string }): number | null {
    try {
      const seq = this.#deps.journal.append(row);
      this.lastJournalError = null;
      return seq;
    } catch (error) {
      this.#deps.counters.journalErrors += 1;
      if (this.lastJournalError === null) {
        this.#deps.log.error(
          { error: messageOf(error) },
          'the journal does not take results; they are sent unjournaled',
        );
      }
      this.lastJournalError = messageOf(error);
      return null;
    }
  }
}
