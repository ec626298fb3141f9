/**
 * The one file that imports `mqtt`: one attempt to connect, and the session it leads to.
 *
 * A client of `mqtt` is used for exactly one network connection and then thrown away (`reconnectPeriod` 0, clean
 * session): its store would send unacknowledged messages again on its own, and the journal is the only
 * retransmitter.
 */
import net from 'node:net';
import { uptime } from 'node:os';
import tls from 'node:tls';
import type { Duplex } from 'node:stream';
import mqtt from 'mqtt';
import { streamBuilder as webSocketBuilder } from 'mqtt/lib/connect/ws';
import type { IClientOptions, IConnackPacket, IPublishPacket, MqttClient } from 'mqtt';
import type { EdgemuxError } from '../../common/errors.js';
import { addressText, type BrokerAddress } from './broker-url.js';
import { failure, failureOf, stopped } from './failure.js';
import type { Message, MessageProperties } from '../messages/message.js';
import { guardIncoming } from './packet-guard.js';
import { Session, type ServerLimits } from './session.js';
import { TICK_MS, Transit } from './transit.js';

export interface SessionOptions {
  address: BrokerAddress;
  clientId: string;
  username?: string | undefined;
  password?: string | undefined;
  /** Contents of the TLS files; the system's authorities where `ca` is absent. */
  tls?: { ca?: Buffer; cert?: Buffer; key?: Buffer } | undefined;
  /** What the broker publishes, retained, when we vanish. */
  will?: { topic: string; payload: string } | undefined;
  /** What the broker is known not to do: messages are then left there without it. */
  lacks?: BrokerLacks | undefined;
  version: 4 | 5;
  keepaliveS: number;
  /** From the first SYN to the CONNACK. */
  connectTimeoutMs: number;
  /** Largest packet that is taken in, in bytes. MQTT 5 brokers are told; any other one is hung up on. */
  maxIncomingPacketBytes?: number | undefined;
  /** Whether messages say how long they waited; the broker is pinged once a second then while messages come. */
  tellsWaiting?: boolean | undefined;
}

export interface BrokerLacks {
  retain: boolean;
  qos1: boolean;
}

/**
 * Connects once, with one MQTT version.
 * @throws BROKER_UNREACHABLE with `details.kind`
 */
export function openSession(
  options: SessionOptions,
  onMessage: (message: Message) => void,
  signal: AbortSignal,
): Promise<Session> {
  const where = addressText(options.address);
  const received = new Received();
  const client = new mqtt.MqttClient(
    (made) => received.watch(openStream(options, made)),
    clientOptions(options),
  );
  keepAliveByProgress(client, received);
  const transit = options.tellsWaiting === true ? watchTransit(client) : null;
  client.on('message', (topic, payload, packet) => {
    const waited = transit?.received() ?? null;
    const message = messageOf(topic, payload, packet);
    onMessage(waited === null ? message : { ...message, waited });
  });
  return new Promise((resolve, reject) => {
    let session: Session | undefined;
    const cause = causeOf(client, where, signal, (failed) => session?.closed(failureOf(failed, where)));
    client.once('connect', (connack) => {
      const port = portOf(client, () => received.bytes);
      session = new Session(port, options.version, limitsOf(connack, options), where);
      resolve(session);
    });
    client.once('close', () => {
      const reason = failureOf(cause() ?? closedError(where, session !== undefined), where);
      if (session === undefined) reject(reason);
      else session.closed(reason);
      client.end(true);
    });
  });
}

/** Ends a client that fails or whose `signal` aborts; the function returned tells the first cause. */
function causeOf(
  client: MqttClient,
  where: string,
  signal: AbortSignal,
  onFailed: (cause: unknown) => void,
): () => unknown {
  let cause: unknown;
  const fail = (error: unknown): void => {
    cause ??= error;
    onFailed(cause);
    client.end(true);
  };
  const abort = (): void => fail(stopped());
  client.on('error', fail);
  client.on('disconnect', (packet) => {
    cause ??= failureOf(disconnectError(packet.reasonCode), where);
  });
  client.once('close', () => signal.removeEventListener('abort', abort));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return () => cause;
}

