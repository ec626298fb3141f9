import { readFile } from 'node:fs/promises';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import { parseBrokerUrl } from './broker-url.js';
import { failure, kindOf, reasonOf } from './failure.js';
import { openSession, type BrokerLacks, type SessionOptions } from './mqtt.js';
import type { Message } from '../messages/message.js';
import type { Session } from './session.js';

/** Paths of PEM files. Read anew at every attempt, so that renewed certificates are taken up. */
export interface TlsFiles {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

export interface ConnectorOptions {
  /** `mqtt://host:port`, `mqtts://host:port`, `ws://host:port/path` or `wss://host:port/path`. */
  url: string;
  clientId: string;
  username?: string | undefined;
  password?: string | undefined;
  tls?: TlsFiles | undefined;
  /** Published by the broker, retained, when we vanish; by ourselves on a clean stop. */
  will?: { topic: string; payload: string } | undefined;
  /** MQTT version: 5, 4 (= 3.1.1), or whichever the broker speaks, 5 first. `auto` unless told. */
  version?: 'auto' | 4 | 5 | undefined;
  /** After a broker refused MQTT 5: whether to ask again on later connections. false unless told. */
  retryVersion5?: boolean | undefined;
  /** 15 s unless told; a connection is given up after 1.5 times as long without an answer. */
  keepaliveS?: number | undefined;
  /** 10,000 ms unless told. */
  connectTimeoutMs?: number | undefined;
  /** Largest packet that is taken in, in bytes; no limit unless told. */
  maxIncomingPacketBytes?: number | undefined;
  /** Whether messages say how long they waited; false unless told. */
  tellsWaiting?: boolean | undefined;
}

export const DEFAULT_KEEPALIVE_S = 15;
export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;

/** Reason codes of a CONNACK (MQTT 5, clause 3.2.2.2) for a last will that the broker cannot keep as asked. */
const NO_RETAIN = 154;
const NO_QOS_1 = 155;
/** MQTT 3.1.1 has no such codes: a broker hangs up, and so does a bad line. After so many in a row it is tried. */
const CLOSED_BEFORE_WITHOUT_RETAIN = 2;

/** Opens sessions: reads the TLS files, finds what the broker speaks and does without what it lacks, and remembers both. */
export class Connector {
  readonly #options: ConnectorOptions;
  #refused5 = false;
  #lacks: BrokerLacks = { retain: false, qos1: false };
  #closed = 0;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /** @throws CONFIG_INVALID for an impossible URL, or TLS files that would not be used */
  check(): void {
    const { url, tls: { ca, cert, key } = {} } = this.#options;
    const address = parseBrokerUrl(url);
    if (!address.tls && [ca, cert, key].some((file) => file !== undefined)) {
      throw invalid('TLS files are given, but the broker URL asks for plain text: use mqtts:// or wss://');
    }
    if ((cert === undefined) !== (key === undefined)) {
      throw invalid('a client certificate needs its key, and a key its certificate');
    }
  }

  /** One attempt (or two: MQTT 5, then 3.1.1). @throws BROKER_UNREACHABLE with `details.kind` */
  async open(onMessage: (message: Message) => void, signal: AbortSignal): Promise<Session> {
    const { version = 'auto', retryVersion5 = false } = this.#options;
    const options = await this.#sessionOptions();
    const attempt = (one: 4 | 5): Promise<Session> =>
      this.#attempt({ ...options, version: one }, onMessage, signal);
    if (version !== 'auto') return attempt(version);
    if (this.#refused5 && !retryVersion5) return attempt(4);
    try {
      return await attempt(5);
    } catch (error) {
      // Some brokers hang up on MQTT 5 without a word; so does a bad line, so that is not remembered.
      const kind = kindOf(error);
      if (kind !== 'version' && kind !== 'closed') throw error;
      const session = await attempt(4);
      if (kind === 'version') this.#refused5 = true;
      return session;
    }
  }

  /** Once more, with less, where the broker cannot keep the last will as asked. */
  async #attempt(
    options: SessionOptions,
    onMessage: (message: Message) => void,
    signal: AbortSignal,
  ): Promise<Session> {
    try {
      const session = await openSession({ ...options, lacks: this.#lacks }, onMessage, signal);
      this.#closed = 0;
      return session;
    } catch (error) {
      const lacks = this.#lackingMore(error, options);
      if (lacks === null) throw error;
      const session = await openSession({ ...options, lacks }, onMessage, signal);
      this.#lacks = lacks;
      return session;
    }
  }

  /** What the failure says that the broker lacks, besides what is known; null where it says nothing. */
  #lackingMore(error: unknown, { version, will }: SessionOptions): BrokerLacks | null {
    if (will === undefined) return null;
    const reason = reasonOf(error);
    if (reason === NO_QOS_1 && !this.#lacks.qos1) return { ...this.#lacks, qos1: true };
    if (this.#lacks.retain) return null;
    if (reason === NO_RETAIN) return { ...this.#lacks, retain: true };
    if (version === 5 || kindOf(error) !== 'closed') return null;
    this.#closed += 1;
    return this.#closed > CLOSED_BEFORE_WITHOUT_RETAIN ? { ...this.#lacks, retain: true } : null;
  }

  async #sessionOptions(): Promise<Omit<SessionOptions, 'version'>> {
    const { url, tls, keepaliveS, connectTimeoutMs, ...rest } = this.#options;
    return {
      clientId: rest.clientId,
      username: rest.username,
      password: rest.password,
      will: rest.will,
      maxIncomingPacketBytes: rest.maxIncomingPacketBytes,
      tellsWaiting: rest.tellsWaiting,
      address: parseBrokerUrl(url),
      keepaliveS: keepaliveS ?? DEFAULT_KEEPALIVE_S,
      connectTimeoutMs: connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      tls: tls === undefined ? undefined : await readTlsFiles(tls),
    };
  }
}

async function readTlsFiles(files: TlsFiles): Promise<NonNullable<SessionOptions['tls']>> {
  const [ca, cert, key] = await Promise.all([
    readPem('CA', files.ca),
    readPem('certificate', files.cert),
    readPem('key', files.key),
  ]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

async function readPem(what: string, path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw failure('tls', `the TLS ${what} file cannot be read: ${messageOf(error)}`, error);
  }
}

function invalid(message: string): EdgemuxError {
  return new EdgemuxError('CONFIG_INVALID', message, { details: { key: 'broker' } });
}
