import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { collisionWarning, listI2cBuses, ownerOf, resolveI2cBus } from '../../../drivers/i2c/i2c-buses.js';
import { SAMPLE_FLAGS } from '../../../drivers/power-sensor.js';
import { topRails } from '../../../drivers/sysfs/boards.js';
import { findSysfsRails } from '../../../drivers/sysfs/sysfs-rails.js';
import { SysfsSensor } from '../../../drivers/sysfs/sysfs-sensor.js';
import { TestClock } from '../fakes.js';
import { l4t32, mainline, sysfsTree } from './sysfs-trees.js';

t.test('L4T 32: rails are found by their names, each once, whatever the device number', async (t) => {
  const found = findSysfsRails(sysfsTree(t, l4t32()));
  t.same(found.map(({ rail }) => [rail.name, rail.kind, rail.within]).sort(), [
    ['VDD_IN', 'iio', null],
    ['VDD_SYS_CPU', 'iio', 'VDD_IN'],
    ['VDD_SYS_GPU', 'iio', 'VDD_IN'],
  ]);
});

t.test('mainline: hwmon rails by label; disabled channels and other monitors are left out', async (t) => {
  const found = findSysfsRails(sysfsTree(t, mainline()));
  t.same(
    found.map(({ rail }) => [rail.name, rail.kind, rail.updateMs]),
    [
      ['ina226-7-0044', 'hwmon', 17],
      ['VDD_IN', 'hwmon', 100],
      ['VDD_SYS_CPU', 'hwmon', 100],
    ],
  );
});

t.test('a link to a device that has just left hides no other rail', async (t) => {
  const root = sysfsTree(t, l4t32());
  const links = join(root, 'bus/iio/devices');
  mkdirSync(links, { recursive: true });
  symlinkSync(join(root, 'gone/iio:device9'), join(links, 'iio:device9'));
  t.equal(findSysfsRails(root).length, 3);
});

t.test('a machine without any has none', async (t) => {
  t.same(findSysfsRails(sysfsTree(t, {})), []);
  t.same(findSysfsRails('/nowhere'), []);
});

t.test(
  'rails wired by hand: VDD_IN is never summed with its children, nor VDD_MUX with its own',
  async (t) => {
    const rails = (...names: string[]) => names.map((name) => ({ name, within: null }));
    const top = (...names: string[]) => topRails(rails(...names)).map(({ name }) => name);
    t.same(top('VDD_IN', 'VDD_SYS_GPU', 'VDD_SYS_CPU'), ['VDD_IN']);
    t.same(top('VDD_SYS_GPU', 'VDD_SYS_CPU'), ['VDD_SYS_GPU', 'VDD_SYS_CPU']);
    t.same(
      top('VDD_MUX', 'VDD_SYS_GPU', 'VDD_3V3_SYS'),
      ['VDD_MUX', 'VDD_SYS_GPU'],
      'VDD_MUX lies in parallel to VDD_IN',
    );
    t.same(top('usb', 'VDD_IN'), ['usb', 'VDD_IN']);
    t.same(
      topRails([
        { name: 'a', within: 'b' },
        { name: 'b', within: null },
      ]).map(({ name }) => name),
      ['b'],
    );
    t.same(
      topRails([
        { name: 'a', within: 'b' },
        { name: 'b', within: 'a' },
      ]).length,
      0,
      'a circle ends',
    );
  },
);

t.test(
  'values have their units: mV, mA, mW of L4T; mV, mA, uW of hwmon, the sign from the current',
  async (t) => {
    const clock = new TestClock();
    const sample = (tree: Parameters<typeof sysfsTree>[1], name: string) => {
      const found = findSysfsRails(sysfsTree(t, tree)).find(({ rail }) => rail.name === name);
      const sensor = found && new SysfsSensor({ clock }, found);
      sensor?.start();
      return sensor?.sample();
    };
    t.match(sample(l4t32(), 'VDD_IN'), { voltageV: 19.152, currentA: 0.277, powerW: 5.297 });
    t.match(sample(mainline(), 'VDD_IN'), { voltageV: 19.152, currentA: 0.277, powerW: 19.152 * 0.277 });
    t.match(sample(mainline(), 'ina226-7-0044'), { voltageV: 11.98, currentA: -10, powerW: -119.8 });
  },
);

t.test('equal values within one update are marked as the same', async (t) => {
  const clock = new TestClock();
  const root = sysfsTree(t, l4t32());
  const found = findSysfsRails(root).find(({ rail }) => rail.name === 'VDD_IN');
  const sensor = new SysfsSensor({ clock }, found!);
  t.equal(sensor.sample().flags, 0);
  clock.nowMs += 100;
  t.equal(sensor.sample().flags, SAMPLE_FLAGS.duplicate);
  clock.nowMs += 400;
  t.equal(sensor.sample().flags, 0);
});

t.test('a rail that goes away, or says nonsense, is an error and not a number', async (t) => {
  const clock = new TestClock();
  const root = sysfsTree(t, l4t32());
  const found = findSysfsRails(root).find(({ rail }) => rail.name === 'VDD_IN');
  const sensor = new SysfsSensor({ clock }, found!);
  const file = join(found!.rail.source, 'in_voltage0_input');
  for (const nonsense of ['', 'abc', '\n']) {
    writeFileSync(file, nonsense);
    t.throws(() => sensor.sample(), { code: 'SENSOR_FAILED' }, JSON.stringify(nonsense));
  }
  rmSync(file);
  t.throws(() => sensor.sample(), { code: 'CHIP_NOT_ANSWERING' });
});

t.test('buses are known by number, controller and clock', async (t) => {
  const root = sysfsTree(t, l4t32());
  t.same(listI2cBuses(root), [
    { number: 0, controller: '3160000.i2c', busHz: 400_000 },
    { number: 1, controller: 'c240000.i2c', busHz: 100_000 },
  ]);
  t.equal(resolveI2cBus(root, 'c240000.i2c').number, 1);
  t.equal(resolveI2cBus(root, 'i2c-0').number, 0);
  t.equal(resolveI2cBus(sysfsTree(t, mainline()), 'c240000.i2c').number, 7, 'mainline renumbers');
  t.equal(resolveI2cBus(sysfsTree(t, mainline()), 7).busHz, 400_000, 'from the device tree');
  t.throws(() => resolveI2cBus(root, 5), {
    code: 'BUS_UNAVAILABLE',
    message: /no I2C bus 5; there are i2c-0 \(3160000.i2c\), i2c-1/,
  });
  t.throws(() => resolveI2cBus('/nowhere', 1), { code: 'BUS_UNAVAILABLE', message: /modprobe i2c-dev/ });
});

t.test("an address of the TX2's own sensors, or of a kernel driver, is warned about", async (t) => {
  const root = sysfsTree(t, l4t32());
  const own = resolveI2cBus(root, 0);
  t.equal(ownerOf(root, 0, 0x41), 'ina3221x');
  t.equal(ownerOf(root, 0, 0x44), null);
  t.match(collisionWarning(root, own, 0x41), /belongs to the kernel driver ina3221x/);
  t.match(collisionWarning(root, own, 0x42), /INA3221 of the TX2 itself.*0x44/);
  t.equal(collisionWarning(root, own, 0x44), null);
  t.equal(collisionWarning(root, resolveI2cBus(root, 1), 0x41), null, 'pins 3 and 5 are free');
});
