import type { Clock } from '../../common/clock.js';
import type { Frame } from './frame.js';
import type { JournalKeeper } from '../delivery/journal-keeper.js';
import type { Outbox } from '../delivery/outbox.js';
import { buildResult, type ResultContext, type Settled } from './result.js';

export interface EmitterDeps {
  clock: Clock;
  journal: JournalKeeper;
  outbox: Outbox;
  context: ResultContext;
  topicOf: (camera: string) => string;
}

/** Result → journal (durable) → MQTT. A journal that fails costs durability, never the result. */
export class Emitter {
  readonly #deps: EmitterDeps;

  constructor(deps: EmitterDeps) {
    this.#deps = deps;
  }

  async emit(frame: Frame, settled: Settled): Promise<void> {
    const { clock, context, journal, outbox } = this.#deps;
    const energy = await frame.meter.finish();
    const payload = JSON.stringify(buildResult(context, frame, settled, energy));
    const topic = this.#deps.topicOf(frame.camera);
    const seq = journal.append({ frameId: frame.frameId, createdAtMs: clock.wallMs(), topic, payload });
    outbox.send({ seq, topic, payload });
  }
}
