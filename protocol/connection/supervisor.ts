import type { Clock } from '../../common/clock.js';
import { isEdgemuxError, messageOf, type EdgemuxError } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import { pauseMs } from './backoff.js';
import type { Connector } from './connector.js';
import { failure, kindOf } from './failure.js';
import type { Message } from '../messages/message.js';
import type { Session } from './session.js';
import { pause, type Timers } from './timers.js';

/** A connection that held this long was good: the next pause starts small again. */
const STABLE_MS = 5000;

export interface SupervisorDeps {
  log: Log;
  clock: Clock;
  timers: Timers;
  /** Within [0, 1). */
  random: () => number;
  connector: Connector;
}

export interface SupervisorEvents {
  onMessage(message: Message): void;
  /** A session is there; it counts as up once this has resolved. Nothing received for `setUpLimitMs` meanwhile ends it. */
  setUp(session: Session): Promise<void>;
  /** The session is gone, or an attempt failed. */
  onDown(cause: EdgemuxError): void;
}

/** Keeps one session up: connects, waits for its end, pauses, connects again, until stopped. */
export class Supervisor {
  readonly #deps: SupervisorDeps;
  readonly #events: SupervisorEvents;
  readonly #setUpLimitMs: number;
  #running: { abort: AbortController; loop: Promise<void> } | null = null;
  #lastLogged = '';

  constructor(deps: SupervisorDeps, events: SupervisorEvents, setUpLimitMs: number) {
    this.#deps = deps;
    this.#events = events;
    this.#setUpLimitMs = setUpLimitMs;
  }

  start(): void {
    if (this.#running !== null) return;
    const abort = new AbortController();
    this.#running = { abort, loop: this.#keepUp(abort.signal) };
  }

  /** Drops what is open and resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#running?.abort.abort();
    await this.#running?.loop;
    this.#running = null;
  }

  async #keepUp(signal: AbortSignal): Promise<void> {
    const { clock, timers, random } = this.#deps;
    let failures = 0;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      const { cause, wasUp } = await this.#oneSession(signal);
      this.#events.onDown(cause);
      if (signal.aborted) return;
      failures = wasUp && clock.monotonicMs() - startedMs >= STABLE_MS ? 0 : failures + 1;
      const delayMs = pauseMs(Math.max(0, failures - 1), random());
      if (kindOf(cause) !== 'stopped') this.#logFailure(cause, delayMs);
      await pause(timers, delayMs, signal);
    }
  }

  /** From the attempt to the end of the session it led to. */
  async #oneSession(signal: AbortSignal): Promise<{ cause: EdgemuxError; wasUp: boolean }> {
    let session: Session | undefined;
    let wasUp = false;
    try {
      session = await this.#deps.connector.open((message) => this.#events.onMessage(message), signal);
      await this.#setUp(session);
      wasUp = true;
      this.#lastLogged = '';
      this.#deps.log.info({ version: session.version === 5 ? '5' : '3.1.1' }, 'MQTT: connected');
      return { cause: await session.ended, wasUp };
    } catch (error) {
      return { cause: isEdgemuxError(error) ? error : failure('broker', messageOf(error), error), wasUp };
    } finally {
      session?.destroy();
    }
  }

  /** Retained messages of others may come before the broker's answer: over a slow line they may take minutes. */
  async #setUp(session: Session): Promise<void> {
    let cancel = (): void => undefined;
    let received = -1;
    const look = (): void => {
      if (session.receivedBytes === received) return session.destroy();
      received = session.receivedBytes;
      cancel = this.#deps.timers.after(this.#setUpLimitMs, look);
    };
    look();
    try {
      await this.#events.setUp(session);
    } finally {
      cancel();
    }
  }

  /** A cause once aloud, its repetitions quietly. */
  #logFailure(cause: EdgemuxError, delayMs: number): void {
    const level = cause.message === this.#lastLogged ? 'debug' : 'warn';
    this.#lastLogged = cause.message;
    this.#deps.log[level](
      { code: cause.code, kind: kindOf(cause), retryInMs: Math.round(delayMs) },
      `MQTT: ${cause.message}`,
    );
  }
}
