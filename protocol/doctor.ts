/** Probes of the broker, the same for device and server: reachable, and what it really does. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../common/clock.js';
import { fail, pass, skip, warn, type Probe, type Report, type Verdict } from '../common/doctor/checks.js';
import { messageOf } from '../common/errors.js';
import { silentLog } from '../common/log.js';
import { connectionOptions, type BrokerConfig } from './config.js';
import { Connection } from './connection/connection.js';
import { addressText, parseBrokerUrl, type BrokerAddress } from './connection/broker-url.js';
import { kindOf, type FailureKind } from './connection/failure.js';
import { lookAtPort, type PortLook } from './port-look.js';
import { roundTripVerdict } from './round-trip.js';

export interface BrokerProbeOptions {
  broker: BrokerConfig;
  /** Topics of the probe are below this one; the program must have the right to use it. */
  root: string;
  /** Largest payload that the program wants to receive, in bytes. */
  maxPayloadBytes: number;
  /** The configuration key that says so. */
  maxPayloadKey: string;
  /** Whether several servers share work by `$share` here. */
  wantsShared: boolean;
  /** The daemon that is connected with the same account, for people; null where there is none, or it may be interrupted. */
  occupant?: () => string | null;
}

/** More checks that need the connection, such as which servers are there. */
export interface ConnectedChecks {
  checks: Readonly<Record<string, string>>;
  run(connection: Connection, report: Report): Promise<void>;
}

const READY_MS = 6000;
const LOOK_MS = 300;
/** A daemon that was thrown off comes back within a second or two, and throws off whoever did it. */
const ROUNDS_OF_FIGHT = 3;
const LASTING: readonly FailureKind[] = ['refused', 'dns', 'tls', 'credentials', 'version'];
/** Failures in which the port may belong to something else. */
const PUZZLING: readonly FailureKind[] = ['timeout', 'closed', 'network', 'tls', 'broker', 'stopped'];
const TIMEOUT_MS = 25_000;
const ECHO_MS = 5000;
const LARGE_BYTES = 1024 * 1024;

const REMEDIES: Partial<Record<FailureKind, string>> = {
  refused: 'start the broker, or mend broker.url',
  dns: 'mend the host name in broker.url',
  network: 'look at cable, route and firewall',
  timeout: 'look at cable, route and firewall, and at the port in broker.url',
  tls: 'mend broker.caFile, broker.certFile and broker.keyFile, or the clock',
  credentials: 'mend broker.username and the first line of broker.passwordFile',
  version: 'set broker.version to auto',
  closed: 'see whether it is an MQTT broker, and mqtt:// or mqtts:// as it wants',
};

/**
 * Connections of its own, under names of their own: a daemon that runs is not disturbed. Where the broker ties client ids
 * to accounts it would be: nothing is asked while it is known to run, and one connection has to do.
 */
export function brokerProbe(options: BrokerProbeOptions, more: readonly ConnectedChecks[] = []): Probe {
  const owed = {
    'mqtt-version': 'MQTT version',
    'message-size': 'message size',
    'round-trip': 'round trip',
    'shared-sub': 'shared subscriptions',
    ...Object.assign({}, ...more.map(({ checks }) => checks)),
  } as Record<string, string>;
  return {
    checks: { broker: 'broker', ...owed },
    timeoutMs: TIMEOUT_MS,
    remedy: 'look at the log of the broker',
    run: async (report) => {
      const giveUp = (verdict: Verdict, why: string): void => {
        report('broker', verdict);
        for (const id of Object.keys(owed)) report(id, skip(why));
      };
      const occupant = hasAccount(options.broker) ? (options.occupant?.() ?? null) : null;
      if (occupant !== null) return giveUp(occupied(occupant), 'the broker is not asked');
      const nonce = randomBytes(6).toString('hex');
      const [near, far] = ['a', 'b'].map((end) => connectionOf(options.broker, `${nonce}-${end}`)) as [
        Connection,
        Connection,
      ];
      try {
        const trouble = (await troubleWith(near, options.broker)) ?? (await troubleWith(far, options.broker));
        if (trouble !== null) return giveUp(trouble, 'the broker cannot be reached');
        const root = `${options.root}/${nonce}`;
        const fate = await fateOf(near, far, root);
        const verdict = fateVerdict(fate, options.broker.url);
        if (fate === 'fought for') return giveUp(verdict, 'no connection lasts');
        report('broker', verdict);
        await look(near, fate === 'alone' ? near : far, options, root, report);
        for (const each of more) await each.run(near, report);
      } finally {
        await Promise.all([near.stop(), far.stop()]);
      }
    },
  };
}

