import { EdgemuxError } from '../../common/errors.js';
import { failure, failureOf, stopped } from './failure.js';
import { publishPacketBytes, type PublishOptions } from '../messages/message.js';

/** What the broker announced when we connected; MQTT 3.1.1 announces nothing, so the values are its defaults. */
export interface ServerLimits {
  /** Largest packet the broker takes, in bytes; null where it names none. */
  maximumPacketSize: number | null;
  /** QoS 1 messages that may be unacknowledged at a time. */
  receiveMaximum: number;
  maximumQos: number;
  retainAvailable: boolean;
  /** The broker's word, which is not to be trusted (see `probeShared`); null where it says nothing. */
  sharedSubscriptionAvailable: boolean | null;
  /** Whether the broker says which subscription a message is for. */
  subscriptionIdentifiersAvailable: boolean;
  /** The keepalive the broker imposes, in seconds; null where it takes ours. */
  serverKeepAliveS: number | null;
}

export interface WantedSubscription {
  filter: string;
  qos: 0 | 1;
  /** Whether retained messages are wanted; true unless told. MQTT 3.1.1 brokers send them in any case. */
  retained?: boolean;
  /** Where a copy of a message has to be told from others; 1 to 268,435,455. */
  id?: number;
}

/** Some brokers hang up on a SUBSCRIBE with more filters (AWS IoT Core). */
const MOST_FILTERS = 8;

/** The client below a session. */
export interface SessionPort {
  publish(topic: string, payload: Buffer, options: PublishOptions, done: (error?: Error) => void): void;
  /** One SUBSCRIBE packet; all of `wanted` have the same identifier, or none. */
  subscribe(wanted: WantedSubscription[], done: (error: Error | undefined, refused: string[]) => void): void;
  unsubscribe(filter: string, done: (error?: Error) => void): void;
  end(): void;
  destroy(): void;
  bufferedBytes(): number;
  /** Bytes received so far. */
  receivedBytes(): number;
}

interface Waiter {
  reject(error: Error): void;
}

/**
 * One network connection, from CONNACK to its end. Whatever is not acknowledged when it ends is rejected, never
 * sent again; at most `receiveMaximum` QoS 1 messages are on their way at a time, the others wait their turn.
 */
export class Session {
  readonly version: 4 | 5;
  readonly limits: ServerLimits;
  /** Resolves with the cause when the connection has ended. */
  readonly ended: Promise<EdgemuxError>;
  readonly #port: SessionPort;
  readonly #where: string;
  readonly #pending = new Set<Waiter>();
  readonly #waiting: (() => void)[] = [];
  #unacknowledged = 0;
  #leaving = false;
  #endedBy: EdgemuxError | null = null;
  #tellEnded: (cause: EdgemuxError) => void = () => undefined;
  #onIdle: (() => void)[] = [];

