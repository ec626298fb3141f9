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
import { Denials } from './denials.js';
import { EchoWatch } from './echo-watch.js';
import { refusal, stopped } from './failure.js';
import { HangUps } from './hang-ups.js';
import { LinkState } from './link-state.js';
import { bytesOf, type Message, type PublishOptions } from '../messages/message.js';
import { tooLarge, type ServerLimits, type Session, type WantedSubscription } from './session.js';
import { probeShared } from './shared-probe.js';
import { Subscriptions, type MessageHandler, type SubscribeOptions } from './subscriptions.js';
import { Presence } from './presence.js';
import { Supervisor } from './supervisor.js';
import { systemTimers, within, type Timers } from './timers.js';
import { withoutGroup } from '../topics/filters.js';
import { assertFilter, assertTopic } from '../topics/topic-syntax.js';

export type * from './connection-options.js';
export type { TlsFiles } from './connector.js';
export type { Message, MessageProperties, PublishOptions } from '../messages/message.js';
export type { ServerLimits } from './session.js';
export type { MessageHandler, SubscribeOptions } from './subscriptions.js';
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
  readonly #subscriptions: Subscriptions;
  readonly #denials = new Denials();
  readonly #echo: EchoWatch;
  #session: Session | null = null;
  #largestPayloadBytes = Infinity;
  #stopping: Promise<void> | null = null;

  constructor(deps: ConnectionDeps, options: ConnectionOptions) {
    this.#log = deps.log;
    this.#timers = deps.timers ?? systemTimers;
    this.#options = options;
    this.#link = new LinkState(deps.log, this.#timers);
    this.#connector = new Connector(options);
    this.#hangUps = new HangUps(deps.clock);
    const nowMs = (): number => deps.clock.monotonicMs();
    this.#subscriptions = new Subscriptions(nowMs);
    this.#presence = new Presence(options, { log: deps.log, timers: this.#timers, nowMs });
    this.#echo = new EchoWatch(this.#timers, (topic, came) => this.#heardEcho(topic, came));
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

  /** What the broker refuses, withholds or does not do, one line each, for people; empty while not connected. */
  health(): string[] {
    return this.#session === null ? [] : [...this.#denials.lines(), ...lacking(this.#session.limits)];
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
  async subscribe(filter: string, options: SubscribeOptions, handler: MessageHandler): Promise<void> {
    assertFilter(filter);
    const wanted = this.#subscriptions.add(filter, options, handler);
    const session = this.#session;
    if (session === null) return;
    const refused = await this.#ask(session, [wanted]).catch((error: unknown) => {
      if (session.alive) throw error;
      return []; // the connection went away: the next one brings the subscription
    });
    if (refused.length > 0) throw refusal(`subscription to ${withoutGroup(filter)}`);
  }

  /** Stops listening to a filter; what the broker sends before it has taken note is still delivered. */
  async unsubscribe(filter: string): Promise<void> {
    const known = this.#subscriptions.get(filter);
    this.#subscriptions.hears(filter, false);
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
    return this.#publish(session, topic, bytesOf(payload), options);
  }

  /**
   * From now on publish() refuses larger payloads, as it does where the broker names its limit itself: for brokers of MQTT
   * 3.1.1, which acknowledge what they drop.
   */
  limitPayload(mostBytes: number): void {
    this.#largestPayloadBytes = mostBytes;
  }

  /** Whether `$share` subscriptions really deliver on this broker. @throws BROKER_UNREACHABLE while offline */
  probeShared(options: Partial<typeof PROBE> = {}): Promise<boolean> {
    return probeShared(this, this.#timers, { ...PROBE, ...options });
  }

  #receive(message: Message): void {
    const session = this.#session;
    if (session !== null && this.#stopping === null && this.#presence.hear(message, session))
      this.#echo.came(message.topic);
    this.#subscriptions.dispatch(message, (error, filter) => {
      const shown = withoutGroup(filter);
      this.#log.error(
        { err: error, filter: shown },
        `MQTT: the handler of ${shown} failed: ${messageOf(error)}`,
      );
    });
  }

  async #setUp(session: Session): Promise<void> {
    this.#session = session;
    this.#denials.clear();
    const own = this.#presence.ownTopic;
    const wanted = this.#subscriptions.all();
    const refused = await this.#ask(session, own === null ? wanted : [...wanted, { filter: own, qos: 1 }]);
    for (const filter of refused.map(withoutGroup))
      this.#log.error({ filter }, refusal(`subscription to ${filter}`).message);
    if (own !== null && !refused.includes(own)) this.#echo.expect(own);
    if (await this.#presence.announce(session)) this.#echo.acknowledged();
    if (!session.alive) return;
    this.#hangUps.back();
    this.#link.set('online');
  }

  /** Asks for subscriptions; resolves with the filters that were refused. */
  async #ask(session: Session, wanted: readonly WantedSubscription[]): Promise<string[]> {
    const refused = await session.subscribe(wanted);
    for (const { filter } of wanted) {
      const granted = !refused.includes(filter);
      this.#denials.subscribed(filter, granted);
      this.#subscriptions.hears(filter, granted);
    }
    return refused;
  }

  async #publish(session: Session, topic: string, payload: Buffer, options: PublishOptions): Promise<void> {
    if (payload.byteLength > this.#largestPayloadBytes)
      throw tooLarge(topic, payload.byteLength, this.#largestPayloadBytes);
    if (topic === this.#presence.ownTopic) this.#presence.saying(topic, payload.toString());
    try {
      await session.publish(topic, payload, options);
      this.#denials.published(topic, null);
    } catch (error) {
      if (session.alive && this.#denials.published(topic, error))
        this.#log.error({ topic }, `MQTT: the broker refuses what is published: ${messageOf(error)}`);
      throw error;
    }
  }

  #heardEcho(topic: string, came: boolean): void {
    this.#denials.echoed(topic, came);
    const what = came ? 'comes back to us after all' : 'was taken by the broker and does not come back to us';
    this.#log[came ? 'info' : 'warn']({ topic }, `MQTT: our status ${what}`);
  }

  #goDown(cause: EdgemuxError): void {
    this.#session = null;
    this.#echo.stop();
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

/** What a broker does not do, and what that means. */
function lacking({ maximumQos, retainAvailable }: ServerLimits): string[] {
  return [
    ...(retainAvailable
      ? []
      : ['the broker keeps no retained messages: who comes later learns of us with our next report only']),
    ...(maximumQos > 0
      ? []
      : ['the broker takes no QoS 1: a result that gets lost on the way is not sent again']),
  ];
}
