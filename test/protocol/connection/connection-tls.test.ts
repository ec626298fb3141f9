import t from 'tap';
import { makeCerts, withoutOpenssl } from '../../support/broker-certs.js';
import { collect, connected, connectionTo, textOf } from '../../support/broker-watch.js';
import { until } from '../../support/until.js';
import { startMosquitto, withoutMosquitto } from '../../support/broker.js';

const skip = withoutMosquitto() || withoutOpenssl();

t.test('TLS: the authority of the CA file is believed, and nobody else', { skip }, async (t) => {
  const certs = makeCerts(t.testdir());
  const broker = await startMosquitto({ tls: { ca: certs.ca, ...certs.server } });
  t.teardown(() => broker.stop());
  const connection = await connected(broker.url, { tls: { ca: certs.ca } });
  const seen = await collect(connection, 'a');
  await connection.publish('a', 'secret', { qos: 1 });
  await until('the message', () => seen.length === 1);
  t.equal(textOf(seen[0]), 'secret');
  await connection.stop();
  const cases: [what: string, url: string, tls: { ca?: string }][] = [
    ['an authority nobody knows', broker.url, {}],
    ['another host name', broker.url.replace('127.0.0.1', 'localhost'), { ca: certs.ca }],
  ];
  for (const [what, url, tls] of cases) {
    const refused = connectionTo(url, { tls });
    refused.start();
    await until(what, () => refused.lastFailure !== null);
    t.match(
      refused.lastFailure,
      { code: 'BROKER_UNREACHABLE', details: { kind: 'tls' }, message: /^TLS with / },
      what,
    );
    await refused.stop();
  }
});

t.test('mutual TLS: the broker wants the client’s certificate too', { skip }, async (t) => {
  const certs = makeCerts(t.testdir());
  const broker = await startMosquitto({ tls: { ca: certs.ca, ...certs.server, mutual: true } });
  t.teardown(() => broker.stop());
  for (const version of [4, 5] as const) {
    const connection = await connected(broker.url, { version, tls: { ca: certs.ca, ...certs.client } });
    t.equal(connection.protocolVersion, version);
    await connection.stop();
  }
  const without = connectionTo(broker.url, { tls: { ca: certs.ca } });
  without.start();
  await until('a refusal', () => without.lastFailure !== null);
  t.match(without.lastFailure, { code: 'BROKER_UNREACHABLE' });
  t.not(without.state, 'online');
  await without.stop();
});
