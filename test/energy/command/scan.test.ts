import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runPowerScan, type ScanDeps } from '../../../energy/command/scan.js';
import { EdgemuxError } from '../../../common/errors.js';
import { scanBus } from '../../../drivers/i2c/scan.js';
import { FakeBus } from '../../drivers/fakes.js';
import { l4t32, sysfsTree } from '../../drivers/sysfs/sysfs-trees.js';

t.test('chips are told by their ids, owned addresses are not asked, a dead bus says so', async (t) => {
  const bus = new FakeBus();
  bus.addIna226(0x44);
  bus.addIna226(0x41, { 0xff: 0x3220 });
  bus.addIna226(0x45, { 0x00: 0x399f, 0xfe: 0x399f, 0xff: 0x399f });
  bus.addIna226(0x46, { 0xfe: 1, 0xff: 2 });
  bus.failures.push('BUS_BUSY');
  const scan = scanBus(bus, 1);
  t.same(scan.owned, [0x40]);
  t.same(
    scan.chips.map(({ address, name }) => [address, name]),
    [
      [0x41, 'INA3221'],
      [0x44, 'INA226'],
      [0x45, 'INA219 (likely)'],
      [0x46, 'unknown'],
    ],
  );
  t.ok(
    bus.transfers.every(({ kind }) => kind === 'read'),
    'a scan writes nothing',
  );
  bus.failures.push('BUS_STUCK');
  t.match(scanBus(bus, 1), { chips: [], problem: { code: 'BUS_STUCK' } });
});

function deps(root: string, overrides: Partial<ScanDeps> = {}): { deps: ScanDeps; out: string[] } {
  const out: string[] = [];
  mkdirSync(join(root, 'dev'), { recursive: true });
  return {
    out,
    deps: {
      write: (text) => out.push(text),
      sysRoot: root,
      devRoot: join(root, 'dev'),
      scan: () => Promise.resolve([]),
      ...overrides,
    },
  };
}

t.test('lists buses, chips with the command to use them, and the rails of the kernel', async (t) => {
  const root = sysfsTree(t, l4t32());
  const bus = new FakeBus();
  bus.addIna226(0x44);
  const { deps: d, out } = deps(root, {
    scan: (numbers) => Promise.resolve(numbers.map((number) => scanBus(bus, number))),
  });
  writeFileSync(join(root, 'dev/i2c-1'), '');
  t.equal(await runPowerScan({ format: 'table' }, d), 0);
  const text = out.join('');
  t.match(text, /i2c-0 {2}3160000.i2c {2}400 kHz\n {2}there is no .*i2c-0: `sudo modprobe i2c-dev`/);
  t.match(text, /i2c-1 .*\n {2}0x44 {2}INA226 {2}edgemux power --bus 1 --address 0x44 --shunt <ohm>/);
  t.match(text, /VDD_SYS_GPU {2}iio .* in VDD_IN/);
});

t.test('json has the same for programs', async (t) => {
  const root = sysfsTree(t, l4t32());
  const { deps: d, out } = deps(root);
  t.equal(await runPowerScan({ format: 'json' }, d), 0);
  t.match(JSON.parse(out.join('')), { buses: [{ number: 0, busHz: 400_000 }, { number: 1 }], rails: Array });
});

t.test('a machine with nothing is told what to do, with exit code 1', async (t) => {
  const { deps: d, out } = deps(sysfsTree(t, {}));
  t.equal(await runPowerScan({ format: 'table' }, d), 1);
  t.match(out.join(''), /no I2C bus: `sudo modprobe i2c-dev`.*--simulate/);
  t.match(out.join(''), /the kernel measures no rail/);
});

t.test('a bus that cannot be scanned says why', async (t) => {
  const root = sysfsTree(t, { ...l4t32() });
  writeFileSync(join(root, 'dev-i2c'), '');
  const problem = new EdgemuxError('BUS_UNAVAILABLE', 'i2c-bus cannot be loaded');
  const { deps: d, out } = deps(root, {
    scan: (numbers) =>
      Promise.resolve(
        numbers.map((bus) => ({
          bus,
          chips: [],
          owned: [],
          problem: { code: problem.code, message: problem.message },
        })),
      ),
  });
  writeFileSync(join(root, 'dev/i2c-0'), '');
  await runPowerScan({ format: 'table' }, d);
  t.match(out.join(''), /i2c-0 .*\n {2}i2c-bus cannot be loaded/);
});
