import t from 'tap';
import { httpSchema, isLoopback, listenAddress } from '../../http/config.js';

const schema = httpSchema({ port: 8090, tokenFile: null, shownTokenFile: '' });

t.test('off unless told, and loopback unless told otherwise', async (t) => {
  t.equal(listenAddress(schema.parse({}).listen, 8090), null);
  const places: [string | number, { host: string; port: number }][] = [
    ['on', { host: '127.0.0.1', port: 8090 }],
    [9000, { host: '127.0.0.1', port: 9000 }],
    ['9000', { host: '127.0.0.1', port: 9000 }],
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    ['[::]:80', { host: '::', port: 80 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
  ];
  for (const [listen, place] of places) t.same(listenAddress(schema.parse({ listen }).listen, 8090), place);
});

t.test('what is no place to listen is refused', async (t) => {
  for (const listen of [
    '',
    'yes',
    'edge:80',
    '1.2.3.4',
    '127.0.0.1:99999',
    '::1:80',
    '[127.0.0.1:8',
    70_000,
    -1,
    1.5,
    true,
  ])
    t.equal(schema.safeParse({ listen }).success, false, String(listen));
});

t.test('loopback is 127/8 and ::1', async (t) => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', '::ffff:127.0.0.1'])
    t.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '128.0.0.1', '10.127.0.1', '127.0.0.1.evil.example'])
    t.notOk(isLoopback(host), host);
});