/** What has come over a connection, and when last. */
class Received {
  bytes = 0;
  atMs = 0;

  watch<S extends Duplex>(stream: S): S {
    stream.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length;
      this.atMs = performance.now();
    });
    return stream;
  }
}

/** On a slow line the answer to a ping waits behind what the broker sent before: a line that brings something is alive. */
function keepAliveByProgress(client: MqttClient, received: Received): void {
  const giveUp = client.onKeepaliveTimeout.bind(client);
  client.onKeepaliveTimeout = () => {
    const askedEveryMs = (client.keepalive * 1000) / 2;
    if (performance.now() - received.atMs < askedEveryMs) client.sendPing();
    else giveUp();
  };
}

/** Follows the client's pings for as long as it is connected. */
function watchTransit(client: MqttClient): Transit {
  const transit = new Transit({
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    uptimeMs: () => 1000 * uptime(),
    ping: () => {
      if (client.connected) client.sendPing();
    },
  });
  client.on('packetsend', ({ cmd }) => {
    if (cmd === 'pingreq') transit.asked();
  });
  client.on('packetreceive', ({ cmd }) => {
    if (cmd === 'pingresp') transit.answered();
  });
  const timer = setInterval(() => transit.tick(), TICK_MS).unref();
  client.once('close', () => clearInterval(timer));
  return transit;
}

function openStream(options: SessionOptions, client: MqttClient): Duplex {
  const stream = options.address.path === undefined ? openSocket(options) : openWebSocket(options, client);
  if (options.maxIncomingPacketBytes !== undefined) guardIncoming(stream, options.maxIncomingPacketBytes);
  return stream;
}

/** MQTT's own packets are small or pictures: nothing for a WebSocket to compress. Nagle's algorithm is off in `ws`. */
function openWebSocket({ address, tls: files, version }: SessionOptions, client: MqttClient): Duplex {
  const { host, path = '/', port } = address;
  return webSocketBuilder(client, {
    protocol: address.tls ? 'wss' : 'ws',
    protocolId: 'MQTT',
    protocolVersion: version,
    hostname: host.includes(':') ? `[${host}]` : host,
    port,
    path,
    wsOptions: { ...files, perMessageDeflate: false },
  });
}

/** Nagle's algorithm delays the second small packet of a QoS 1 exchange by 40 ms and more: always off. */
function openSocket({ address, tls: files }: SessionOptions): net.Socket {
  const { host, port } = address;
  const servername = net.isIP(host) === 0 ? { servername: host } : {};
  const socket = address.tls
    ? tls.connect({ host, port, ...servername, ...files })
    : net.connect({ host, port });
  return socket.setNoDelay(true);
}

function clientOptions(options: SessionOptions): IClientOptions {
  const { address, will, maxIncomingPacketBytes, lacks } = options;
  const username = options.username ?? address.username;
  const password = options.password ?? address.password;
  return {
    clientId: options.clientId,
    protocolVersion: options.version,
    keepalive: options.keepaliveS,
    connectTimeout: options.connectTimeoutMs,
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(will === undefined
      ? {}
      : {
          will: {
            ...will,
            payload: Buffer.from(will.payload),
            qos: lacks?.qos1 === true ? 0 : 1,
            retain: lacks?.retain !== true,
          },
        }),
    ...(options.version === 5 && maxIncomingPacketBytes !== undefined
      ? { properties: { maximumPacketSize: maxIncomingPacketBytes } }
      : {}),
  };
}

