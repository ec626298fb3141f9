/** The doctor on a broker that ties client ids to accounts, as our mosquitto configuration does: one connection an account. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connectionOf, passwordOf, startBrokerWith, type Role } from '../../security/accounts.js';
import { startProgram } from '../../security/programs.js';
import { withoutMosquitto, type TestBroker } from '../../support/broker.js';
import { deviceDoctor, serverDoctor, type Examined } from './support.js';

const skip = withoutMosquitto();
/** What takes long and is not asked here. */
const SKIPPED = ['provider', 'modules'];

interface Site {
  broker: TestBroker;
  /** The `broker` section of an account. */
  accountOf: (name: string) => { url: string; username: string; passwordFile: string };
  /** What the account `everything` has heard on a status topic, retained messages included. */
  statuses: (topic: string) => Promise<string[]>;
}

async function site(t: Test, accounts: Record<string, Role>): Promise<Site> {
  t.testdir();
  const broker = await startBrokerWith(t, accounts);
  const watcher = await connectionOf(t, broker, 'everything');
  return {
    broker,
    accountOf: (name) => {
      const passwordFile = join(t.testdirName, `${name}.password`);
      writeFileSync(passwordFile, `${passwordOf(name)}\n`, { mode: 0o600 });
      return { url: broker.url, username: name, passwordFile };
    },
    statuses: async (topic) => {
      const heard: string[] = [];
      await watcher.subscribe(topic, { qos: 1 }, ({ payload }) => {
        heard.push(Buffer.from(payload).toString());
      });
      return heard;
    },
  };
}

const flagsOf = (account: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(account).map(([key, value]) => [`broker.${key}`, value]));

/** The checks that need the broker. */
const ASKED = ['mqtt-version', 'message-size', 'round-trip', 'rights'];

function isUntouched(t: Test, { checks, statuses }: Examined): void {
  t.match(checks['broker'], { status: 'skip', detail: /^not asked: process \d+ /, remedy: /--interrupt/ });
  for (const id of ASKED) t.equal(statuses[id], 'skip', id);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}

t.test('without a daemon every check is made over the one connection', { skip }, async (t) => {
  const { accountOf } = await site(t, { d1: 'device' });
  const flags = { device: 'd1', dataDir: join(t.testdirName, 'data'), ...flagsOf(accountOf('d1')) };
  const { checks, statuses } = await deviceDoctor({ flags, skipped: SKIPPED });
  t.match(checks['broker'], { status: 'pass', detail: /one connection an account/ });
  for (const id of ASKED.filter((one) => one !== 'round-trip'))
    t.equal(statuses[id], 'pass', `${id}: ${checks[id]?.detail}`);
  t.match(checks['round-trip'], { detail: /for 20 kB and back/ }, 'however long it took');
});

t.test('a device that runs here is not thrown off, unless that is asked for', { skip }, async (t) => {
  const { accountOf, statuses } = await site(t, { d1: 'device' });
  const heard = await statuses('edgemux/d1/status');
  const config = { device: 'd1', dataDir: join(t.testdirName, 'data'), broker: accountOf('d1') };
  const device = startProgram(t, 'device', { ...config, policy: { mode: 'mobile-only' } });
  await until(() => heard.at(-1) === 'online');
  const flags = { device: 'd1', dataDir: config.dataDir, ...flagsOf(config.broker) };
  isUntouched(t, await deviceDoctor({ flags, skipped: SKIPPED }));
  const connected = (): number => device.log().split('MQTT: connected').length - 1;
  t.same([heard.filter((word) => word === 'offline'), connected()], [[], 1], 'it has stayed all the time');

  await deviceDoctor({ flags, skipped: SKIPPED, interrupts: true });
  t.ok(connected() > 1 || heard.includes('offline'), 'which is what it was spared');
  await until(() => heard.at(-1) === 'online');
});

t.test('nor is a server, which is known by its configuration file', { skip }, async (t) => {
  const { accountOf, statuses } = await site(t, { s1: 'server' });
  const heard = await statuses('edgemux/cloud/s1/status');
  const config = { server: 's1', broker: accountOf('s1'), batching: { sizes: [1] } };
  const server = startProgram(t, 'server', config);
  await until(() => heard.some((text) => text.includes('"online"')));
  const file = join(t.testdirName, 'server.yaml');
  isUntouched(t, await serverDoctor({ flags: {}, configFile: file, skipped: SKIPPED }));
  t.equal(server.log().split('MQTT: connected').length, 2, 'it has connected once');
});
