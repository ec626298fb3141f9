import t, { type Test } from 'tap';
import { Counters } from '../../../agent/counters.js';
import { createJournal } from '../../../agent/delivery/journal.js';
import { Outbox } from '../../../agent/delivery/outbox.js';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import type { JournaledResult } from '../../../journal/client.js';
import { Connection } from '../../../protocol/connection/connection.js';
import { FakeConnection } from '../support/fake-connection.js';
import { startAedes, startMosquitto, withoutMosquitto } from '../../support/broker.js';
import { startBrokerProxy } from '../../support/broker-proxy.js';
import { jpegOf, Outside, PATIENCE_MS, startDevice } from '../../support/system.js';
import { until } from '../../support/until.js';

const TOPIC = 'edgemux/d/result/cam';

/** A journal with what an outbox needs beside it, and a way to add results. */
async function keeper(t: Test, dir = t.testdir()) {
  const counters = new Counters();
  const base = { log: silentLog(), clock: systemClock, counters };
  const limits = { mode: 'disk', sync: 'normal', commitMs: 200, maxAgeH: 1, maxBytes: 1e9 } as const;
  const journal = createJournal(base, dir, limits);
  await journal.start();
  t.teardown(() => journal.stop());
  const add = (n: number, filler = ''): Promise<JournaledResult> =>
    new Promise((resolve) => {
      const row = { frameId: `f${n}`, createdAtMs: n, topic: TOPIC, payload: payloadOf(n, filler) };
      journal.record(row, resolve);
    });
  return { deps: { ...base, journal }, counters, journal, add };
}

/** A result that no journal holds. */
function unjournaled(n: number, topic = TOPIC): JournaledResult {
  return { seq: null, frameId: `f${n}`, createdAtMs: n, topic, payload: payloadOf(n), isRecorded: false };
}

/** Results that wait in the journal once all that was asked of it before is done. */
async function waiting(journal: ReturnType<typeof createJournal>): Promise<number | undefined> {
  return (await journal.undelivered(0, 10_000))?.length;
}

function payloadOf(n: number, filler = ''): string {
  return JSON.stringify({ n, ...(filler === '' ? {} : { filler }) });
}

/** Everything that arrives on TOPIC, as numbers. */
async function listen(t: Test, url: string): Promise<number[]> {
  const seen: number[] = [];
  const listener = connectionTo(url, 'listener');
  listener.start();
  t.teardown(() => listener.stop());
  await listener.ready(PATIENCE_MS);
  await listener.subscribe(TOPIC, { qos: 1 }, ({ payload }) => {
    seen.push((JSON.parse(Buffer.from(payload).toString()) as { n: number }).n);
  });
  return seen;
}

function connectionTo(url: string, clientId: string, version: 'auto' | 4 | 5 = 'auto'): Connection {
  return new Connection({ log: silentLog(), clock: systemClock }, { url, clientId, version });
}

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
  outside.state = null; // what it said before
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
  const { deps, journal, add } = await keeper(t);
  for (let n = 0; n < 50; n += 1) await add(n);

  const seen = await listen(t, broker.url);
  const connection = connectionTo(broker.url, 'outbox');
  const outbox = new Outbox({ ...deps, connection });
  outbox.start();
  for (let n = 50; n < 1000; n += 1) outbox.send(await add(n));
  t.equal(outbox.backlog, 1000, 'those that memory has no room for are counted too');
  connection.start();
  t.teardown(() => connection.stop());
  await until('seen.length >= 1000', () => seen.length >= 1000);
  t.same(seen, [...Array(1000).keys()], 'each once and in order');
  await outbox.stop(PATIENCE_MS);
  t.equal(await waiting(journal), 0, 'and all of them are marked as delivered');
});

t.test('a result that the journal could not take is sent from memory', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const { deps } = await keeper(t);
  const outside = await Outside.connect(t, broker.url, 'd');
  const payloads: string[] = [];
  await outside.connection.subscribe('edgemux/other', { qos: 1 }, ({ payload }) => {
    payloads.push(Buffer.from(payload).toString());
  });
  const outbox = new Outbox({ ...deps, connection: outside.connection });
  outbox.start();
  outbox.send(unjournaled(7, 'edgemux/other'));
  t.ok(await outside.until(() => payloads.includes('{"n":7}')));
});

