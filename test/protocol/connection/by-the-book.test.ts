/** Rights, retained messages, copies and limits, as real brokers handle them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import { Connection } from '../../../protocol/connection/connection.js';
import { freePort, startAedes, startMosquitto, withoutMosquitto } from '../../support/broker.js';
import { collect, connected, textOf } from '../../support/broker-watch.js';
import { until } from '../../support/until.js';

const skip = withoutMosquitto();
const VERSIONS = [4, 5] as const;

async function broker(t: Test, ...lines: string[]): Promise<string> {
  const started = await startMosquitto({ lines });
  t.teardown(() => started.stop());
  return started.url;
}

async function link(
  t: Test,
  url: string,
  options: Parameters<typeof connected>[1] = {},
): Promise<Connection> {
  const connection = await connected(url, options);
  t.teardown(() => connection.stop());
  return connection;
}

/** A mosquitto whose anonymous users have these lines of an ACL file. */
async function brokerWithRights(t: Test, ...rights: string[]): Promise<string> {
  const file = join(t.testdir(), 'acl');
  writeFileSync(file, `${rights.join('\n')}\n`, { mode: 0o644 });
  return broker(t, `acl_file ${file}`);
}

t.test(
  'one publish is one message for a handler, whatever filters of it select the topic',
  { skip },
  async (t) => {
    const url = await broker(t);
    for (const version of VERSIONS) {
      const to = await link(t, url, { version });
      const from = await link(t, url);
      const seen: string[] = [];
      const handler = ({ payload }: { payload: Uint8Array }): void =>
        void seen.push(Buffer.from(payload).toString());
      await to.stop();
      for (const filter of ['yard/+/frame', 'yard/north/+', 'yard/+/+'])
        await to.subscribe(filter, { retained: false }, handler);
      to.start();
      await to.ready(15_000);
      for (const text of ['1', '2', '3']) await from.publish('yard/north/frame', text);
      await from.publish('yard/north/last', 'last');
      await until('the last', () => seen.includes('last'));
      t.same(seen, ['1', '2', '3', 'last'], `MQTT ${version}`);
    }
  },
);

t.test('retained messages that are not wanted do not travel over MQTT 5', { skip }, async (t) => {
  const url = await broker(t);
  const camera = await link(t, url);
  await camera.publish('cameras/door/frame', 'an old picture', { qos: 1, retain: true });
  for (const version of VERSIONS) {
    const device = await link(t, url, { version });
    const seen: { text: string; retain: boolean }[] = [];
    await device.subscribe('cameras/+/frame', { retained: false }, (message) => {
      seen.push({ text: textOf(message), retain: message.retain });
    });
    await camera.publish('cameras/door/frame', 'now');
    await until('the live picture', () => seen.some(({ text }) => text === 'now'));
    const old = seen.filter(({ retain }) => retain).length;
    t.equal(old, version === 5 ? 0 : 1, `MQTT ${version}`);
  }
});

t.test('a subscription that is refused is a warning that names the right', async (t) => {
  const refusing = await startAedes({ forbid: (topic) => topic.startsWith('cameras/') });
  t.teardown(() => refusing.stop());
  const device = await link(t, refusing.url, { version: 4 });
  await t.rejects(
    device.subscribe('cameras/+/frame', {}, () => undefined),
    { code: 'BROKER_UNREACHABLE' },
  );
  t.match(device.health(), [/refuses the subscription to cameras\/\+\/frame.+right to read/]);
  await device.subscribe('yard/+/frame', {}, () => undefined);
  t.equal(device.health().length, 1, 'what is granted is no warning');
});

t.test('a message that MQTT 5 refuses is a warning until one is taken', { skip }, async (t) => {
  const url = await brokerWithRights(t, 'topic readwrite site/d1/status', 'topic read site/d1/result/+');
  const device = await link(t, url, { version: 5 });
  await t.rejects(device.publish('site/d1/result/door', '{}', { qos: 1 }), { code: 'BROKER_UNREACHABLE' });
  t.match(device.health(), [/refuses what is published on site\/d1\/result\/door.+right to write/]);
  await device.publish('site/d1/status', 'x', { qos: 1 });
  t.equal(device.health().length, 1);
});

