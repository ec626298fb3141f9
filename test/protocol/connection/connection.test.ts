import net from 'node:net';
import t from 'tap';
import { startBrokerProxy, startImpostor } from '../../support/broker-proxy.js';
import { collect, connected, connectionTo, PATIENCE_MS, textOf } from '../../support/broker-watch.js';
import { until } from '../../support/until.js';
import { startAedes, startMosquitto, withoutMosquitto } from '../../support/broker.js';

t.test('auto speaks MQTT 5 with a broker that does', { skip: withoutMosquitto() }, async (t) => {
  const broker = await startMosquitto();
  const connection = await connected(broker.url);
  t.equal(connection.protocolVersion, 5);
  t.equal(connection.serverLimits?.receiveMaximum, 20);
  await connection.stop();
  await broker.stop();
});

t.test('auto falls back to 3.1.1, and remembers that over reconnections unless told to retry', async (t) => {
  const broker = await startAedes();
  const proxy = await startBrokerProxy(broker.port);
  for (const [retryVersion5, lines] of [
    [false, 3],
    [true, 4],
  ] as const) {
    const before = proxy.opened;
    const connection = await connected(proxy.url, { retryVersion5 });
    t.equal(connection.protocolVersion, 4);
    t.equal(proxy.opened - before, 2, 'one line for 5, one for 3.1.1');
    proxy.cut();
    await until('notices', () => connection.state === 'offline');
    await connection.ready(PATIENCE_MS);
    t.equal(proxy.opened - before, lines);
    await connection.stop();
  }
  await proxy.stop();
  await broker.stop();
});

t.test('auto also gets along with a broker that hangs up on MQTT 5', async (t) => {
  const broker = await startAedes();
  const url = await startImpostor(t, (socket) => {
    socket.once('data', (first: Buffer) => {
      if (first[8] === 5) return void socket.destroy(); // protocol level, MQTT 3.1.2.2
      const far = net.connect({ port: broker.port, host: '127.0.0.1' });
      far.write(first);
      socket.pipe(far).pipe(socket);
      socket.on('close', () => far.destroy());
    });
  });
  const connection = await connected(url);
  t.equal(connection.protocolVersion, 4);
  await connection.stop();
  await broker.stop();
});

t.test('a half-dead line is noticed by the keepalive, and what hung on it is rejected', async (t) => {
  const broker = await startAedes();
  const proxy = await startBrokerProxy(broker.port);
  const connection = await connected(proxy.url, { version: 4, keepaliveS: 1, connectTimeoutMs: 500 });
  proxy.freeze();
  await t.rejects(connection.publish('a', 'x', { qos: 1 }), { code: 'BROKER_UNREACHABLE' });
  await until('notices', () => connection.state === 'offline');
  proxy.thaw();
  proxy.cut();
  await connection.ready(PATIENCE_MS);
  await connection.stop();
  await proxy.stop();
  await broker.stop();
});

t.test('stop is bounded in time on a half-dead line, and rejects what waits', async (t) => {
  const broker = await startAedes();
  const proxy = await startBrokerProxy(broker.port);
  const connection = await connected(proxy.url, { version: 4, stopTimeoutMs: 100 });
  proxy.freeze();
  const publish = connection.publish('a', 'x', { qos: 1 });
  const outcome = t.rejects(publish, { code: 'BROKER_UNREACHABLE' });
  await connection.stop();
  await outcome;
  t.equal(connection.state, 'stopped');
  await t.rejects(connection.publish('a', 'x'), { code: 'BROKER_UNREACHABLE', message: /is stopped/ });
  await t.rejects(connection.ready(1), { code: 'BROKER_UNREACHABLE' });
  await proxy.stop();
  await broker.stop();
});

t.test('stop waits for what is on its way', async (t) => {
  const broker = await startAedes();
  const [from, to] = [await connected(broker.url), await connected(broker.url)];
  const seen = await collect(to, 'a');
  const publishes = Array.from({ length: 100 }, (_, at) => from.publish('a', String(at), { qos: 1 }));
  await from.stop();
  await Promise.all(publishes);
  await until('all', () => seen.length === 100);
  await to.stop();
  await broker.stop();
  t.pass();
});

t.test('subscriptions made before the start are there when it is ready; handlers may fail', async (t) => {
  const broker = await startAedes();
  const connection = connectionTo(broker.url);
  const seen: string[] = [];
  await connection.subscribe('a/+', { qos: 1 }, () => Promise.reject(new Error('handler')));
  await connection.subscribe('a/#', { qos: 1 }, () => {
    throw new Error('handler');
  });
  await connection.subscribe('b', {}, (message) => void seen.push(textOf(message)));
  await t.rejects(connection.publish('b', 'early'), { code: 'BROKER_UNREACHABLE' });
  connection.start();
  await connection.ready(PATIENCE_MS);
  await connection.publish('a/x', 'x', { qos: 1 });
  await connection.publish('b', '1', { qos: 1 });
  await until('b', () => seen.length === 1);
  await connection.unsubscribe('b');
  await connection.publish('b', '2', { qos: 1 });
  await t.rejects(connection.publish('b/+', '2'), { code: 'TOPIC_INVALID' });
  await t.rejects(
    connection.subscribe('b/#/c', {}, () => undefined),
    { code: 'TOPIC_INVALID' },
  );
  t.same(seen, ['1']);
  t.equal(connection.state, 'online');
  await connection.stop();
  await broker.stop();
});
