/** A server without models: sound, wrong, late, doubled and missing answers, by dice of its own. */
import type { Zoo } from '../../mux/zoo/zoo.js';
import type { Message } from '../../protocol/connection/connection.js';
import { PROTOCOL } from '../../protocol/messages.js';
import type { BrokerSide } from './broker-side.js';
import { caseSeed, Dice } from './dice.js';
import { mutateJson } from './mutate-json.js';

export class FakeServer {
  readonly status: string;
  /** Of the last request; an answer to it is late. */
  lastFrameId = '01UNKNOWN';
  readonly #zoo: Zoo;
  readonly #device: string;
  #requests = 0;

  constructor(zoo: Zoo, device: string) {
    this.#zoo = zoo;
    this.#device = device;
    this.status = JSON.stringify({
      state: 'online',
      protocol: PROTOCOL,
      server: 'fake',
      zoo: zoo.name,
      zooHash: zoo.hash,
      models: [zoo.largest.id],
      policy: { mode: 'largest', mu: 0, T: 0.288, combine: false },
      queue: { length: 0, limit: 1, bytes: 0 },
      provider: 'cpu',
      counters: {},
      startedAt: new Date(0).toISOString(),
      version: '0',
    });
  }

  /** Says that it is there, for devices of its zoo. */
  async appear(side: BrokerSide): Promise<void> {
    await side.say('edgemux/cloud/fake/status', this.status, { retain: true });
  }

  /** An answer that a device would take. */
  soundAnswer(frameId: string): object {
    const probabilities = Array<number>(this.#zoo.classes).fill(0);
    probabilities[1] = 1;
    return {
      frameId,
      server: 'fake',
      zooHash: this.#zoo.hash,
      models: [this.#zoo.largest.id],
      weights: {},
      classIndex: 1,
      label: this.#zoo.labels[1],
      probabilities,
      batchSize: 1,
      latencyMs: { residence: 1, queue: 0, decode: 0, mux: 0, inference: 1 },
    };
  }

  /** Answers a request of the device, if `message` is one. Now and then it says that it is there, or is silent. */
  answer({ topic }: Message, side: BrokerSide): void {
    const [, kind, asked, , device, frameId = ''] = topic.split('/');
    if (kind !== 'offload' || asked !== 'fake' || device !== this.#device) return;
    const dice = new Dice(caseSeed(1, 'fake-server', (this.#requests += 1)));
    this.lastFrameId = frameId;
    if (dice.chance(0.02)) void this.appear(side);
    if (dice.chance(0.05)) return;
    const sound = this.soundAnswer(frameId);
    const refusal = { frameId, error: { code: 'QUEUE_FULL', message: 'full' } };
    const text = dice.chance(0.4)
      ? JSON.stringify(dice.pick([sound, sound, refusal]))
      : mutateJson(dice.pick([sound, refusal]), dice);
    for (let n = dice.pick([1, 1, 1, 2]); n > 0; n -= 1)
      void side.say(`edgemux/answer/fake/${device}/${frameId}`, text, { qos: 0 });
  }
}