  constructor(port: SessionPort, version: 4 | 5, limits: ServerLimits, where: string) {
    this.#port = port;
    this.version = version;
    this.limits = limits;
    this.#where = where;
    this.ended = new Promise((resolve) => (this.#tellEnded = resolve));
  }

  /** True until the connection has ended. */
  get alive(): boolean {
    return this.#endedBy === null;
  }

  /** Bytes handed over and not yet taken by the operating system. */
  get bufferedBytes(): number {
    return this.#port.bufferedBytes();
  }

  /** Bytes received so far: grows while anything comes. */
  get receivedBytes(): number {
    return this.#port.receivedBytes();
  }

  /**
   * What the broker does not do is done without: QoS 1 becomes 0, and retained is left out.
   * Resolves on PUBACK (QoS 1), or when the socket has taken the bytes (QoS 0).
   * @throws BROKER_UNREACHABLE when the connection ends first or the broker refuses; MESSAGE_INVALID when the
   *   packet is larger than the broker takes
   */
  publish(topic: string, payload: Buffer, wanted: PublishOptions): Promise<void> {
    const options = this.#possible(wanted);
    const limit = this.limits.maximumPacketSize;
    if (limit !== null) {
      const bytes = publishPacketBytes(this.version, topic, payload.byteLength, options);
      if (bytes > limit) return Promise.reject(tooLarge(topic, bytes, limit));
    }
    if (options.qos !== 1) return this.#track((done) => this.#port.publish(topic, payload, options, done));
    return this.#track((done) => {
      const send = (): void => {
        this.#unacknowledged += 1;
        this.#port.publish(topic, payload, options, (error) => {
          this.#unacknowledged -= 1;
          this.#waiting.shift()?.();
          done(error);
        });
      };
      if (this.#unacknowledged < this.limits.receiveMaximum) send();
      else this.#waiting.push(send);
    });
  }

  /** Resolves with the filters that the broker refused. @throws BROKER_UNREACHABLE when the connection ends */
  async subscribe(wanted: readonly WantedSubscription[]): Promise<string[]> {
    const refused: string[] = [];
    await Promise.all(
      packetsOf(wanted, this.limits.subscriptionIdentifiersAvailable).map((packet) =>
        this.#track((done) =>
          this.#port.subscribe(packet, (error, filters) => {
            refused.push(...filters);
            done(error);
          }),
        ),
      ),
    );
    return refused;
  }

  /** @throws BROKER_UNREACHABLE when the connection ends first */
  unsubscribe(filter: string): Promise<void> {
    return this.#track((done) => this.#port.unsubscribe(filter, done));
  }

  /** Resolves when nothing waits for an acknowledgement any more. */
  idle(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** Says goodbye, so that the broker keeps the last will to itself. */
  end(): void {
    this.#leaving = true;
    this.#port.end();
  }

  /** Drops the connection at once; the broker will publish the last will. */
  destroy(): void {
    if (this.alive) this.#port.destroy();
  }

  /** Called by the door when the connection has ended: nothing that waits will be answered any more. */
  closed(reason: EdgemuxError): void {
    if (this.#endedBy !== null) return;
    const cause = this.#leaving ? stopped() : reason;
    this.#endedBy = cause;
    this.#waiting.length = 0;
    const lost = failure(
      'network',
      `${this.#where} was lost before it acknowledged: ${cause.message}`,
      cause,
    );
    for (const waiter of this.#pending) waiter.reject(lost);
    this.#pending.clear();
    this.#wakeIdle();
    this.#tellEnded(cause);
  }

  #possible(wanted: PublishOptions): PublishOptions {
    const { maximumQos, retainAvailable } = this.limits;
    const retain = wanted.retain === true && retainAvailable;
    return { ...wanted, qos: maximumQos === 0 ? 0 : (wanted.qos ?? 0), retain };
  }

  #track(act: (done: (error?: Error) => void) => void): Promise<void> {
    if (this.#endedBy !== null) return Promise.reject(this.#endedBy);
    return new Promise((resolve, reject) => {
      const waiter = { reject };
      this.#pending.add(waiter);
      act((error) => {
        if (!this.#pending.delete(waiter)) return;
        if (error === undefined) resolve();
        else reject(failureOf(error, this.#where));
        if (this.#pending.size === 0) this.#wakeIdle();
      });
    });
  }

  #wakeIdle(): void {
    for (const wake of this.#onIdle.splice(0)) wake();
  }
}

function withoutId({ filter, qos, retained }: WantedSubscription): WantedSubscription {
  return retained === undefined ? { filter, qos } : { filter, qos, retained };
}

/** One packet for each that needs an identifier, the others together as far as brokers take that. */
function packetsOf(wanted: readonly WantedSubscription[], identifiers: boolean): WantedSubscription[][] {
  const isAlone = ({ id }: WantedSubscription): boolean => identifiers && id !== undefined;
  const packets = wanted.filter(isAlone).map((one) => [one]);
  const others = wanted.filter((one) => !isAlone(one)).map(withoutId);
  for (let at = 0; at < others.length; at += MOST_FILTERS) packets.push(others.slice(at, at + MOST_FILTERS));
  return packets;
}

/** A MESSAGE_INVALID for a message that the broker does not take. */
export function tooLarge(topic: string, packetBytes: number, limitBytes: number): EdgemuxError {
  return new EdgemuxError(
    'MESSAGE_INVALID',
    `a message of ${packetBytes} bytes to ${topic} is larger than the ${limitBytes} bytes the broker takes`,
    { details: { packetBytes, limitBytes } },
  );
}