/** What a session needs of the client, in promises and in our words. */
function portOf(client: MqttClient, receivedBytes: () => number): ConstructorParameters<typeof Session>[0] {
  return {
    publish(topic, payload, { qos = 0, retain = false, properties }, done) {
      const sent = properties === undefined ? {} : { properties: toWire(properties) };
      client.publish(topic, payload, { qos, retain, ...sent }, (error) => done(error ?? undefined));
    },
    subscribe(wanted, done) {
      const map = Object.fromEntries(
        wanted.map(({ filter, qos, retained = true }) => [
          filter,
          // the client sends these five bits as they are: MQTT 5, clause 3.8.3.1
          { qos, nl: false, rap: false, rh: retained ? 0 : 2 } as const,
        ]),
      );
      const subscriptionIdentifier = wanted[0]?.id;
      const options = subscriptionIdentifier === undefined ? {} : { properties: { subscriptionIdentifier } };
      client.subscribe(map, { qos: 0, ...options }, (error, _granted, packet) => {
        const codes = packet?.granted as number[] | undefined;
        if (error !== null && codes?.length !== wanted.length) return done(error, []);
        done(
          undefined,
          wanted.filter((_, at) => (codes?.[at] ?? 0) >= 128).map(({ filter }) => filter),
        );
      });
    },
    unsubscribe: (filter, done) => void client.unsubscribe(filter, (error) => done(error ?? undefined)),
    end: () => void client.end(),
    destroy: () => void client.end(true),
    bufferedBytes: () => client.stream.writableLength,
    receivedBytes,
  };
}

function limitsOf(connack: IConnackPacket, { version, lacks }: SessionOptions): ServerLimits {
  const said = connack.properties ?? {};
  return {
    maximumPacketSize: said.maximumPacketSize ?? null,
    receiveMaximum: said.receiveMaximum ?? 65_535,
    maximumQos: lacks?.qos1 === true ? 0 : (said.maximumQoS ?? 2),
    retainAvailable: lacks?.retain !== true && (said.retainAvailable ?? true),
    sharedSubscriptionAvailable: said.sharedSubscriptionAvailable ?? null,
    subscriptionIdentifiersAvailable: version === 5 && (said.subscriptionIdentifiersAvailable ?? true),
    serverKeepAliveS: said.serverKeepAlive ?? null,
  };
}

function messageOf(topic: string, payload: Buffer, packet: IPublishPacket): Message {
  const { retain, qos, properties } = packet;
  const message = { topic, payload, retain, qos };
  if (properties === undefined) return message;
  const ids = properties.subscriptionIdentifier;
  const subscriptions = ids === undefined ? {} : { subscriptions: Array.isArray(ids) ? ids : [ids] };
  return { ...message, ...subscriptions, properties: fromWire(properties) };
}

function toWire(properties: MessageProperties): NonNullable<IPublishPacket['properties']> {
  const { responseTopic, correlationData: data, contentType, messageExpiryS, userProperties } = properties;
  return {
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(data === undefined
      ? {}
      : { correlationData: Buffer.from(data.buffer, data.byteOffset, data.byteLength) }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(messageExpiryS === undefined
      ? {}
      : { messageExpiryInterval: Math.max(1, Math.ceil(messageExpiryS)) }),
    ...(userProperties === undefined ? {} : { userProperties }),
  };
}

function fromWire(properties: NonNullable<IPublishPacket['properties']>): MessageProperties {
  const { responseTopic, correlationData, contentType, messageExpiryInterval, userProperties } = properties;
  const users = Object.entries(userProperties ?? {}).map(([key, value]) => [
    key,
    Array.isArray(value) ? (value[0] ?? '') : value,
  ]);
  return {
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(messageExpiryInterval === undefined ? {} : { messageExpiryS: messageExpiryInterval }),
    ...(users.length === 0 ? {} : { userProperties: Object.fromEntries(users) as Record<string, string> }),
  };
}

function disconnectError(reasonCode = 0): Error & { code: number } {
  const name = mqtt.ReasonCodes[reasonCode as keyof typeof mqtt.ReasonCodes] ?? `reason ${reasonCode}`;
  return Object.assign(new Error(`DISCONNECT: ${name}`), { code: reasonCode });
}

function closedError(where: string, opened: boolean): EdgemuxError {
  return opened
    ? failure(
        'network',
        `${where} closed the connection (if this repeats: is there another program of our name?)`,
      )
    : failure(
        'closed',
        `${where} closed the connection before it answered: is it an MQTT broker, and is TLS right?`,
      );
}
