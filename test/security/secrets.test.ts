import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Message } from '../../protocol/connection/connection.js';
import { parseResult, type Result } from '../../protocol/messages.js';
import { makeCerts, withoutOpenssl, type Certs } from '../support/broker-certs.js';
import { collect, connectionTo, textOf } from '../support/broker-watch.js';
import { withoutMosquitto, type TestBroker } from '../support/broker.js';
import { jpegOf } from '../support/system.js';
import { connectionOf, passwordOf, startBrokerWith } from './accounts.js';
import { startProgram } from './programs.js';
import { until } from '../support/until.js';

/** Programs start slowly on a machine that is busy with other tests. */
const PATIENCE_MS = 120_000;

const skip = withoutMosquitto() || withoutOpenssl();

/** The `broker` section of an account, with its password in a file. */
function section(t: Test, broker: TestBroker, certs: Certs, name: string): object {
  const passwordFile = join(t.testdirName, `${name}.password`);
  writeFileSync(passwordFile, `${passwordOf(name)}\n`, { mode: 0o600 });
  const tls = { caFile: certs.ca, certFile: certs.client.cert, keyFile: certs.client.key };
  return { url: broker.url, username: name, passwordFile, ...tls };
}

/** Command lines and environments of every process that we may look at. */
function processList(): string {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => read(`/proc/${pid}/cmdline`) + read(`/proc/${pid}/environ`)).join('\n');
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    return entry.isDirectory() ? [path, ...filesBelow(path)] : [path];
  });
}

t.test(
  'device and server over mutual TLS with least rights: frames are answered, and no secret is told',
  { skip },
  async (t) => {
    const certs = makeCerts(t.testdir());
    const accounts = { dev1: 'device', srv1: 'server', cam1: 'camera' } as const;
    const tls = { ca: certs.ca, ...certs.server, mutual: true };
    const broker = await startBrokerWith(t, accounts, { tls });
    const everything = connectionTo(broker.url, {
      username: 'everything',
      password: passwordOf('everything'),
      tls: { ca: certs.ca, ...certs.client },
    });
    t.teardown(() => everything.stop());
    everything.start();
    await everything.ready(PATIENCE_MS);
    const seen: Message[] = await collect(everything, '#');
    const dataDir = join(t.testdirName, 'data');
    mkdirSync(dataDir, { mode: 0o755 });

    const server = startProgram(t, 'server', { server: 'srv1', broker: section(t, broker, certs, 'srv1') });
    const device = startProgram(t, 'device', {
      device: 'dev1',
      dataDir,
      broker: section(t, broker, certs, 'dev1'),
      policy: { mode: 'cloud-only' },
      offload: { deadlineMs: 10_000 },
      report: { stateIntervalS: 0.2 },
    });
    const stateOf = (): string => textOf(seen.filter(({ topic }) => topic === 'edgemux/dev1/state').at(-1));
    await until('the device sees the server', () => stateOf().includes('"usable":true'));
    const jpeg = await jpegOf(0);
    await everything.publish('cameras/cam1/frame', jpeg, { qos: 1 });
    const results = (): Result[] =>
      seen
        .filter(({ topic }) => topic === 'edgemux/dev1/result/cam1')
        .map(({ payload }) => parseResult(payload));
    await until('a result', () => results().length === 1);
    t.match(results()[0], { route: 'cloud', camera: 'cam1' }, 'the whole way works');

    const list = processList();
    t.ok(list.includes('edgemux') || list.includes('cloud-stub'), 'the process list shows the programs');
    for (const name of ['dev1', 'srv1']) {
      const secret = passwordOf(name);
      t.notOk(list.includes(secret), `${name}: not in the process list`);
      for (const program of [device, server])
        t.notOk(program.log().includes(secret), `${name}: not in a log`);
      const told = seen.filter(({ payload }) => Buffer.from(payload).includes(secret));
      t.same(told, [], `${name}: in no message`);
      const stored = filesBelow(dataDir).filter((file) => statSync(file).isFile());
      t.ok(stored.length >= 1);
      t.notOk(
        stored.some((file) => readFileSync(file).includes(secret)),
        `${name}: in no file of the device`,
      );
    }
    t.match(device.log(), /MQTT: connected/, 'the log at level trace was really read');

    for (const path of filesBelow(dataDir))
      t.equal(statSync(path).mode & 0o077, 0, `${path} is its owner's alone`);
    t.same(await Promise.all([device.stop(), server.stop()]), [0, 0]);
  },
);

t.test('a wrong password is said in words, without the password', { skip }, async (t) => {
  const certs = makeCerts(t.testdir());
  const tls = { ca: certs.ca, ...certs.server, mutual: true };
  const broker = await startBrokerWith(t, { dev1: 'device' }, { tls });
  const right = section(t, broker, certs, 'dev1') as { passwordFile: string };
  writeFileSync(right.passwordFile, 'a-guess-7Qx\n', { mode: 0o600 });
  const device = startProgram(t, 'device', {
    device: 'dev1',
    dataDir: join(t.testdirName, 'data'),
    broker: right,
  });
  await until('a refusal', () => device.log().includes('refuses user name, password'));
  t.notMatch(device.log(), /a-guess-7Qx/);
  t.equal(await device.stop(), 0);
});

t.test('a password file that everybody may read keeps a program from starting', async (t) => {
  const passwordFile = join(t.testdir(), 'password');
  writeFileSync(passwordFile, 'open-secret-3Fz\n', { mode: 0o644 });
  const broker = { url: 'mqtt://127.0.0.1:1', username: 'x', passwordFile };
  for (const [kind, config] of [
    ['device', { device: 'd', dataDir: join(t.testdirName, 'data') }],
    ['server', { server: 's' }],
  ] as const) {
    const program = startProgram(t, kind, { ...config, broker });
    await until('its end', () => program.log().includes('chmod 600'));
    t.not(await program.stop(), 0);
    t.notMatch(program.log(), /open-secret-3Fz/);
  }
});

t.test(
  'the connection of an account over plain TLS takes the authority of the CA file',
  { skip },
  async (t) => {
    const certs = makeCerts(t.testdir());
    const broker = await startBrokerWith(t, { cam1: 'camera' }, { tls: { ca: certs.ca, ...certs.server } });
    const camera = await connectionOf(t, broker, 'cam1', certs.ca);
    t.equal(camera.state, 'online');
  },
);
