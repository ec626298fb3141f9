import type { Clock } from '../../common/clock.js';
import type { Frame } from './frame.js';
import type { JournalClient } from '../../journal/client.js';
import type { Outbox } from '../delivery/outbox.js';
import type { Result } from '../../protocol/messages.js';
import { buildResult, type ResultContext, type Settled } from './result.js';

export interface EmitterDeps {
  clock: Clock;
  journal: JournalClient;
  outbox: Outbox;
  context: ResultContext;
  topicOf: (camera: string) => string;
  /** Told every result, with the picture that it is about; must not throw, nor take time. */
  observe: (result: Result, picture: Uint8Array) => void;
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
    const result = buildResult(context, frame, settled, energy);
    const payload = JSON.stringify(result);
    const topic = this.#deps.topicOf(frame.camera);
    journal.record({ frameId: frame.frameId, createdAtMs: clock.wallMs(), topic, payload }, (journaled) => {
      outbox.send(journaled);
    });
    this.#deps.observe(result, frame.payload);
  }
}
