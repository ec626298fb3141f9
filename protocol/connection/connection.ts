import { messageOf, type EdgemuxError } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import { systemRandom } from '../../common/random.js';
import {
  DEFAULT_STOP_TIMEOUT_MS,
  type ConnectionDeps,
  type ConnectionOptions,
  type ConnectionState,
  type StateListener,
} from './connection-options.js';
import { Connector, DEFAULT_CONNECT_TIMEOUT_MS } from './connector.js';
import { refusal, stopped } from './failure.js';
import { HangUps } from './hang-ups.js';
import { LinkState } from './link-state.js';
import { bytesOf, type Message, type PublishOptions } from '../messages/message.js';
import type { ServerLimits, Session } from './session.js';
import { probeShared } from './shared-probe.js';
import { Subscriptions, type MessageHandler } from './subscriptions.js';
import { Presence } from './presence.js';
import { Supervisor } from './supervisor.js';
import { systemTimers, within, type Timers } from './timers.js';
import { assertFilter, assertTopic } from '../topics/topic-syntax.js';

export type * from './connection-options.js';
export type { TlsFiles } from './connector.js';
export type { Message, MessageProperties, PublishOptions } from '../messages/message.js';
export type { ServerLimits } from './session.js';
export type { MessageHandler } from './subscriptions.js';
export type { Timers } from './timers.js';

const PROBE = { root: 'edgemux/probe', timeoutMs: 3000, graceMs: 250 };

/**
 * The one MQTT connection of a program. Kept up in the background: every attempt is a fresh client, subscriptions
 * and the retained `online` are made again each time, and nothing is ever queued while it is down.
 */
export class Connection {
  readonly #log: Log;
  readonly #timers: Timers;
  readonly #options: ConnectionOptions;
  readonly #connector: Connector;
  readonly #link: LinkState;
  readonly #presence: Presence;
  readonly #supervisor: Supervisor;
  readonly #hangUps: HangUps;
  readonly #subscriptions = new Subscriptions();
  #session: Session | null = null;
  #stopping: Promise<void> | null = null;