t.test(
  'a broker that takes the status and delivers nothing is found out, over both versions',
  { skip },
  async (t) => {
    const url = await brokerWithRights(t, 'topic write site/+/status');
    for (const version of VERSIONS) {
      const topic = `site/d${version}/status`;
      const timers = {
        after: (delayMs: number, callback: () => void) => {
          const timer = setTimeout(callback, delayMs === 10_000 ? 200 : delayMs);
          return () => clearTimeout(timer);
        },
      };
      const device = new Connection(
        { log: silentLog(), clock: systemClock, timers },
        {
          url,
          clientId: `d${version}`,
          version,
          will: { topic, payload: 'offline' },
          online: { topic, payload: 'online' },
        },
      );
      t.teardown(() => device.stop());
      device.start();
      await device.ready(15_000);
      await until('the warning', () => device.health().length > 0);
      t.match(device.health(), [new RegExp(`takes what is said on ${topic} and does not deliver it`)]);
    }
  },
);

t.test('a status that somebody empties or overwrites is put right', { skip }, async (t) => {
  const url = await broker(t);
  const topic = 'site/d1/status';
  const will = { topic, payload: 'offline' };
  await link(t, url, { will, online: { topic, payload: 'online' } });
  const other = await link(t, url);
  const seen = await collect(other, topic);
  for (const text of ['', 'OFFLINE', 'offline']) {
    const before = seen.length;
    await other.publish(topic, text, { qos: 1, retain: true });
    await until(
      `the correction of '${text}'`,
      () => seen.length > before + 1 && textOf(seen.at(-1)) === 'online',
    );
  }
  const late = await collect(await link(t, url), topic);
  await until('the retained word', () => late.length > 0);
  t.match(late[0], { retain: true });
  t.equal(textOf(late[0]), 'online');
});

t.test('so is what a program says by itself on the topic of its last will', { skip }, async (t) => {
  const url = await broker(t);
  const topic = 'site/cloud/s1/status';
  const server = await link(t, url, { will: { topic, payload: '{"state":"offline"}' } });
  const other = await link(t, url);
  const seen = await collect(other, topic);
  await server.publish(topic, '{"state":"online"}', { qos: 1, retain: true });
  await other.publish(topic, '', { qos: 1, retain: true });
  await until('the correction', () => seen.length === 3);
  t.equal(textOf(seen[2]), '{"state":"online"}');
});

t.test('a broker without retained messages is worked with, and that is said', { skip }, async (t) => {
  const url = await broker(t, 'retain_available false');
  const topic = 'site/d1/status';
  for (const version of VERSIONS) {
    const watcher = await link(t, url);
    const seen = await collect(watcher, topic);
    const device = await link(t, url, {
      version,
      will: { topic, payload: 'offline' },
      online: { topic, payload: 'online' },
    });
    t.match(device.health(), [/keeps no retained messages/], `MQTT ${version}`);
    await device.publish('site/d1/state', '{}', { qos: 1, retain: true });
    t.equal(device.state, 'online');
    await until('online', () => seen.some((message) => textOf(message) === 'online'));
  }
});

t.test('MQTT goes over WebSockets too', { skip }, async (t) => {
  const port = await freePort();
  await broker(t, `listener ${port} 127.0.0.1`, 'protocol websockets');
  for (const version of VERSIONS) {
    const connection = await link(t, `ws://127.0.0.1:${port}/mqtt`, {
      version,
      maxIncomingPacketBytes: 1_000_000,
    });
    const seen = await collect(connection, 'room/frame');
    const picture = Uint8Array.from({ length: 20_000 }, (_, at) => at % 251);
    await connection.publish('room/frame', picture, { qos: 1 });
    await until('the picture', () => seen.length === 1);
    t.ok(Buffer.from(seen[0]?.payload ?? []).equals(picture), `MQTT ${version}`);
  }
});
