import t from 'tap';
import { Journal } from '../../agent/journal.js';
import { Outbox } from '../../agent/outbox.js';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { Connection } from '../../protocol/connection.js';
import { startBrokerProxy } from '../support/broker-proxy.js';
import { startAedes } from '../support/broker.js';
import { jpegOf, Outside, PATIENCE_MS, startDevice } from '../support/system.js';

const TOPIC = 'edgemux/d/result/cam';

t.test('results made while the broker is away are sent in order when it is back, none lost', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  const device = await startDevice(t, broker.url, { device: 'd', policy: { mode: 'mobile-only' } });
  const jpeg = await jpegOf(0);
  await outside.publishFrame('cam', jpeg);
  t.ok(await outside.untilResults(1));
  await broker.stop();
  t.ok(await outside.until(() => outside.connection.state === 'offline'));
  await broker.restart();
  t.ok(await outside.until(() => outside.connection.state === 'online'));
  await outside.untilState((state) => state.counters.results === 1);
  await outside.publishFrame('cam', jpeg);
  t.ok(await outside.untilResults(2), 'the device is there again');
  await device.stop();
});

t.test('more results than fit in memory wait in the journal and follow in order', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const journal = new Journal({ dir: t.testdir(), sync: 'normal' });
  journal.start();
  t.teardown(() => journal.stop());
  const add = (n: number): number =>
    journal.append({ frameId: `f${n}`, createdAtMs: n, topic: TOPIC, payload: `{"n":${n}}` });
  for (let n = 0; n < 50; n += 1) add(n);

  const seen: number[] = [];
  const listener = new Connection(
    { log: silentLog(), clock: systemClock },
    { url: broker.url, clientId: 'listener' },
  );
  listener.start();
  t.teardown(() => listener.stop());
  await listener.ready(PATIENCE_MS);
  await listener.subscribe(TOPIC, { qos: 1 }, ({ payload }) => {
    seen.push((JSON.parse(Buffer.from(payload).toString()) as { n: number }).n);
  });

  const connection = new Connection(
    { log: silentLog(), clock: systemClock },
    { url: broker.url, clientId: 'outbox' },
  );
  const outbox = new Outbox({ log: silentLog(), connection, journal });
  outbox.start();
  for (let n = 50; n < 1000; n += 1) outbox.send({ seq: add(n), topic: TOPIC, payload: `{"n":${n}}` });
  t.ok(outbox.backlog < 1000, 'memory holds a part of them only');
  connection.start();
  t.teardown(() => connection.stop());
  const end = performance.now() + PATIENCE_MS;
  while (seen.length < 1000 && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 10));
  t.same(seen, [...Array(1000).keys()], 'each once and in order');
  await outbox.stop(PATIENCE_MS);
  t.same(journal.undelivered(0, 1), [], 'and all of them are marked as delivered');
});

t.test('a result that the journal could not take is sent from memory', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const journal = new Journal({ dir: t.testdir(), sync: 'normal' });
  journal.start();
  t.teardown(() => journal.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  const payloads: string[] = [];
  await outside.connection.subscribe('edgemux/other', { qos: 1 }, ({ payload }) => {
    payloads.push(Buffer.from(payload).toString());
  });
  const outbox = new Outbox({ log: silentLog(), connection: outside.connection, journal });
  outbox.start();
  outbox.send({ seq: null, topic: 'edgemux/other', payload: 'unjournaled' });
  t.ok(await outside.until(() => payloads.includes('unjournaled')));
});

t.test('a result that the broker had not acknowledged when the line was cut is sent again', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const line = await startBrokerProxy(broker.port);
  t.teardown(() => line.stop());
  const journal = new Journal({ dir: t.testdir(), sync: 'normal' });
  journal.start();
  t.teardown(() => journal.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  const payloads: string[] = [];
  await outside.connection.subscribe(TOPIC, { qos: 1 }, ({ payload }) => {
    payloads.push(Buffer.from(payload).toString());
  });
  const connection = new Connection(
    { log: silentLog(), clock: systemClock },
    { url: line.url, clientId: 'outbox' },
  );
  const outbox = new Outbox({ log: silentLog(), connection, journal });
  outbox.start();
  connection.start();
  t.teardown(() => connection.stop());
  await connection.ready(PATIENCE_MS);
  let swallowed = 0;
  line.swallow((chunk) => void (swallowed += chunk.length));
  const seq = journal.append({ frameId: 'f', createdAtMs: 1, topic: TOPIC, payload: '{"n":1}' });
  outbox.send({ seq, topic: TOPIC, payload: '{"n":1}' });
  t.ok(await outside.until(() => swallowed > 0), 'it is on its way');
  line.swallow(null);
  t.ok(await outside.until(() => payloads.length > 0), 'it comes over the next line');
  t.same(payloads, ['{"n":1}']);
  await outbox.stop(PATIENCE_MS);
  t.equal(outbox.backlog, 0);
  t.same(journal.undelivered(0, 1), []);
});
