import t from 'tap';
import { failure, failureOf, kindOf } from '../../../protocol/connection/failure.js';

const coded = (code: string | number, message = 'text') => Object.assign(new Error(message), { code });

t.test('every cause has its kind', async (t) => {
  const table: [error: unknown, kind: string][] = [
    [coded('ECONNREFUSED'), 'refused'],
    [coded('ENOTFOUND'), 'dns'],
    [coded('EAI_AGAIN'), 'dns'],
    [coded('EHOSTUNREACH'), 'network'],
    [coded('ECONNRESET'), 'network'],
    [coded('ETIMEDOUT'), 'timeout'],
    [new Error('connack timeout'), 'timeout'],
    [new Error('Keepalive timeout'), 'timeout'],
    [new Error('Connection closed'), 'network'],
    [coded('CERT_HAS_EXPIRED'), 'tls'],
    [coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'tls'],
    [coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'tls'],
    [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'tls'],
    [coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'tls'],
    [coded('EPROTO'), 'tls'],
    [coded(1), 'version'],
    [coded(132), 'version'],
    [coded(4), 'credentials'],
    [coded(5), 'credentials'],
    [coded(134), 'credentials'],
    [coded(135), 'credentials'],
    [coded(142), 'takeover'],
    [coded(149), 'broker'],
    ['nonsense', 'broker'],
  ];
  for (const [error, kind] of table) {
    const translated = failureOf(error, 'host:1883');
    t.equal(kindOf(translated), kind, String((error as { code?: unknown }).code ?? error));
    t.match(translated, { code: 'BROKER_UNREACHABLE', message: /host:1883/ });
  }
});

t.test('of a name with several addresses, the first one’s reason counts', async (t) => {
  const both = Object.assign(new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')], ''), {
    code: 'ECONNREFUSED',
  });
  t.match(failureOf(both, 'localhost:1883').message, /nothing listens at localhost:1883 \(ECONNREFUSED\)/);
  t.equal(kindOf(failureOf(new AggregateError([coded('ENOTFOUND')]), 'h:1')), 'dns');
});

t.test('a failure that is ours already stays as it is', async (t) => {
  const ours = failure('tls', 'CA missing');
  t.equal(failureOf(ours, 'h:1'), ours);
});
