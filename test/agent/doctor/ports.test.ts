/** Ports that are something else than the broker they should be, named as what they are. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import t, { type Test } from 'tap';
import { lookAtPort } from '../../../protocol/port-look.js';
import { freePort, startAedes } from '../../support/broker.js';
import { deviceDoctor } from './support.js';

/** A server on a free port, which is closed, with its connections, at the end of the test. */
async function listening(t: Test, server: Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function tlsServer(t: Test): tls.Server {
  const folder = t.testdir();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
  execFileSync('openssl', [...request, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const server = tls.createServer({ key: readFileSync(key), cert: readFileSync(cert) });
  return server.on('tlsClientError', () => undefined);
}

/** What the device's doctor says of a broker at this URL: the one failure that it has. */
async function doctor(t: Test, url: string): Promise<object | undefined> {
  const flags = { dataDir: t.testdirName, 'broker.url': url };
  const { statuses, checks } = await deviceDoctor({ flags, skipped: ['provider', 'modules'] });
  t.same(
    Object.keys(statuses).filter((id) => statuses[id] === 'fail'),
    ['broker'],
    url,
  );
  return checks['broker'];
}

t.test('a silent port', async (t) => {
  const port = await listening(t, net.createServer());
  const found = await doctor(t, `mqtt://127.0.0.1:${port}`);
  t.match(found, { detail: /says nothing/, remedy: /port in broker\.url/ });
});

t.test('an HTTP server', async (t) => {
  const port = await listening(
    t,
    http.createServer((_, response) => response.end('hello')),
  );
  const found = await doctor(t, `mqtt://127.0.0.1:${port}`);
  t.match(found, { detail: /an HTTP server .*HTTP\/1\.1/, remedy: /WebSockets/ });
});

t.test('another protocol', async (t) => {
  const shell = net.createServer((socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
  const port = await listening(t, shell);
  t.match(await doctor(t, `mqtt://127.0.0.1:${port}`), { detail: /says 'SSH-2\.0-OpenSSH_9\.2'/ });
});

const withoutOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed';
t.test('a TLS port that is asked for plain text', { skip: withoutOpenssl }, async (t) => {
  const port = await listening(t, tlsServer(t));
  t.match(await doctor(t, `mqtt://127.0.0.1:${port}`), { detail: /is a TLS port/, remedy: /mqtts:\/\// });
});

t.test('a plain broker that is asked for TLS', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const found = await doctor(t, broker.url.replace('mqtt:', 'mqtts:'));
  t.match(found, { detail: /without TLS/, remedy: /8883/ });
});

t.test(
  'the look itself: a broker, a closed port, a server that waits for a whole HTTP request',
  async (t) => {
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    t.match(await lookAtPort('127.0.0.1', Number(new URL(broker.url).port)), { kind: 'mqtt' });
    t.match(await lookAtPort('127.0.0.1', await freePort()), { kind: 'none' });
    const patient = net.createServer((socket) =>
      socket.on('data', (bytes) => {
        if (bytes.toString('latin1').endsWith('\r\n\r\n')) socket.end('HTTP/1.0 200 OK\r\n\r\n');
      }),
    );
    const port = await listening(t, patient);
    t.match(await lookAtPort('127.0.0.1', port), { kind: 'http', said: 'HTTP/1.0 200 OK' });
  },
);
