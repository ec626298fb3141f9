/** A broker with a program under test on it and somebody who sees and says everything. */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { Connection, type Message, type PublishOptions } from '../../protocol/connection/connection.js';
import { startAedes, startMosquitto, withoutMosquitto, type TestBroker } from '../support/broker.js';

/** Longest wait for what must happen, in ms. */
const PATIENCE_MS = 60_000;

export class BrokerSide {
  readonly broker: TestBroker;
  /** Two, because a broker hangs up on who speaks on an impossible topic: the ear must not miss anything then. */
  readonly #ear: Connection;
  readonly #mouth: Connection;

  private constructor(broker: TestBroker, ear: Connection, mouth: Connection) {
    this.broker = broker;
    this.#ear = ear;
    this.#mouth = mouth;
  }

  /** mosquitto (MQTT 5) where it is installed, else aedes; `onMessage` is told every message on it. */
  static async start(onMessage: (message: Message) => void): Promise<BrokerSide> {
    const broker = withoutMosquitto() ? await startAedes() : await startMosquitto();
    const [ear, mouth] = ['fuzz-ear', 'fuzz-mouth'].map(
      (clientId) => new Connection({ log: silentLog(), clock: systemClock }, { url: broker.url, clientId }),
    ) as [Connection, Connection];
    await ear.subscribe('#', { qos: 0 }, onMessage);
    for (const connection of [ear, mouth]) {
      connection.start();
      await connection.ready(PATIENCE_MS);
    }
    return new BrokerSide(broker, ear, mouth);
  }

  /** Resolves when the broker has it. False where the broker hung up on it; then the connection is back. */
  async say(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<boolean> {
    try {
      await this.#mouth.publish(topic, payload, { qos: 1, ...options });
      return true;
    } catch {
      await this.#mouth.ready(PATIENCE_MS);
      return false;
    }
  }

  async stop(): Promise<void> {
    await this.#mouth.stop();
    await this.#ear.stop();
    await this.broker.stop();
  }
}

/** Waits until something holds. @throws Error with what `explain` says where it never does */
export async function eventually(holds: () => boolean, explain: () => string): Promise<void> {
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > giveUpAtMs) throw new Error(explain());
    await sleep(5);
  }
}