  constructor(deps: ConnectionDeps, options: ConnectionOptions) {
    this.#log = deps.log;
    this.#timers = deps.timers ?? systemTimers;
    this.#options = options;
    this.#link = new LinkState(deps.log, this.#timers);
    this.#connector = new Connector(options);
    this.#hangUps = new HangUps(deps.clock);
    this.#presence = new Presence(options, deps.log);
    this.#supervisor = new Supervisor(
      {
        log: deps.log,
        clock: deps.clock,
        timers: this.#timers,
        random: deps.random ?? systemRandom,
        connector: this.#connector,
      },
      {
        onMessage: (message) => this.#receive(message),
        setUp: (session) => this.#setUp(session),
        onDown: (cause) => this.#goDown(cause),
      },
      options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    );
  }

  get state(): ConnectionState {
    return this.#link.state === 'online' && !this.#session?.alive ? 'offline' : this.#link.state;
  }

  /** 4 is MQTT 3.1.1; null while not connected. */
  get protocolVersion(): 4 | 5 | null {
    return this.#session?.version ?? null;
  }

  /** What the broker announced; null while not connected. */
  get serverLimits(): ServerLimits | null {
    return this.#session?.limits ?? null;
  }

  /** Why the last attempt failed or the last connection ended. */
  get lastFailure(): EdgemuxError | null {
    return this.#link.lastFailure;
  }

  /** How often, in the last ten minutes, the broker ended a connection and took the next at once. */
  get recentHangUps(): number {
    return this.#hangUps.recent;
  }

  /** Bytes published and not yet taken by the operating system: grows on a slow link. */
  get bufferedBytes(): number {
    return this.#session?.bufferedBytes ?? 0;
  }

  /** Connects in the background and returns at once. @throws CONFIG_INVALID for impossible options */
  start(): void {
    if (this.#link.state !== 'stopped') return;
    this.#connector.check();
    this.#link.set('offline');
    this.#supervisor.start();
  }

  /** Resolves when connected. @throws BROKER_UNREACHABLE after `timeoutMs`, with the last attempt's cause */
  ready(timeoutMs: number): Promise<void> {
    return this.#link.ready(timeoutMs);
  }

  /** Says `offline`, retained, and goodbye, in at most `stopTimeoutMs`; unacknowledged publishes are rejected. */
  stop(): Promise<void> {
    this.#stopping ??= this.#sayGoodbye().finally(() => (this.#stopping = null));
    return this.#stopping;
  }

  /** Tells each change of state; the function returned ends that. */
  onState(listener: StateListener): () => void {
    return this.#link.onState(listener);
  }

  /**
   * Listens to a filter from now on, over all reconnections; one handler a filter. While connected it resolves
   * when the broker has granted it, else at once. What the handler throws is logged.
   * @throws TOPIC_INVALID; BROKER_UNREACHABLE when the broker refuses it now (each connect asks again)
   */
  async subscribe(filter: string, options: { qos?: 0 | 1 }, handler: MessageHandler): Promise<void> {
    assertFilter(filter);
    const wanted = this.#subscriptions.add(filter, options.qos ?? 0, handler);
    const session = this.#session;
    if (session === null) return;
    const refused = await session.subscribe([wanted]).catch((error: unknown) => {
      if (session.alive) throw error;
      return []; // the connection went away: the next one brings the subscription
    });
    if (refused.length > 0) throw refusal(`subscription to ${filter}`);
  }

  /** Stops listening to a filter; what the broker sends before it has taken note is still delivered. */
  async unsubscribe(filter: string): Promise<void> {
    const known = this.#subscriptions.get(filter);
    await (known && this.#session?.unsubscribe(filter).catch(() => undefined));
    if (this.#subscriptions.get(filter) === known) this.#subscriptions.remove(filter);
  }

  /**
   * Resolves on PUBACK (QoS 1) or when the socket has taken the bytes (QoS 0). Nothing is queued or sent again.
   * @throws BROKER_UNREACHABLE while offline, or when the connection ends before the acknowledgement;
   *   MESSAGE_INVALID for a packet larger than the broker takes; TOPIC_INVALID
   */
  publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const session = this.#session;
    if (this.#stopping !== null) return Promise.reject(stopped());
    if (session === null) return Promise.reject(this.#link.offline());
    try {
      assertTopic(topic);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return session.publish(topic, bytesOf(payload), options);
  }

  /** Whether `$share` subscriptions really deliver on this broker. @throws BROKER_UNREACHABLE while offline */
  probeShared(options: Partial<typeof PROBE> = {}): Promise<boolean> {
    return probeShared(this, this.#timers, { ...PROBE, ...options });
  }

  #receive(message: Message): void {
    const session = this.#session;
    if (this.#link.state === 'online' && session !== null && this.#stopping === null) {
      void this.#presence.correct(message, session);
    }
    this.#subscriptions.dispatch(message, (error, filter) =>
      this.#log.error({ err: error, filter }, `MQTT: the handler of ${filter} failed: ${messageOf(error)}`),
    );
  }

  async #setUp(session: Session): Promise<void> {
    this.#session = session;
    const own = this.#presence.ownTopic;
    const wanted = this.#subscriptions.all();
    const refused = await session.subscribe(own === null ? wanted : [...wanted, { filter: own, qos: 1 }]);
    for (const filter of refused) this.#log.error({ filter }, refusal(`subscription to ${filter}`).message);
    await this.#presence.announce(session);
    if (!session.alive) return;
    this.#hangUps.back();
    this.#link.set('online');
  }

  #goDown(cause: EdgemuxError): void {
    this.#session = null;
    if (this.#stopping !== null) return;
    this.#hangUps.ended(cause);
    this.#link.set('offline', cause);
  }

  async #sayGoodbye(): Promise<void> {
    const session = this.#session;
    if (session !== null) {
      const limitMs = this.#options.stopTimeoutMs ?? DEFAULT_STOP_TIMEOUT_MS;
      await within(this.#timers, limitMs, this.#presence.farewell(session), undefined);
    }
    await this.#supervisor.stop();
    this.#link.set('stopped');
  }
}