t.test(
  'what was under way when the line broke is sent once more, in order, and by nobody else',
  async (t) => {
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    const proxy = await startBrokerProxy(broker.port);
    t.teardown(() => proxy.stop());
    const { deps, add, journal } = await keeper(t);
    const seen = await listen(t, broker.url);
    const connection = connectionTo(proxy.url, 'outbox');
    const outbox = new Outbox({ ...deps, connection });
    outbox.start();
    connection.start();
    t.teardown(() => connection.stop());
    await connection.ready(PATIENCE_MS);
    proxy.hush(); // what we send arrives, its acknowledgement does not
    for (let n = 0; n < 20; n += 1) outbox.send(await add(n));
    t.ok(await until('seen.length === 20', () => seen.length === 20));
    t.equal(outbox.backlog, 20);
    proxy.cut();
    t.ok(
      await until('outbox.backlog === 0', () => outbox.backlog === 0),
      'all are acknowledged on the next connection',
    );
    t.ok(await until('seen.length === 40', () => seen.length === 40), 'and have arrived');
    t.same(seen, [...Array(20).keys(), ...Array(20).keys()], 'twice each: at least once, in order');
    await outbox.stop(PATIENCE_MS);
    t.equal(await waiting(journal), 0);
  },
);

for (const version of [4, 5] as const) {
  t.test(
    `a result larger than the broker takes does not hold up the others, MQTT ${version === 4 ? '3.1.1' : '5'}`,
    { skip: withoutMosquitto() },
    async (t) => {
      const broker = await startMosquitto({ lines: ['max_packet_size 2000'] });
      t.teardown(() => broker.stop());
      const { deps, add, counters, journal } = await keeper(t);
      const seen = await listen(t, broker.url);
      const connection = connectionTo(broker.url, 'outbox', version);
      const outbox = new Outbox({ ...deps, connection });
      for (const n of [0, 1, 2]) await add(n);
      await add(3, 'x'.repeat(3000));
      for (const n of [4, 5, 6]) await add(n);
      outbox.start();
      connection.start();
      t.teardown(() => connection.stop());
      t.ok(
        await until(
          'new Set(seen).size === 6 && outbox.backlog === 0',
          () => new Set(seen).size === 6 && outbox.backlog === 0,
        ),
      );
      t.same([...new Set(seen)], [0, 1, 2, 4, 5, 6]);
      t.equal(counters.parked, 1);
      t.same(counters.givenUp, {}, 'the next run may deliver it');
      await outbox.stop(0);
      t.equal(await waiting(journal), 0, 'it is parked');
    },
  );
}

t.test('when neither broker nor journal take results, the oldest are given up and counted', async (t) => {
  const { deps, counters } = await keeper(t);
  const outbox = new Outbox({ ...deps, connection: connectionTo('mqtt://127.0.0.1:9', 'outbox') });
  outbox.start();
  for (let n = 0; n < 5000; n += 1) outbox.send(unjournaled(n));
  t.equal(outbox.backlog, 4096);
  t.same(counters.givenUp, { 'memory-full': 5000 - 4096 });
  await outbox.stop(0);
  t.equal(counters.givenUp['unjournaled-at-stop'], 4096);
});

t.test('what was given up on its way and delivered after all is given up no more', async (t) => {
  const { deps, counters } = await keeper(t);
  const connection = new FakeConnection();
  const acknowledge: (() => void)[] = [];
  connection.onPublish = () => new Promise<void>((resolve) => acknowledge.push(resolve));
  const outbox = new Outbox({ ...deps, connection: connection.asConnection });
  outbox.start();
  for (let n = 0; n < 4099; n += 1) outbox.send(unjournaled(n));
  t.same(counters.givenUp, { 'memory-full': 3 });
  for (const each of acknowledge) each();
  await new Promise(setImmediate);
  t.same(counters.givenUp, { 'memory-full': 0 }, 'the broker has all of them');
  await outbox.stop(0);
});

t.test('a result that the broker had not acknowledged when the line was cut is sent again', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const line = await startBrokerProxy(broker.port);
  t.teardown(() => line.stop());
  const { deps, add, journal } = await keeper(t);
  const seen = await listen(t, broker.url);
  const connection = connectionTo(line.url, 'outbox');
  const outbox = new Outbox({ ...deps, connection });
  outbox.start();
  connection.start();
  t.teardown(() => connection.stop());
  await connection.ready(PATIENCE_MS);
  let swallowed = 0;
  line.swallow((chunk) => void (swallowed += chunk.length));
  outbox.send(await add(1));
  t.ok(await until('swallowed > 0', () => swallowed > 0), 'it is on its way');
  line.swallow(null);
  t.ok(await until('seen.length > 0', () => seen.length > 0), 'it comes over the next line');
  t.same(seen, [1]);
  await outbox.stop(PATIENCE_MS);
  t.equal(outbox.backlog, 0);
  t.equal(await waiting(journal), 0);
});
