/** One failure for one cause. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAedes } from '../../support/broker.js';
import { BOARD_TREES } from '../../drivers/sysfs/board-trees.js';
import { sysfsTree } from '../../drivers/sysfs/sysfs-trees.js';
import { deviceDoctor, serverDoctor, type Examined } from './support.js';

const failed = ({ statuses }: Examined): string[] =>
  Object.keys(statuses).filter((id) => statuses[id] === 'fail');
const CPU = { 'inference.providers': ['cpu'] };

t.test('a missing password file is one failure', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const folder = t.testdir();
  const flags = {
    ...CPU,
    'broker.url': broker.url,
    'broker.username': 'd1',
    'broker.passwordFile': join(folder, 'none'),
  };
  const device = await deviceDoctor({ flags: { ...flags, dataDir: folder } });
  t.same(failed(device), ['secrets']);
  t.match(device.checks['broker'], { status: 'skip', detail: /secrets failed/ });
  t.match(device.statuses, { golden: 'pass' }, 'what depends on none of it is looked at');
  t.same(failed(await serverDoctor({ flags })), ['secrets']);
});

t.test('a password file that is empty is one failure, too', async (t) => {
  const file = join(t.testdir(), 'password');
  writeFileSync(file, '\n', { mode: 0o600 });
  const flags = { ...CPU, dataDir: t.testdirName, 'broker.username': 'd1', 'broker.passwordFile': file };
  const device = await deviceDoctor({ flags, skipped: ['provider'] });
  t.same(failed(device), ['broker']);
  t.match(device.checks['broker'], { detail: /empty first line/ });
});

t.test('kernel rails alone do not warn; one that fails is named, once', async (t) => {
  const nano = BOARD_TREES.find(({ title }) => title === 'Jetson Nano');
  const root = sysfsTree(t, nano?.tree ?? {});
  const flags = { ...CPU, dataDir: t.testdirName, 'power.rails': [{ kind: 'auto' }] };
  const look = (): Promise<Examined> =>
    deviceDoctor({ flags, skipped: ['broker', 'provider'], deps: { sysRoot: root } });
  const fine = await look();
  t.match(fine.checks['rails'], { status: 'pass', detail: /POM_5V_IN 2\.55 W.*counted: POM_5V_IN/ });
  writeFileSync(join(root, 'devices/i2c-6/6-0040/iio:device0/in_current1_input'), 'nonsense');
  const broken = await look();
  t.same(failed(broken), ['rails']);
  t.match(broken.checks['rails'], { detail: /POM_5V_GPU: .*in_current1_input: not a number/ });
});

t.test('an INA226 that is not there is one failure', async (t) => {
  const rails = [{ kind: 'ina226', name: 'board', bus: 1, address: 0x44, shuntOhms: 0.01 }];
  const flags = { ...CPU, dataDir: t.testdirName, 'power.rails': rails };
  const found = await deviceDoctor({ flags, skipped: ['broker', 'provider'] });
  t.same(failed(found), ['i2c']);
  t.match(found.checks['rails'], { status: 'skip', detail: /i2c failed/ });
});
