/** A server that is none: it speaks MQTT as one does and answers as a script says. */
import { PROTOCOL } from '../../../protocol/messages.js';
import type { Connection } from '../../../protocol/connection/connection.js';
import { shippedZoo } from '../../support/system.js';

export interface FakeRequest {
  device: string;
  frameId: string;
  budgetMs: number;
  /** Of requests, from 0. */
  number: number;
  /** Publishes on the topic where the device listens, or on another frame's. */
  reply(payload: string | Uint8Array, frameId?: string): void;
  /** Publishes anywhere. */
  forge(topic: string, payload: string): void;
}

export type Script = (request: FakeRequest, goodAnswer: GoodAnswer) => void;

/** What a real server would say, as an object that a script may spoil. */
export type GoodAnswer = ReturnType<typeof answerFor>;

const NAME = 'fake';
const TOPIC = `edgemux/cloud/${NAME}/status`;

export class FakeServer {
  requests = 0;
  script: Script;
  readonly #connection: Connection;

  constructor(connection: Connection, script: Script) {
    this.#connection = connection;
    this.script = script;
  }

  /** Says that it is there, and answers from now on. @param change of its status */
  async start(change: object = {}): Promise<void> {
    const { zoo } = await shippedZoo();
    await this.listenTo(NAME);
    const status = JSON.stringify({ ...statusFor(zoo), ...change });
    await this.#connection.publish(TOPIC, status, { qos: 1, retain: true });
  }

  /** Answers what a server is asked, without a word on who it is. */
  async listenTo(server: string): Promise<void> {
    const { zoo } = await shippedZoo();
    await this.#connection.subscribe(`edgemux/offload/${server}/+/+/+/+`, { qos: 0 }, ({ topic }) => {
      const [, , , , device = '', frameId = '', budget = ''] = topic.split('/');
      const forge = (to: string, payload: string | Uint8Array): void => {
        this.#connection.publish(to, payload).catch(() => undefined);
      };
      const reply = (payload: string | Uint8Array, other = frameId): void => {
        forge(`edgemux/answer/${NAME}/${device}/${other}`, payload);
      };
      const request = { device, frameId, budgetMs: Number(budget), number: this.requests, reply, forge };
      this.requests += 1;
      this.script(request, answerFor(frameId, zoo));
    });
  }

  /** Says `offline`, as its last will would. */
  async leave(): Promise<void> {
    await this.#connection.publish(TOPIC, '{"state":"offline"}', { qos: 1, retain: true });
  }
}

function answerFor(
  frameId: string,
  zoo: { hash: string; classes: number; labels: readonly string[]; largest: { id: string } },
) {
  const probabilities: unknown[] = Array.from({ length: zoo.classes }, (_, at) => (at === 0 ? 1 : 0));
  return {
    frameId,
    server: NAME,
    zooHash: zoo.hash,
    models: [zoo.largest.id],
    weights: {},
    classIndex: 0,
    label: zoo.labels[0] ?? 'class-0',
    probabilities,
    batchSize: 1,
    latencyMs: { residence: 1, queue: 0, decode: 0, mux: 0, inference: 1 },
  };
}

function statusFor(zoo: { name: string; hash: string; largest: { id: string } }): object {
  return {
    state: 'online',
    protocol: PROTOCOL,
    server: NAME,
    zoo: zoo.name,
    zooHash: zoo.hash,
    models: [zoo.largest.id],
    policy: { mode: 'largest', mu: 0, T: 0.288, combine: false },
    queue: { length: 0, limit: 1, bytes: 0 },
    provider: 'cpu',
    counters: {},
    startedAt: new Date(0).toISOString(),
    version: '0',
  };
}
