/** Single probes, each in what it can find: machines that are made up of files and of what tools print. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { jetsonProbes } from '../../../agent/doctor/jetson.js';
import { powerProbes, type PowerProbeDeps } from '../../../agent/doctor/power.js';
import { powerConfigSchema } from '../../../energy/config.js';
import { needing, runProbes, single, pass, type Probe } from '../../../common/doctor/checks.js';
import { builtAtMs } from '../../../common/build-date.js';
import {
  clockProbe,
  diskProbe,
  folderProbe,
  nodeProbe,
  secretsProbe,
} from '../../../common/doctor/machine.js';
import { scanBus } from '../../../drivers/i2c/scan.js';
import { FakeBus } from '../../drivers/fakes.js';
import { sysfsTree } from '../../drivers/sysfs/sysfs-trees.js';
import { cpuClock, tx2 } from '../../support/tx2-tree.js';
import { results } from './support.js';

t.test(
  'a probe that throws, hangs or says nothing fails, once, and what else it owes is skipped',
  async (t) => {
    const owes = { a: 'A', b: 'B' };
    const probes: Probe[] = [
      single('throws', 'throws', () => Promise.reject(new Error('no such thing'))),
      {
        checks: owes,
        timeoutMs: 20,
        run: (report) => (report('a', pass('yes')), new Promise(() => undefined)),
      },
      { checks: { c: 'C' }, timeoutMs: 20, run: () => undefined },
      {
        checks: { d: 'D', e: 'E', f: 'F' },
        timeoutMs: 20,
        run: () => Promise.reject(new Error('the one cause')),
      },
    ];
    t.match(await runProbes(probes), [
      { id: 'throws', status: 'fail', detail: 'no such thing' },
      { id: 'a', status: 'pass' },
      { id: 'b', status: 'fail', detail: /no answer within 0.02 s/ },
      { id: 'c', status: 'fail' },
      { id: 'd', status: 'fail', detail: 'the one cause' },
      { id: 'e', status: 'skip', detail: /d failed/ },
      { id: 'f', status: 'skip' },
    ]);
    const later = needing(
      ['d'],
      single('g', 'G', () => pass('never asked')),
    );
    t.match(await runProbes([later], { failed: ['d'] }), [{ id: 'g', status: 'skip', detail: /d failed/ }]);
    t.match(await runProbes([later], { failed: ['x'] }), [{ id: 'g', status: 'pass' }]);
  },
);

t.test('Node.js that is too old fails', async (t) => {
  for (const [version, status] of [
    ['16.20.2', 'fail'],
    ['20.18.3', 'fail'],
    ['20.19.0', 'pass'],
    ['24.1.0', 'pass'],
  ] as const)
    t.match(await results(nodeProbe(version)), { node: { status } }, version);
});

t.test('the clock: never set, not synchronised, synchronised, or unknown', async (t) => {
  const at = (wallMs: number, text: string | null): Promise<object> =>
    results(
      clockProbe({
        wallMs: () => wallMs,
        timedatectl: () => (text === null ? Promise.reject(new Error('none')) : Promise.resolve(text)),
      }),
    );
  const nowMs = builtAtMs() + 86_400_000;
  t.match(await at(0, 'System clock synchronized: yes'), {
    'clock-sync': { status: 'fail', detail: /1970/ },
  });
  t.match(await at(nowMs, ' System clock synchronized: no\n'), {
    'clock-sync': { status: 'warn', remedy: /set-ntp/ },
  });
  t.match(await at(nowMs, 'System clock synchronized: yes'), { 'clock-sync': { status: 'pass' } });
  t.match(await at(nowMs, null), { 'clock-sync': { status: 'skip' } });
});

t.test('disk, data folder and secrets', async (t) => {
  const root = t.testdir({ file: 'x', password: 'secret', data: {} });
  t.match(await results(diskProbe(join(root, 'not/yet'), 1)), { disk: { status: 'pass' } });
  t.match(await results(diskProbe(root, Number.MAX_SAFE_INTEGER)), { disk: { status: 'warn' } });
  t.match(await results(folderProbe(join(root, 'file'), [])), {
    'data-dir': { status: 'fail', detail: /no folder/ },
  });
  t.match(await results(folderProbe(join(root, 'data'), [])), { 'data-dir': { status: 'pass' } });
  const secret = join(root, 'password');
  const look = (file: string | null): Promise<object> =>
    results(secretsProbe({ 'broker.passwordFile': file }));
  chmodSync(secret, 0o644);
  t.match(await look(secret), { secrets: { status: 'fail', detail: /0644/, remedy: /chmod 0600/ } });
  chmodSync(secret, 0o640);
  t.match(await look(secret), { secrets: { status: 'warn', detail: /0640/, remedy: /chmod 0600/ } });
  chmodSync(secret, 0o600);
  t.match(await look(secret), { secrets: { status: 'pass' } });
  t.match(await look(join(root, 'none')), { secrets: { status: 'fail' } });
  t.match(await look(null), { secrets: { status: 'skip' } });
});

t.test(
  'a user without rights is told so',
  { skip: process.getuid?.() === 0 ? false : 'not root' },
  async (t) => {
    const root = t.testdir({ data: { 'journal.sqlite': '' }, password: 'secret' });
    chmodSync(root, 0o755);
    chmodSync(join(root, 'data'), 0o700);
    chmodSync(join(root, 'password'), 0o600);
    const code = `
    const { folderProbe, secretsProbe } = await import(${JSON.stringify(join(process.cwd(), 'dist/common/doctor/machine.js'))});
    const { runProbes } = await import(${JSON.stringify(join(process.cwd(), 'dist/common/doctor/checks.js'))});
    process.setgid(65534); process.setuid(65534);
    console.log(JSON.stringify(await runProbes([folderProbe(${JSON.stringify(join(root, 'data'))}, []),
      secretsProbe({ key: ${JSON.stringify(join(root, 'password'))} })])));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      encoding: 'utf8',
    });
    t.match(
      JSON.parse(stdout || '[]'),
      [
        { id: 'data-dir', status: 'fail', detail: /may not write/, remedy: /chown/ },
        { id: 'secrets', status: 'fail', detail: /may not read/ },
      ],
      stderr,
    );
  },
);

const deps = (sysRoot: string, bus: FakeBus): PowerProbeDeps => ({
  sysRoot,
  devRoot: join(sysRoot, 'dev'),
  scan: (numbers) => Promise.resolve(numbers.map((number) => scanBus(bus, number))),
});
const oneChip = { kind: 'ina226', name: 'board', bus: 'c240000.i2c', address: 0x44, shuntOhms: 0.01 };

t.test('a configured INA226 must answer where it is said to be', async (t) => {
  const config = powerConfigSchema.parse({ rails: [oneChip] });
  const sysRoot = sysfsTree(t, tx2());
  const look = async (bus: FakeBus): Promise<unknown> =>
    (await results(powerProbes(config, deps(sysRoot, bus))[0]!))['i2c'];
  const bus = new FakeBus();
  t.match(await look(bus), { status: 'fail', detail: /no .*i2c-1/, remedy: String });
  mkdirSync(join(sysRoot, 'dev'));
  writeFileSync(join(sysRoot, 'dev/i2c-1'), '');
  t.match(await look(bus), { status: 'fail', detail: /0x44 of i2c-1 is silent/ });
  bus.addIna226(0x44, { 0xff: 0x3220 });
  t.match(await look(bus), { status: 'fail', detail: /is INA3221, not an INA226/ });
  bus.addIna226(0x44);
  t.match(await look(bus), { status: 'pass', detail: /INA226 at 0x44 of i2c-1/ });
});

t.test('rails that measure pass, simulated ones say so, silent ones fail', async (t) => {
  const sysRoot = sysfsTree(t, tx2());
  const look = async (power: object): Promise<unknown> =>
    (await results(powerProbes(powerConfigSchema.parse(power), deps(sysRoot, new FakeBus()))[0]!))['rails'];
  t.match(await look({ rails: [{ kind: 'iio' }] }), {
    status: 'pass',
    detail: /VDD_IN 5\.30 W.*VDD_SYS_CPU.*counted: VDD_IN; totals, no energy per frame/,
  });
  t.match(await look({ simulate: true }), { status: 'pass', detail: /sim_module .* \(simulated\)/ });
  t.match(await look({ rails: [{ kind: 'hwmon' }] }), { status: 'fail', detail: /does not measure a rail/ });
});

t.test('VDD_IN draws at least what the rails in it draw', async (t) => {
  const config = powerConfigSchema.parse({});
  const look = async (tree: Parameters<typeof sysfsTree>[1]): Promise<unknown> =>
    (await results(powerProbes(config, deps(sysfsTree(t, tree), new FakeBus()))[1]!))['rails-sum'];
  t.match(await look(tx2()), { status: 'pass', detail: /VDD_IN 5\.30 W, the 2 rails in it 1\.07 W/ });
  const cpu = 'devices/3160000.i2c/i2c-0/0-0041/iio:device7/in_power1_input';
  t.match(await look(tx2({ [cpu]: '6000' })), { status: 'fail', detail: /6\.31 W/, remedy: /believe none/ });
  t.match(await look({}), { status: 'skip' });
});

t.test('a Jetson: mode, clocks, devices; any other machine is skipped', async (t) => {
  const look = (tree: Parameters<typeof sysfsTree>[1]): Promise<object> => {
    const root = sysfsTree(t, tree);
    return results(...jetsonProbes(root, join(root, 'dev')));
  };
  t.match(await look(tx2()), {
    'power-mode': { status: 'pass', detail: 'MAXP_CORE_ARM' },
    clocks: { status: 'pass', detail: /locked: GPU 1122 MHz, CPU 0 2000 MHz/ },
    'gpu-devices': { status: 'fail', detail: /no .*nvmap/ },
  });
  const files = { 'dev/nvmap': '', 'dev/nvhost-gpu': '', 'devices/system/cpu/online': '0-2' };
  t.match(await look(tx2({ ...files, ...cpuClock(0, 345_600, 2_000_000) })), {
    'power-mode': { status: 'warn', remedy: /nvpmodel/ },
    clocks: { status: 'warn', detail: /not locked \(CPU 0\)/, remedy: /jetson_clocks/ },
    'gpu-devices': { status: 'pass' },
  });
  const all = await look({});
  for (const [id, { status }] of Object.entries(all as Record<string, { status: string }>))
    t.equal(status, 'skip', id);
});
