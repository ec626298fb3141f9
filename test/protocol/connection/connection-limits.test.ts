import t from 'tap';
import { publishPacketBytes, type PublishOptions } from '../../../protocol/messages/message.js';
import { collect, connected, connectionTo, PATIENCE_MS } from '../../support/broker-watch.js';
import { until } from '../../support/until.js';
import { startAedes, startMosquitto, withoutMosquitto } from '../../support/broker.js';

const skip = withoutMosquitto();
const LIMIT_BYTES = 20_000;

t.test('a packet as large as the broker takes goes, one byte more is refused here', { skip }, async (t) => {
  const broker = await startMosquitto({ lines: [`max_packet_size ${LIMIT_BYTES}`] });
  t.teardown(() => broker.stop());
  const connection = await connected(broker.url, { version: 5 });
  t.equal(connection.serverLimits?.maximumPacketSize, LIMIT_BYTES);
  const all: PublishOptions[] = [
    {},
    { qos: 1 },
    { qos: 1, retain: true },
    { qos: 1, properties: { responseTopic: 'edgemux/answer/dé/1', correlationData: Buffer.alloc(200) } },
    {
      properties: {
        contentType: 'image/jpeg',
        messageExpiryS: 1,
        userProperties: { 'captured-at': '1', ü: 'x' },
      },
    },
  ];
  const seen = await collect(connection, 'done');
  for (const options of all) {
    const topic = 'límite/x';
    const room = LIMIT_BYTES - publishPacketBytes(5, topic, LIMIT_BYTES, options) + LIMIT_BYTES;
    await connection.publish(topic, Buffer.alloc(room), options);
    await connection.publish('done', '', { qos: 1 });
    await t.rejects(connection.publish(topic, Buffer.alloc(room + 1), options), { code: 'MESSAGE_INVALID' });
  }
  await until('all', () => seen.length === all.length);
  t.equal(connection.state, 'online');
  await connection.stop();
});

t.test('a flood of QoS 1 messages keeps to the broker’s receive maximum', { skip }, async (t) => {
  const broker = await startMosquitto({ lines: ['max_inflight_messages 5', 'max_queued_messages 0'] });
  t.teardown(() => broker.stop());
  const [from, to] = [
    await connected(broker.url, { version: 5 }),
    await connected(broker.url, { version: 5 }),
  ];
  t.equal(from.serverLimits?.receiveMaximum, 5);
  const seen = await collect(to, 'flood');
  await Promise.all(Array.from({ length: 500 }, (_, at) => from.publish('flood', String(at), { qos: 1 })));
  await until('all', () => seen.length === 500);
  t.same(
    seen.map(({ payload }) => Number(Buffer.from(payload).toString())),
    Array.from({ length: 500 }, (_, at) => at),
    'in order',
  );
  await Promise.all([from.stop(), to.stop()]);
});

t.test(
  'of two programs of one name each says so and backs off; the last one left stays',
  { skip },
  async (t) => {
    const broker = await startMosquitto();
    t.teardown(() => broker.stop());
    const first = await connected(broker.url, { clientId: 'twin' });
    const second = await connected(broker.url, { clientId: 'twin' });
    await until('notices', () => first.lastFailure !== null);
    t.match(first.lastFailure?.message, /another program of our name/);
    await second.stop();
    await first.ready(PATIENCE_MS);
    await first.stop();
  },
);

t.test('a subscription the broker forbids is refused; the others stand', async (t) => {
  const broker = await startAedes({ forbid: (topic) => topic.startsWith('closed') });
  t.teardown(() => broker.stop());
  const early = connectionTo(broker.url);
  await early.subscribe('closed/1', {}, () => undefined);
  const seen = await collect(early, 'open');
  early.start();
  await early.ready(PATIENCE_MS);
  await t.rejects(
    early.subscribe('closed/2', { qos: 1 }, () => undefined),
    {
      code: 'BROKER_UNREACHABLE',
      details: { kind: 'credentials' },
      message: /refuses the subscription to closed\/2/,
    },
  );
  await early.publish('open', 'x', { qos: 1 });
  await until('the open one', () => seen.length === 1);
  await early.stop();
});

t.test('a publish the broker forbids is rejected where the broker says so (MQTT 5)', { skip }, async (t) => {
  const acl = `${t.testdir({ acl: 'topic readwrite open/#\n' })}/acl`;
  const broker = await startMosquitto({ lines: [`acl_file ${acl}`] });
  t.teardown(() => broker.stop());
  const topic = 'closed/status';
  const presence = { will: { topic, payload: 'offline' }, online: { topic, payload: 'online' } };
  const connection = await connected(broker.url, { version: 5, ...presence });
  await t.rejects(connection.publish('closed/1', 'x', { qos: 1 }), {
    code: 'BROKER_UNREACHABLE',
    details: { kind: 'credentials' },
  });
  t.equal(connection.state, 'online', 'a status that is not taken does not keep it from working');
  await connection.stop();
});
