/**
 * Rails that the kernel measures: hwmon (`ina2xx`, `ina3221`) and L4T's IIO attributes of the Jetson's INA3221s.
 * Found by what the folders contain; device numbers change from boot to boot.
 */
import { readFileSync, readdirSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Rail, RailKind } from '../power-sensor.js';

/** Files of one rail. Power may be missing: then it is voltage times current. */
export interface SysfsFiles {
  voltageMv: string;
  currentMa: string;
  power: { path: string; unit: 'uW' | 'mW' } | null;
}

export interface SysfsRail {
  rail: Rail;
  files: SysfsFiles;
}

/** L4T's continuous mode: 64 averages x 2.2 ms x 3 channels. */
const L4T_UPDATE_MS = 422;
const HWMON_UPDATE_MS = 100;

/** Which rail of a Jetson TX2 contains which (L4T's rail names). */
const TX2_WITHIN: Record<string, string> = {
  VDD_IN: 'VDD_MUX',
  VDD_SYS_GPU: 'VDD_IN',
  VDD_SYS_SOC: 'VDD_IN',
  VDD_4V0_WIFI: 'VDD_IN',
  VDD_SYS_CPU: 'VDD_IN',
  VDD_SYS_DDR: 'VDD_IN',
  VDD_5V0_IO_SYS: 'VDD_MUX',
  VDD_3V3_SYS: 'VDD_MUX',
  VDD_3V3_IO_SLP: 'VDD_MUX',
  VDD_1V8_IO: 'VDD_MUX',
  VDD_3V3_SYS_M2: 'VDD_MUX',
};

/** The rail that contains a TX2 rail; null where unknown or none. */
export function knownParent(name: string): string | null {
  return TX2_WITHIN[name] ?? null;
}

/**
 * Rails that no other measured rail contains: the ones whose sum is the device's power. A parent that is not
 * measured is looked through (VDD_SYS_GPU lies in VDD_IN, and that in VDD_MUX).
 */
export function topRails<T extends Pick<Rail, 'name' | 'within'>>(rails: readonly T[]): T[] {
  const byName = new Map(rails.map((rail) => [rail.name, rail]));
  return rails.filter((rail) => {
    const seen = new Set([rail.name]);
    let parent = rail.within ?? knownParent(rail.name);
    while (parent !== null && !seen.has(parent)) {
      const measured = byName.get(parent);
      if (measured) return false;
      seen.add(parent);
      parent = knownParent(parent);
    }
    return true;
  });
}

/** Every rail that the kernel under `sysRoot` (`/sys`) measures, each once. */
export function findSysfsRails(sysRoot: string): SysfsRail[] {
  const seen = new Set<string>();
  const names = new Map<string, number>();
  return [...hwmonFolders(sysRoot).flatMap(hwmonRails), ...iioFolders(sysRoot).flatMap(iioRails)]
    .filter(({ files }) => {
      const path = realpathSync(files.voltageMv);
      return !seen.has(path) && Boolean(seen.add(path));
    })
    .map((found) => {
      const count = (names.get(found.rail.name) ?? 0) + 1;
      names.set(found.rail.name, count);
      return count === 1 ? found : { ...found, rail: { ...found.rail, name: `${found.rail.name}-${count}` } };
    });
}

function hwmonFolders(sysRoot: string): string[] {
  return list(join(sysRoot, 'class/hwmon')).filter((folder) => /^ina\d/.test(text(folder, 'name') ?? ''));
}

function hwmonRails(folder: string): SysfsRail[] {
  const chip = text(folder, 'name') ?? '';
  const updateMs = Number(text(folder, 'update_interval') ?? '') || HWMON_UPDATE_MS;
  if (chip === 'ina3221') {
    return [1, 2, 3].flatMap((channel) => {
      const files = present(folder, `in${channel}_input`, `curr${channel}_input`, null);
      const name = text(folder, `in${channel}_label`) ?? `${chip}-${deviceName(folder)}-${channel}`;
      return files && enabled(folder, channel) ? [describe('hwmon', name, files, updateMs)] : [];
    });
  }
  // ina2xx: in0 is the shunt's voltage, in1 the bus voltage.
  const files = present(folder, 'in1_input', 'curr1_input', { name: 'power1_input', unit: 'uW' });
  const name = text(folder, 'label') ?? text(folder, 'in1_label') ?? `${chip}-${deviceName(folder)}`;
  return files ? [describe('hwmon', name, files, updateMs)] : [];
}

function enabled(folder: string, channel: number): boolean {
  return (text(folder, `in${channel}_enable`) ?? '1') !== '0';
}

/** `/sys/bus/i2c/drivers/ina3221x/0-0041/iio:device1` (L4T 28 and 32), and the same folders by class. */
function iioFolders(sysRoot: string): string[] {
  const drivers = list(join(sysRoot, 'bus/i2c/drivers/ina3221x')).flatMap(list);
  return [...drivers, ...list(join(sysRoot, 'bus/iio/devices'))].filter((folder) =>
    basename(folder).startsWith('iio:device'),
  );
}

function iioRails(folder: string): SysfsRail[] {
  return list(folder)
    .map((path) => /^rail_name_(\d+)$/.exec(basename(path))?.[1])
    .filter((channel) => channel !== undefined)
    .flatMap((channel) => {
      const name = text(folder, `rail_name_${channel}`);
      const power = { name: `in_power${channel}_input`, unit: 'mW' as const };
      const files = present(folder, `in_voltage${channel}_input`, `in_current${channel}_input`, power);
      return files && name ? [describe('iio', name, files, L4T_UPDATE_MS)] : [];
    });
}

function describe(kind: RailKind, name: string, files: SysfsFiles, updateMs: number): SysfsRail {
  const safe = name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 60);
  const source = files.voltageMv.slice(0, files.voltageMv.lastIndexOf('/'));
  const within = knownParent(safe);
  const rail: Rail = {
    name: safe,
    kind,
    simulated: false,
    source,
    within,
    updateMs,
    spanMs: 2 * updateMs,
    fullScaleA: null,
  };
  return { files, rail };
}

function present(
  folder: string,
  voltage: string,
  current: string,
  power: { name: string; unit: 'uW' | 'mW' } | null,
): SysfsFiles | null {
  if (text(folder, voltage) === null || text(folder, current) === null) return null;
  const hasPower = power !== null && text(folder, power.name) !== null;
  return {
    voltageMv: join(folder, voltage),
    currentMa: join(folder, current),
    power: hasPower ? { path: join(folder, power.name), unit: power.unit } : null,
  };
}

/** `0-0040` from the folder's link to its device; the folder's own name where there is none. */
function deviceName(folder: string): string {
  try {
    return basename(realpathSync(join(folder, 'device')));
  } catch {
    return basename(folder);
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function text(folder: string, name: string): string | null {
  try {
    return readFileSync(join(folder, name), 'utf8').trim();
  } catch {
    return null;
  }
}