/** Whether a broker could tie the client id to who connects. */
function hasAccount({ url, username, certFile }: BrokerConfig): boolean {
  return username !== null || certFile !== null || /\/\/[^/]+@/.test(url);
}

function occupied(who: string): Verdict {
  return {
    status: 'skip',
    detail: `not asked: ${who} is connected with this account, and a broker of one connection an account (mosquitto: use_username_as_clientid) would throw it off`,
    remedy: 'its `state` says what it sees of the broker; --interrupt asks all the same',
  };
}

/**
 * What becomes of two connections of one account: both stay, or the broker allows one and ours is `alone` in that, or
 * somebody else connects with the account as well.
 */
type Fate = 'both' | 'alone' | 'fought for';

async function fateOf(near: Connection, far: Connection, root: string): Promise<Fate> {
  if (await lasts(near, root)) return 'both';
  await far.stop();
  for (let round = 0; round < ROUNDS_OF_FIGHT; round += 1) {
    if (
      (await near.ready(READY_MS).then(
        () => true,
        () => false,
      )) &&
      (await lasts(near, root))
    )
      return 'alone';
  }
  return 'fought for';
}

/** Whether a connection is there after a message to the broker and its word on it; a refusal is a word. */
async function lasts(connection: Connection, root: string): Promise<boolean> {
  const hangUps = connection.recentHangUps;
  await connection.publish(`${root}/here`, '', { qos: 1 }).catch(() => undefined);
  return connection.state === 'online' && connection.recentHangUps === hangUps;
}

function fateVerdict(fate: Fate, url: string): Verdict {
  if (fate === 'both') return pass(url);
  if (fate === 'alone') return pass(`${url}; it allows one connection an account`);
  return warn(
    `${url}: it allows one connection an account, and somebody else connects with this one: each throws the other off`,
    'stop the other program, or give each an account of its own',
  );
}

function connectionOf(broker: BrokerConfig, name: string): Connection {
  const link = { ...connectionOptions(broker), clientId: `${broker.clientId ?? 'edgemux'}-doctor-${name}` };
  return new Connection({ log: silentLog(), clock: systemClock }, link);
}

/**
 * Waits for a connection. Gives up at a failure that waiting does not mend, which includes a port that turns out to be
 * something else; null once it is there.
 */
async function troubleWith(connection: Connection, { url }: BrokerConfig): Promise<Verdict | null> {
  connection.start();
  const address = parseBrokerUrl(url);
  const endMs = systemClock.monotonicMs() + READY_MS;
  let looked = false;
  for (;;) {
    try {
      await connection.ready(LOOK_MS);
      return null;
    } catch (error) {
      const cause = connection.lastFailure ?? error;
      const isLate = systemClock.monotonicMs() > endMs;
      const isPuzzling = PUZZLING.includes(kindOf(cause)) && connection.lastFailure !== null;
      if (isLate || (isPuzzling && !looked)) {
        looked = true;
        const stranger = strangerVerdict(address, await lookAtPort(address.host, address.port), isLate);
        if (stranger !== null) return stranger;
      }
      if (isLate || (connection.lastFailure !== null && LASTING.includes(kindOf(cause))))
        return fail(
          `${url}: ${messageOf(cause)}`,
          REMEDIES[kindOf(cause)] ?? 'look at the log of the broker',
        );
    }
  }
}

/**
 * A port that is no broker, or not in the way that the URL says; null where the look explains nothing.
 * @param isLate whether it had all the time that a broker gets: one that starts is silent for a while
 */
