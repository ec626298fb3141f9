import { messageOf } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import type { Message } from '../messages/message.js';
import type { Session } from './session.js';
import type { Timers } from './timers.js';

export interface PresenceOptions {
  /** Left with the broker as the last will, and said on a clean stop. */
  will?: { topic: string; payload: string } | undefined;
  /** Said at every connect; asked anew each time where it is a function. */
  online?: { topic: string; payload: string | (() => string) } | undefined;
}

export interface PresenceDeps {
  log: Log;
  timers: Timers;
  /** Monotonic, in ms. */
  nowMs: () => number;
}

/** Pauses between two corrections, in ms: doubled while somebody keeps on contradicting, as another program of our name would. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60_000;
/** So many pauses without contradiction, and the next one is news again. */
const QUIET_PAUSES = 10;
/** Our own words that may be under way to us at a time. */
const RECENT = 8;

/**
 * Who we are to the others: the retained word on our status topic. It listens to its own topic, because a last will may
 * come after we are back (the broker notices the dead connection late, or another process of our name stops), and somebody
 * may empty or overwrite what is retained there; what we did not say is put right.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #deps: PresenceDeps;
  /** What we said last, newest last. */
  #said: string[] = [];
  #pauseMs = FIRST_PAUSE_MS;
  #correctedMs = -Infinity;
  #cancel: (() => void) | null = null;

  constructor(options: PresenceOptions, deps: PresenceDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** The topic to listen to; null where we say nothing. */
  get ownTopic(): string | null {
    const { will, online } = this.#options;
    return will !== undefined && (online === undefined || online.topic === will.topic) ? will.topic : null;
  }

  /** Says that we are there. A broker that forbids it is logged, not fatal. @returns whether it was said and taken */
  async announce(session: Session): Promise<boolean> {
    const { online } = this.#options;
    if (online === undefined) return false;
    const payload = typeof online.payload === 'string' ? online.payload : online.payload();
    this.saying(online.topic, payload);
    try {
      await session.publish(online.topic, Buffer.from(payload), { qos: 1, retain: true });
      return true;
    } catch (error) {
      if (!session.alive) throw error;
      this.#deps.log.error({ topic: online.topic }, `MQTT: the status was not taken: ${messageOf(error)}`);
      return false;
    }
  }

  /** Takes note of what goes out on our own topic. */
  saying(topic: string, payload: string): void {
    if (topic === this.ownTopic) this.#said = [...this.#said, payload].slice(-RECENT);
  }

  /**
   * Takes in a message of our own topic. What is not ours is put right, soon and not too often.
   * @returns whether it was our own word
   */
  hear(message: Message, session: Session): boolean {
    if (message.retain || message.topic !== this.ownTopic) return false;
    const text = Buffer.from(message.payload).toString();
    if (this.#said.includes(text)) return true;
    if (this.#said.length === 0 || this.#cancel !== null) return false;
    const quietMs = this.#deps.nowMs() - this.#correctedMs;
    if (quietMs > QUIET_PAUSES * this.#pauseMs) this.#pauseMs = FIRST_PAUSE_MS;
    const correct = (): void => {
      this.#cancel = null;
      void this.#correct(text, session);
    };
    if (quietMs >= this.#pauseMs) correct();
    else this.#cancel = this.#deps.timers.after(this.#pauseMs - quietMs, correct);
    return false;
  }

  /** Says that we go, once all is acknowledged, and closes cleanly, so that the last will is not needed. */
  async farewell(session: Session): Promise<void> {
    const { will } = this.#options;
    this.#cancel?.();
    await session.idle();
    if (will !== undefined && session.alive) {
      await session
        .publish(will.topic, Buffer.from(will.payload), { qos: 1, retain: true })
        .catch(() => undefined);
    }
    if (session.alive) session.end();
    await session.ended;
  }

  async #correct(text: string, session: Session): Promise<void> {
    const { log, nowMs } = this.#deps;
    const topic = this.ownTopic;
    const word = this.#said.at(-1);
    if (!session.alive || topic === null || word === undefined) return;
    this.#correctedMs = nowMs();
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    try {
      await session.publish(topic, Buffer.from(word), { qos: 1, retain: true });
      const stale = text === this.#options.will?.payload;
      log.warn(
        { topic, said: text.slice(0, 80) },
        stale
          ? 'MQTT: a stale last will said we were gone; corrected'
          : 'MQTT: our status was emptied or overwritten by somebody; corrected',
      );
    } catch {
      // The broker was shutting down: the next connect announces us.
    }
  }
}
