/** What every broker that edgemux runs on must do with our connection. */
import { spawn } from 'node:child_process';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { collect, connected, connectionTo, PATIENCE_MS, textOf } from '../support/broker-watch.js';
import { until } from '../support/until.js';
import type { TestBroker } from '../support/broker.js';

export interface BrokerContract {
  start(): Promise<TestBroker>;
  version: 4 | 5;
  /** Whether `$share` subscriptions deliver on this broker. */
  shares: boolean;
}

export async function brokerContract(t: Test, { start, version, shares }: BrokerContract): Promise<void> {
  const broker = await start();
  t.teardown(() => broker.stop());
  const connect = async (options: Parameters<typeof connected>[1] = {}): ReturnType<typeof connected> => {
    const connection = await connected(broker.url, { version, ...options });
    t.teardown(() => connection.stop());
    return connection;
  };

  await t.test('a message published reaches whoever subscribed, byte for byte', async (t) => {
    const [from, to] = [await connect(), await connect()];
    const seen = await collect(to, 'room/+/frame');
    const payload = Uint8Array.from({ length: 20_000 }, (_, at) => at % 256);
    for (const qos of [0, 1] as const) await from.publish('room/door/frame', payload, { qos });
    await until('both messages', () => seen.length === 2);
    t.same(
      seen.map(({ topic }) => topic),
      ['room/door/frame', 'room/door/frame'],
    );
    t.ok(seen.every((message) => Buffer.from(message.payload).equals(payload)));
    t.ok(seen.every((message) => !message.retain));
  });

  await t.test('QoS 1 is acknowledged, and Nagle is off on the socket', async (t) => {
    const original = net.Socket.prototype.setNoDelay;
    const set: (boolean | undefined)[] = [];
    net.Socket.prototype.setNoDelay = function (this: net.Socket, on?: boolean): net.Socket {
      if (this.remotePort === broker.port || this.connecting) set.push(on);
      return original.call(this, on);
    };
    t.teardown(() => (net.Socket.prototype.setNoDelay = original));
    const connection = await connect();
    t.ok(set.includes(true), 'setNoDelay(true) was called on the connecting socket');
    for (let at = 0; at < 10; at += 1) await connection.publish('room/qos1', 'x', { qos: 1 });
  });

  await t.test('online and offline are retained: said at connect and on a clean stop', async (t) => {
    const topic = 'site/dev1/status';
    const presence = { will: { topic, payload: 'offline' }, online: { topic, payload: 'online' } };
    const device = await connect(presence);
    const early = await collect(await connect(), topic);
    await until('the retained online', () => early.length === 1);
    t.equal(textOf(early[0]), 'online');
    t.ok(early[0]?.retain);
    await device.stop();
    await until('the offline', () => early.length === 2);
    t.equal(textOf(early[1]), 'offline');
    const late = await collect(await connect(), topic);
    await until('the retained offline', () => late.length === 1);
    t.equal(textOf(late[0]), 'offline');
  });

  await t.test('a killed program is offline by its last will', async (t) => {
    const topic = 'site/dev2/status';
    const seen = await collect(await connect(), topic);
    const script = fileURLToPath(new URL('../support/broker-client.js', import.meta.url));
    const child = spawn(process.execPath, [script, broker.url, String(version), topic]);
    t.teardown(() => void child.kill('SIGKILL'));
    await until('online', () => textOf(seen.at(-1)) === 'online');
    child.kill('SIGKILL');
    await until('offline', () => textOf(seen.at(-1)) === 'offline');
    t.equal(seen.length, 2);
  });

  await t.test('a stale last will is put right by the one who is there', async (t) => {
    const topic = 'site/dev3/status';
    const presence = { will: { topic, payload: 'offline' }, online: { topic, payload: 'online' } };
    await connect(presence);
    const other = await connect();
    const seen = await collect(other, topic);
    await other.publish(topic, 'offline', { qos: 1, retain: true });
    await until('the correction', () => seen.length === 3);
    t.same(seen.map(textOf), ['online', 'offline', 'online']);
  });

  await t.test('subscriptions and online come back by themselves after the broker was away', async (t) => {
    const topic = 'site/dev4/status';
    const device = await connect({ online: { topic, payload: 'online' } });
    const seen = await collect(device, 'orders/#');
    const states: string[] = [];
    device.onState((state) => void states.push(state));
    await broker.restart();
    await device.ready(PATIENCE_MS);
    await until('offline and online again', () => states.at(-1) === 'online');
    t.same(states, ['offline', 'online']);
    const other = await connect();
    await other.publish('orders/1', 'go', { qos: 1 });
    await until('the order', () => seen.length === 1);
    const status = await collect(other, topic);
    await until('the retained online', () => status.length === 1);
    t.equal(textOf(status[0]), 'online');
  });

  await t.test('what cannot be delivered is rejected at once, and is not delivered later', async (t) => {
    const [from, to] = [await connect(), await connect()];
    const seen = await collect(to, 'late/#');
    await broker.stop();
    const rejects = { name: 'EdgemuxError', code: 'BROKER_UNREACHABLE' };
    const racing = Array.from({ length: 50 }, (_, at) => from.publish('late/racing', `${at}`, { qos: 1 }));
    const outcomes = await Promise.allSettled(racing);
    t.ok(
      outcomes.every(({ status }) => status === 'rejected'),
      'all in flight are rejected',
    );
    await until('notices', () => from.state === 'offline' && to.state === 'offline');
    for (const qos of [0, 1] as const) await t.rejects(from.publish('late/down', 'x', { qos }), rejects);
    await broker.restart();
    await Promise.all([from.ready(PATIENCE_MS), to.ready(PATIENCE_MS)]);
    await from.publish('late/marker', 'now', { qos: 1 });
    await until('the marker', () => seen.length > 0);
    t.same(
      seen.map(({ topic }) => topic),
      ['late/marker'],
    );
  });

  await t.test(
    `shared subscriptions ${shares ? 'deliver' : 'do not deliver'}, and the probe says so`,
    async (t) => {
      const connection = await connect();
      t.equal(await connection.probeShared(), shares);
      t.equal(connection.state, 'online');
    },
  );

  await t.test(version === 5 ? 'properties arrive' : 'properties are left out', async (t) => {
    const connection = await connect();
    const seen = await collect(connection, 'props');
    const properties = {
      responseTopic: 'edgemux/answer/d1/f1',
      correlationData: Uint8Array.of(1, 2, 255),
      contentType: 'image/jpeg',
      messageExpiryS: 60,
      userProperties: { 'captured-at': '1795424000000' },
    };
    await connection.publish('props', 'x', { qos: 1, properties });
    await until('the message', () => seen.length === 1);
    t.equal(connection.protocolVersion, version);
    if (version === 4) return void t.equal(seen[0]?.properties, undefined);
    t.match(seen[0]?.properties, { ...properties, correlationData: Buffer.from([1, 2, 255]) });
  });

  await t.test('a second start and a second stop change nothing', async (t) => {
    const connection = connectionTo(broker.url, { version });
    await connection.stop();
    connection.start();
    connection.start();
    await connection.ready(PATIENCE_MS);
    await Promise.all([connection.stop(), connection.stop()]);
    await connection.stop();
    t.equal(connection.state, 'stopped');
    connection.start();
    await connection.ready(PATIENCE_MS);
    await connection.stop();
  });
}
