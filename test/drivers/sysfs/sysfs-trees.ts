/** Folders like the kernel's `/sys`, made of plain files and links. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';

/** Writes files (`path: content`) and links (`path: { to }`, relative to the root) and returns the root. */
export function sysfsTree(
  t: Pick<Test, 'teardown'>,
  entries: Record<string, string | Buffer | { to: string }>,
): string {
  const root = mkdtempSync(join(tmpdir(), 'edgemux-sys-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(entries)) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    if (typeof content === 'string') writeFileSync(full, `${content}\n`);
    else if (Buffer.isBuffer(content)) writeFileSync(full, content);
    else symlinkSync(join(root, content.to), full);
  }
  return root;
}

/** A Jetson TX2 under L4T 32: two of the module's INA3221s, one channel without a name's files, odd numbers. */
export function l4t32(overrides: Record<string, string> = {}): Record<string, string | { to: string }> {
  const module = 'devices/3160000.i2c/i2c-0/0-0041/iio:device7';
  const inner = 'devices/3160000.i2c/i2c-0/0-0040/iio:device2';
  return {
    [`${module}/name`]: 'ina3221x',
    [`${module}/rail_name_0`]: 'VDD_IN',
    [`${module}/in_voltage0_input`]: '19152',
    [`${module}/in_current0_input`]: '277',
    [`${module}/in_power0_input`]: '5297',
    [`${module}/rail_name_1`]: 'VDD_SYS_CPU',
    [`${module}/in_voltage1_input`]: '19152',
    [`${module}/in_current1_input`]: '40',
    [`${module}/in_power1_input`]: '766',
    [`${module}/rail_name_2`]: 'VDD_SYS_DDR',
    [`${inner}/name`]: 'ina3221x',
    [`${inner}/rail_name_0`]: 'VDD_SYS_GPU',
    [`${inner}/in_voltage0_input`]: '19160',
    [`${inner}/in_current0_input`]: '16',
    [`${inner}/in_power0_input`]: '306',
    'bus/i2c/drivers/ina3221x/0-0041': { to: 'devices/3160000.i2c/i2c-0/0-0041' },
    'bus/i2c/drivers/ina3221x/0-0040': { to: 'devices/3160000.i2c/i2c-0/0-0040' },
    'bus/iio/devices/iio:device7': { to: module },
    'bus/iio/devices/iio:device2': { to: inner },
    'devices/3160000.i2c/i2c-0/bus_clk_rate': '400000',
    'devices/3160000.i2c/i2c-0/0-0041/driver': { to: 'bus/i2c/drivers/ina3221x' },
    'devices/c240000.i2c/i2c-1/bus_clk_rate': '100000',
    'bus/i2c/devices/i2c-0': { to: 'devices/3160000.i2c/i2c-0' },
    'bus/i2c/devices/i2c-1': { to: 'devices/c240000.i2c/i2c-1' },
    'bus/i2c/devices/0-0041': { to: 'devices/3160000.i2c/i2c-0/0-0041' },
    ...overrides,
  };
}

/** The same board under a mainline kernel: hwmon, no power files for the INA3221, an INA226 beside it. */
export function mainline(): Record<string, string | Buffer | { to: string }> {
  const ina3221 = 'devices/3160000.i2c/i2c-0/0-0041/hwmon/hwmon5';
  const ina226 = 'devices/c240000.i2c/i2c-7/7-0044/hwmon/hwmon3';
  return {
    [`${ina3221}/name`]: 'ina3221',
    [`${ina3221}/in1_label`]: 'VDD_IN',
    [`${ina3221}/in1_input`]: '19152',
    [`${ina3221}/curr1_input`]: '277',
    [`${ina3221}/in2_label`]: 'VDD_SYS_CPU',
    [`${ina3221}/in2_input`]: '19152',
    [`${ina3221}/curr2_input`]: '40',
    [`${ina3221}/in3_label`]: 'VDD_SYS_DDR',
    [`${ina3221}/in3_input`]: '19152',
    [`${ina3221}/in3_enable`]: '0',
    [`${ina3221}/curr3_input`]: '0',
    [`${ina3221}/in4_input`]: '1',
    [`${ina226}/name`]: 'ina226',
    [`${ina226}/in0_input`]: '20',
    [`${ina226}/in1_input`]: '11980',
    [`${ina226}/curr1_input`]: '-10000',
    [`${ina226}/power1_input`]: '119800000',
    [`${ina226}/update_interval`]: '17',
    [`${ina226}/device`]: { to: 'devices/c240000.i2c/i2c-7/7-0044' },
    'class/hwmon/hwmon0/name': 'thermal-fan-est',
    'class/hwmon/hwmon3': { to: ina226 },
    'class/hwmon/hwmon5': { to: ina3221 },
    'devices/c240000.i2c/i2c-7/of_node/clock-frequency': Buffer.from([0x00, 0x06, 0x1a, 0x80]),
    'bus/i2c/devices/i2c-7': { to: 'devices/c240000.i2c/i2c-7' },
  };
}
