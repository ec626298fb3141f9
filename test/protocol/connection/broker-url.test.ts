import t from 'tap';
import { MAX_PAUSE_MS, MIN_PAUSE_MS, pauseMs } from '../../../protocol/connection/backoff.js';
import { addressText, parseBrokerUrl } from '../../../protocol/connection/broker-url.js';

t.test('plain, TLS and WebSocket URLs have their own default ports', async (t) => {
  t.same(parseBrokerUrl('mqtt://host'), { host: 'host', port: 1883, tls: false });
  t.same(parseBrokerUrl('tcp://10.0.0.1:1884'), { host: '10.0.0.1', port: 1884, tls: false });
  for (const scheme of ['mqtts', 'ssl', 'tls']) {
    t.same(parseBrokerUrl(`${scheme}://host`), { host: 'host', port: 8883, tls: true });
  }
  t.same(parseBrokerUrl('ws://host'), { host: 'host', port: 80, tls: false, path: '/' });
  t.same(parseBrokerUrl('wss://host:8084/mqtt?x=1'), {
    host: 'host',
    port: 8084,
    tls: true,
    path: '/mqtt?x=1',
  });
  t.equal(addressText(parseBrokerUrl('mqtt://[::1]:99')), '[::1]:99');
  t.equal(parseBrokerUrl('mqtt://[::1]:99').host, '::1');
  t.match(parseBrokerUrl('mqtt://u%40x:p%3A%2F@host'), { username: 'u@x', password: 'p:/' });
});

t.test('what is no broker URL is refused without repeating a password', async (t) => {
  for (const url of [
    '',
    'host',
    'host:1883',
    'http://host',
    'mqtt://',
    'mqtt://host:99999',
    'ws://',
    'mqtt:/host',
  ]) {
    t.throws(() => parseBrokerUrl(url), { code: 'CONFIG_INVALID', message: /mqtts:\/\/host:port/ }, url);
  }
  try {
    parseBrokerUrl('http://user:secret@host');
    t.fail();
  } catch (error) {
    t.notMatch((error as Error).message, /secret/);
  }
});

t.test('pauses double from a tenth of a second to five, and never leave that range', async (t) => {
  for (let failures = 0; failures < 100; failures += 1) {
    for (const random of [0, 0.5, 0.999999]) {
      const ms = pauseMs(failures, random);
      t.ok(ms >= MIN_PAUSE_MS && ms <= MAX_PAUSE_MS);
    }
  }
  t.equal(pauseMs(0, 0), 200);
  t.equal(pauseMs(1, 0), 400);
  t.equal(pauseMs(1, 0.5), 300);
  t.equal(pauseMs(50, 0), MAX_PAUSE_MS);
});
