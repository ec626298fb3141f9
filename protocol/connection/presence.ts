import { messageOf } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import type { Message } from '../messages/message.js';
import type { Session } from './session.js';

export interface PresenceOptions {
  /** Left with the broker as the last will, and said on a clean stop. */
  will?: { topic: string; payload: string } | undefined;
  /** Said at every connect; asked anew each time where it is a function. */
  online?: { topic: string; payload: string | (() => string) } | undefined;
}

/**
 * Who we are to the others: the retained word on our status topic. It listens to its own topic, because a last
 * will may come after we are back (the broker notices the dead connection late, or another process of our name
 * stops); that stale word is put right at once.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #log: Log;

  constructor(options: PresenceOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  /** The topic to listen to; null where there is no word to put right. */
  get ownTopic(): string | null {
    const { will, online } = this.#options;
    return will !== undefined && will.topic === online?.topic ? will.topic : null;
  }

  /** Says that we are there. A broker that forbids it is logged, not fatal. */
  async announce(session: Session): Promise<void> {
    const { online } = this.#options;
    if (online === undefined) return;
    const payload = typeof online.payload === 'string' ? online.payload : online.payload();
    try {
      await session.publish(online.topic, Buffer.from(payload), { qos: 1, retain: true });
    } catch (error) {
      if (!session.alive) throw error;
      this.#log.error({ topic: online.topic }, `MQTT: the status was not taken: ${messageOf(error)}`);
    }
  }

  /** Says that we are there again where `message` is a stale word of ours that we are not. */
  async correct(message: Message, session: Session): Promise<void> {
    if (message.retain || message.topic !== this.ownTopic) return;
    if (Buffer.from(message.payload).toString() !== this.#options.will?.payload) return;
    try {
      await this.announce(session);
      this.#log.warn({ topic: message.topic }, 'MQTT: a stale last will said we were gone; corrected');
    } catch {
      // The broker was shutting down: the next connect announces us.
    }
  }

  /** Says that we go, once all is acknowledged, and closes cleanly, so that the last will is not needed. */
  async farewell(session: Session): Promise<void> {
    const { will } = this.#options;
    await session.idle();
    if (will !== undefined && session.alive) {
      await session
        .publish(will.topic, Buffer.from(will.payload), { qos: 1, retain: true })
        .catch(() => undefined);
    }
    if (session.alive) session.end();
    await session.ended;
  }
}
