/** I2C buses as the kernel lists them: numbers, controllers, clocks, and who owns an address. Reads sysfs only. */
import { readFileSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EdgemuxError } from '../../common/errors.js';

export interface I2cBusInfo {
  number: number;
  /** Device that drives the bus, such as `c240000.i2c`. */
  controller: string;
  /** Clock in Hz; null where the kernel does not say. */
  busHz: number | null;
}

/** Clock of a bus that says nothing: the standard mode, what the TX2 uses when its device tree is silent. */
export const ASSUMED_BUS_HZ = 100_000;
/** GEN1_I2C of the TX2 carries the module's and the carrier's own INA3221s. */
const TX2_OWN_CONTROLLER = '3160000.i2c';
const TX2_OWN_ADDRESSES = [0x40, 0x41, 0x42, 0x43];

export function listI2cBuses(sysRoot: string): I2cBusInfo[] {
  const folder = join(sysRoot, 'bus/i2c/devices');
  return names(folder)
    .map((name) => /^i2c-(\d+)$/.exec(name)?.[1])
    .filter((number) => number !== undefined)
    .map((number) => describeBus(join(folder, `i2c-${number}`), Number(number)))
    .sort((a, b) => a.number - b.number);
}

/** The bus with this number, or with this controller. */
export function resolveI2cBus(sysRoot: string, wanted: number | string): I2cBusInfo {
  const buses = listI2cBuses(sysRoot);
  const number = typeof wanted === 'number' ? wanted : /^(?:i2c-)?(\d+)$/.exec(wanted)?.[1];
  const found = buses.find((bus) =>
    number === undefined ? bus.controller === wanted : bus.number === Number(number),
  );
  if (found) return found;
  const known = buses.map((bus) => `i2c-${bus.number} (${bus.controller})`).join(', ');
  throw new EdgemuxError(
    'BUS_UNAVAILABLE',
    buses.length === 0
      ? `there is no I2C bus: \`sudo modprobe i2c-dev\` loads the driver where there is hardware; \`--simulate\` shows simulated rails`
      : `there is no I2C bus ${wanted}; there are ${known}`,
    { details: { wanted } },
  );
}

/** Name of the kernel driver bound to an address; null where it is free. */
export function ownerOf(sysRoot: string, bus: number, address: number): string | null {
  const device = `${bus}-${address.toString(16).padStart(4, '0')}`;
  try {
    return basename(realpathSync(join(sysRoot, 'bus/i2c/devices', device, 'driver')));
  } catch {
    return null;
  }
}

/** A warning where an address collides with the TX2's own sensors, or is owned by the kernel; null where it is fine. */
export function collisionWarning(sysRoot: string, bus: I2cBusInfo, address: number): string | null {
  const where = `i2c-${bus.number} 0x${address.toString(16)}`;
  const owner = ownerOf(sysRoot, bus.number, address);
  if (owner) {
    return `${where} belongs to the kernel driver ${owner}: measure it through the kernel (kind: hwmon or iio)`;
  }
  if (bus.controller === TX2_OWN_CONTROLLER && TX2_OWN_ADDRESSES.includes(address)) {
    return (
      `${where} is an INA3221 of the TX2 itself: give the INA226 an address from 0x44 up, ` +
      `or wire it to header pins 3 and 5 (bus: c240000.i2c)`
    );
  }
  return null;
}

function describeBus(path: string, number: number): I2cBusInfo {
  return { number, controller: controllerOf(path), busHz: clockOf(path) };
}

/** `/sys/devices/c240000.i2c/i2c-1` → `c240000.i2c`. */
function controllerOf(path: string): string {
  try {
    return basename(dirname(realpathSync(path)));
  } catch {
    return '';
  }
}

/** L4T's `bus_clk_rate` in decimal, or the device tree's `clock-frequency` as four big-endian bytes. */
function clockOf(path: string): number | null {
  try {
    const busHz = Number(readFileSync(join(path, 'bus_clk_rate'), 'latin1').trim());
    if (busHz > 0) return busHz;
  } catch {
    // Not L4T.
  }
  try {
    return readFileSync(join(path, 'of_node/clock-frequency')).readUInt32BE(0);
  } catch {
    return null;
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