function strangerVerdict(address: BrokerAddress, { kind, said }: PortLook, isLate: boolean): Verdict | null {
  const where = addressText(address);
  const port = 'mend host and port in broker.url';
  switch (kind) {
    case 'silent':
      if (!isLate) return null;
      return fail(
        `something listens at ${where} and says nothing, neither to MQTT nor to TLS or HTTP: no broker, or one that hangs`,
        `${port}, or restart the broker`,
      );
    case 'http':
      if (address.path !== undefined) return null;
      return fail(
        `an HTTP server listens at ${where} (${said}), no MQTT broker`,
        `${port}: for MQTT over WebSockets write ws:// and the broker's path, such as ws://${where}/mqtt`,
      );
    case 'other':
      return fail(`what listens at ${where} does not speak MQTT: it says '${said}'`, port);
    case 'tls':
      if (address.tls) return null;
      return fail(
        `${where} is a TLS port, and broker.url asks for plain text`,
        'write mqtts:// in broker.url, with broker.caFile for an authority of your own; or take the plain port',
      );
    case 'mqtt':
      if (address.path !== undefined)
        return fail(
          `${where} speaks MQTT over TCP, and broker.url asks for a WebSocket`,
          'write mqtt:// in broker.url, or take the port where the broker listens for WebSockets',
        );
      if (!address.tls) return null;
      return fail(
        `${where} speaks MQTT without TLS, and broker.url asks for TLS`,
        "take the broker's TLS port, mostly 8883; or write mqtt:// in broker.url",
      );
    default:
      return null;
  }
}

async function look(
  connection: Connection,
  far: Connection,
  options: BrokerProbeOptions,
  root: string,
  report: Report,
): Promise<void> {
  report('mqtt-version', versionVerdict(connection));
  report('round-trip', await roundTripVerdict(connection, far, `${root}/echo`));
  report('message-size', await sizeVerdict(connection, options, `${root}/size`));
  report('shared-sub', await sharedVerdict(connection, root, options.wantsShared));
}

function versionVerdict({ protocolVersion }: Connection): Verdict {
  if (protocolVersion === 5) return pass('5');
  return pass('3.1.1: all that edgemux needs, without expiry of requests in the broker');
}

/** A broker that takes a message and does not deliver it says nothing: a real message tells. */
async function sizeVerdict(
  connection: Connection,
  { maxPayloadBytes: wanted, maxPayloadKey: key }: BrokerProbeOptions,
  topic: string,
): Promise<Verdict> {
  const limit = connection.serverLimits?.maximumPacketSize ?? null;
  const remedy = `raise the broker's limit (mosquitto: message_size_limit, max_packet_size), or lower ${key}`;
  const said = limit === null ? 'it names no limit' : `it takes ${limit} bytes`;
  if (limit !== null && limit < wanted)
    return warn(`${said}, and images may have ${wanted}: larger ones never arrive`, remedy);
  const bytes = Math.min(LARGE_BYTES, wanted);
  if (await comesBack(connection, topic, bytes))
    return pass(`${said}; a message of ${bytes} bytes came back`);
  return fail(
    `${said}, but a message of ${bytes} bytes did not come back within ${ECHO_MS / 1000} s`,
    remedy,
  );
}

async function comesBack(connection: Connection, topic: string, bytes: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ECHO_MS)));
  const back = new Promise<boolean>((resolve, reject) => {
    const arrived = ({ payload }: { payload: Uint8Array }): void => resolve(payload.byteLength === bytes);
    connection
      .subscribe(topic, { qos: 1 }, arrived)
      .then(() => connection.publish(topic, new Uint8Array(bytes), { qos: 1 }))
      .catch(reject);
  });
  try {
    return await Promise.race([back, late]).catch(() => false);
  } finally {
    clearTimeout(timer);
    await connection.unsubscribe(topic).catch(() => undefined);
  }
}

async function sharedVerdict(connection: Connection, root: string, wanted: boolean): Promise<Verdict> {
  const delivers = await connection.probeShared({ root }).catch((error: unknown) => messageOf(error));
  if (typeof delivers === 'string')
    return warn(`whether $share subscriptions deliver is not known: ${delivers}`, 'see the checks above');
  if (delivers) return pass('$share subscriptions deliver');
  const detail = '$share subscriptions deliver nothing here';
  if (!wanted) return pass(`${detail}; this matters only to servers that share (share.enabled)`);
  return warn(
    `${detail}: devices ask single servers`,
    'use mosquitto 2.0 or newer and give this user the rights of acl.sh server-share, or set share.enabled to false',
  );
}
