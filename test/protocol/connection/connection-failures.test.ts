import t from 'tap';
import { startImpostor } from '../../support/broker-proxy.js';
import { connected, connectionTo } from '../../support/broker-watch.js';
import { until } from '../../support/until.js';
import { freePort, startAedes, startMosquitto, withoutMosquitto } from '../../support/broker.js';

const unreachable = (kind: string, message: RegExp) => ({
  code: 'BROKER_UNREACHABLE',
  details: { kind },
  message,
});

t.test('while there is no connection the reason is told apart, in words', async (t) => {
  const broker = await startAedes({ password: 'right' });
  t.teardown(() => broker.stop());
  const silent = await startImpostor(t, () => undefined);
  const deaf = await startImpostor(t, (socket) => socket.destroy());
  const babbler = await startImpostor(t, (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
  const cases: [what: string, url: string, kind: string, message: RegExp, connectTimeoutMs?: number][] = [
    ['nobody listens', `mqtt://127.0.0.1:${await freePort()}`, 'refused', /is the broker running/],
    ['no such host', 'mqtt://broker.invalid', 'dns', /broker\.invalid.*cannot be resolved/],
    ['wrong password', broker.url, 'credentials', /refuses user name, password/],
    ['nobody answers', silent, 'timeout', /did not answer in time/, 100],
    ['no MQTT at all', babbler, 'broker|closed|network', /127\.0\.0\.1/],
    ['closed at once', deaf, 'closed', /before it answered/],
    [
      'TLS to a plain port',
      broker.url.replace('mqtt:', 'mqtts:'),
      'tls|closed|network',
      /TLS|before it answered|broke/,
    ],
  ];
  for (const [what, url, kind, message, connectTimeoutMs] of cases) {
    const connection = connectionTo(url, { password: 'wrong', username: 'me', connectTimeoutMs });
    connection.start();
    await until(what, () => connection.lastFailure !== null);
    const error = await connection
      .ready(1)
      .catch((error: unknown) => error as Error & { details: { kind: string } });
    t.match(error, { code: 'BROKER_UNREACHABLE', message }, what);
    t.match(error?.details.kind, new RegExp(kind), what);
    t.notMatch(String(error), /wrong/, 'no password in the text');
    await connection.stop();
  }
});

t.test(
  'a wrong password of mosquitto is a matter of credentials, in both versions',
  { skip: withoutMosquitto() },
  async (t) => {
    const broker = await startMosquitto({ username: 'dev', password: 'right' });
    for (const version of [4, 5] as const) {
      const wrong = connectionTo(broker.url, { version, username: 'dev', password: 'wrong' });
      wrong.start();
      await until('a refusal', () => wrong.lastFailure !== null);
      t.match(wrong.lastFailure, unreachable('credentials', /refuses user name, password/));
      await wrong.stop();
      const right = await connected(broker.url, { version, username: 'dev', password: 'right' });
      await right.stop();
    }
    await broker.stop();
  },
);

t.test('TLS files beside a plain URL, and half a client certificate, are refused at the start', async (t) => {
  const invalid = { code: 'CONFIG_INVALID' };
  t.throws(() => connectionTo('mqtt://h', { tls: { ca: '/ca.pem' } }).start(), invalid);
  t.throws(() => connectionTo('mqtts://h', { tls: { cert: '/c.pem' } }).start(), invalid);
  t.throws(() => connectionTo('htp://h').start(), invalid);
  const connection = connectionTo('mqtts://127.0.0.1:1', { tls: { ca: '/does/not/exist.pem' } });
  connection.start();
  await until('an attempt', () => connection.lastFailure !== null);
  t.match(connection.lastFailure, unreachable('tls', /CA file cannot be read.*exist\.pem/));
  await connection.stop();
});
