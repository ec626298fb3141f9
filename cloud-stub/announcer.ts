import { EdgemuxError, messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { Connection } from '../protocol/connection.js';
import type { Message } from '../protocol/message.js';
import {
  encodeMessage,
  parseServerPolicyPatch,
  policyError,
  type LiveServerStatus,
  type ServerPolicy,
} from '../protocol/messages.js';
import type { ServerTopics } from '../protocol/topics.js';

/** The only policy so far: the zoo's largest model answers everything. */
export const POLICY: ServerPolicy = { mode: 'largest', mu: 0, T: 0.288, combine: false };

export interface AnnouncerDeps {
  log: Log;
  connection: Connection;
  topics: ServerTopics;
  /** Puts the status together at the moment of publishing. */
  status: () => LiveServerStatus;
}

/** Says, retained, what the server is and what it decides by. */
export class Announcer {
  readonly #deps: AnnouncerDeps;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(deps: AnnouncerDeps, intervalMs: number) {
    this.#deps = deps;
    this.#intervalMs = intervalMs;
  }

  async start(): Promise<void> {
    const { connection, topics } = this.#deps;
    this.#timer ??= setInterval(() => {
      this.sayStatus();
    }, this.#intervalMs);
    await connection.subscribe(topics.policySet, { qos: 1 }, (message) => {
      if (!message.retain) this.#say(topics.policy, patchedPolicy(message));
    });
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  sayStatus(): void {
    this.#say(this.#deps.topics.status, this.#deps.status());
  }

  sayPolicy(): void {
    this.#say(this.#deps.topics.policy, POLICY);
  }

  #say(topic: string, message: object): void {
    const { connection, log } = this.#deps;
    if (connection.state !== 'online') return;
    connection.publish(topic, encodeMessage(message), { qos: 1, retain: true }).catch((error: unknown) => {
      log.debug({ topic, error: messageOf(error) }, 'not published');
    });
  }
}

/** The outcome of a patch: this server knows one policy, so a patch can only confirm it. */
function patchedPolicy(message: Message): object {
  try {
    const patch = parseServerPolicyPatch(message.payload);
    if (patch.mode === undefined || patch.mode === POLICY.mode) return POLICY;
    throw new EdgemuxError(
      'MESSAGE_INVALID',
      `mode ${patch.mode} is not offered by this server; it answers with ${POLICY.mode}`,
    );
  } catch (error) {
    return policyError(error);
  }
}
