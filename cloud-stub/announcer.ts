import { messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { Connection } from '../protocol/connection/connection.js';
import type { Message } from '../protocol/messages/message.js';
import {
  DEVICE_ONLINE,
  encodeMessage,
  parseServerPolicyPatch,
  policyError,
  type LiveServerStatus,
  type ServerPolicy,
} from '../protocol/messages.js';
import type { ServerTopics } from '../protocol/topics/topics.js';
import { groupPatch, policyMessage } from './policy-message.js';
import type { Serving } from './serving.js';

export interface AnnouncerDeps {
  log: Log;
  connection: Connection;
  topics: ServerTopics;
  /** Selects the statuses of devices. */
  devicesFilter: string;
  serving: Serving;
  /** Puts the status together at the moment of publishing. */
  status: () => LiveServerStatus;
}

/** A device has subscribed by the time that it says it is there; many may come at once, after the broker's restart. */
const GREETING_MS = 200;

/** Says, retained, what the server is and what it decides by; takes patches of the latter. */
export class Announcer {
  readonly #deps: AnnouncerDeps;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | null = null;
  #greeting: NodeJS.Timeout | null = null;

  constructor(deps: AnnouncerDeps, intervalMs: number) {
    this.#deps = deps;
    this.#intervalMs = intervalMs;
  }

  async start(): Promise<void> {
    const { connection, topics } = this.#deps;
    await connection.subscribe(topics.policySet, { qos: 1 }, (message) => {
      if (!message.retain) this.#receive(message);
    });
    await connection.subscribe(this.#deps.devicesFilter, { qos: 0, retained: false }, (message) => {
      if (!message.retain && Buffer.from(message.payload).toString() === DEVICE_ONLINE) this.#greet();
    });
  }

  /** Says all, and the status again and again: only once requests arrive here, for who is `online` is asked. */
  announce(): void {
    this.#timer ??= setInterval(() => void this.sayStatus(), this.#intervalMs);
    void this.sayPolicy().then(() => this.sayStatus());
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    if (this.#greeting) clearTimeout(this.#greeting);
    [this.#timer, this.#greeting] = [null, null];
  }

  /**
   * A device has come: it hears of this server at once, also from a broker that hands out no retained messages by wildcard
   * (RabbitMQ). Devices that come together share a word.
   */
  #greet(): void {
    if (this.#timer === null) return;
    this.#greeting ??= setTimeout(() => {
      this.#greeting = null;
      void this.sayStatus();
    }, GREETING_MS);
  }

  /** Resolves when the broker has it, or it cannot be said. */
  sayStatus(): Promise<void> {
    return this.#say(this.#deps.topics.status, this.#deps.status());
  }

  sayPolicy(): Promise<void> {
    return this.#say(this.#deps.topics.policy, policyMessage(this.#deps.serving.current.policy));
  }

  /** Takes a patch, whole or not at all, and says what came of it. @throws EdgemuxError MESSAGE_INVALID */
  patch(payload: Uint8Array): ServerPolicy {
    const { log, serving } = this.#deps;
    const policy = serving.patch(groupPatch(parseServerPolicyPatch(payload)));
    log.info({ policy }, 'policy changed');
    void this.sayPolicy();
    void this.sayStatus();
    return policyMessage(policy);
  }

  #receive({ payload }: Message): void {
    const { log, topics } = this.#deps;
    try {
      this.patch(payload);
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'policy patch refused');
      void this.#say(topics.policy, policyError(error));
    }
  }

  async #say(topic: string, message: object): Promise<void> {
    const { connection, log } = this.#deps;
    if (connection.state !== 'online') return;
    try {
      await connection.publish(topic, encodeMessage(message), { qos: 1, retain: true });
    } catch (error) {
      log.debug({ topic, error: messageOf(error) }, 'not published');
    }
  }
}
