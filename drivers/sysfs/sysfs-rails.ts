/**
 * Rails that the kernel measures: hwmon (`ina2xx`, `ina238`, `ina3221`) and L4T's IIO attributes of the Jetson's INA3221s.
 * Found by what the folders contain; device numbers change from boot to boot.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Rail, RailKind } from '../power-sensor.js';
import { boardOf, knownParent } from './boards.js';
import { isForbidden, list, problemOf, text, type FileProblem } from './sysfs-files.js';

/** Files of one rail. Power may be missing: then it is voltage times current. */
export interface SysfsFiles {
  voltageMv: string;
  currentMa: string;
  power: { path: string; unit: 'uW' | 'mW' } | null;
}

export interface SysfsRail {
  rail: Rail;
  files: SysfsFiles;
  /** Why it gave no value when it was looked for; null where it did. */
  problem: FileProblem | null;
}

/** L4T's continuous mode: 64 averages x 2.2 ms x 3 channels. */
const L4T_UPDATE_MS = 422;
const HWMON_UPDATE_MS = 100;

/** Every rail that the kernel under `sysRoot` (`/sys`) has, each once, those that cannot be read included. */
export function findSysfsRails(sysRoot: string): SysfsRail[] {
  const seen = new Set<string>();
  const names = new Map<string, number>();
  const found = [...hwmonFolders(sysRoot).flatMap(hwmonRails), ...iioFolders(sysRoot).flatMap(iioRails)]
    .filter(({ files: { voltageMv } }) => {
      const place = join(realpathSync(dirname(voltageMv)), basename(voltageMv));
      return !seen.has(place) && Boolean(seen.add(place));
    })
    .map((each) => {
      const count = (names.get(each.rail.name) ?? 0) + 1;
      names.set(each.rail.name, count);
      const name = count === 1 ? each.rail.name : `${each.rail.name}-${count}`;
      return { ...each, rail: { ...each.rail, name } };
    });
  const board = boardOf(found.map(({ rail }) => rail.name));
  return found.map((each) => {
    const within = board && knownParent(each.rail.name, board);
    return { ...each, rail: { ...each.rail, within } };
  });
}

/** Names of the rails that only root may read. */
export function forbiddenRails(rails: readonly SysfsRail[]): string[] {
  return rails.filter(({ problem }) => problem && isForbidden(problem)).map(({ rail }) => rail.name);
}

function hwmonFolders(sysRoot: string): string[] {
  return list(join(sysRoot, 'class/hwmon')).filter((folder) => /^ina\d/.test(chipOf(folder)));
}

function chipOf(folder: string): string {
  return text(folder, 'name') ?? linkName(join(folder, 'device/driver')) ?? '';
}

function hwmonRails(folder: string): SysfsRail[] {
  const chip = chipOf(folder);
  const updateMs = Number(text(folder, 'update_interval') ?? '') || HWMON_UPDATE_MS;
  const device = linkName(join(folder, 'device')) ?? basename(folder);
  if (chip === 'ina3221') {
    return [1, 2, 3]
      .filter((channel) => isConnected(folder, channel))
      .flatMap((channel) => {
        const files = filesOf(folder, `in${channel}_input`, `curr${channel}_input`, null);
        const name = text(folder, `in${channel}_label`) ?? `${chip}-${device}-${channel}`;
        return describe('hwmon', name, files, updateMs);
      });
  }
  // ina2xx and ina238: in0 is the shunt's voltage, in1 the bus voltage.
  const files = filesOf(folder, 'in1_input', 'curr1_input', { name: 'power1_input', unit: 'uW' });
  const name = text(folder, 'label') ?? text(folder, 'in1_label') ?? `${chip}-${device}`;
  return describe('hwmon', name, files, updateMs);
}

/** A channel that is switched off, or has no shunt (0 ohm), measures nothing. */
function isConnected(folder: string, channel: number): boolean {
  return text(folder, `in${channel}_enable`) !== '0' && text(folder, `shunt${channel}_resistor`) !== '0';
}

/** `/sys/bus/i2c/drivers/ina3221x/0-0041/iio:device1` (L4T 28 and 32), and the same folders by class. */
function iioFolders(sysRoot: string): string[] {
  const drivers = list(join(sysRoot, 'bus/i2c/drivers/ina3221x')).flatMap(list);
  return [...drivers, ...list(join(sysRoot, 'bus/iio/devices'))].filter((folder) =>
    basename(folder).startsWith('iio:device'),
  );
}

function iioRails(folder: string): SysfsRail[] {
  const channels = list(folder).flatMap((path) => /^rail_name_(\d+)$/.exec(basename(path))?.[1] ?? []);
  if (channels.length === 0) return []; // also where a link's device has just left
  const device = basename(dirname(realpathSync(folder)));
  return channels.flatMap((channel) => {
    const name = text(folder, `rail_name_${channel}`) ?? `ina3221x-${device}-${channel}`;
    const power = { name: `in_power${channel}_input`, unit: 'mW' as const };
    const files = filesOf(folder, `in_voltage${channel}_input`, `in_current${channel}_input`, power);
    return describe('iio', name, files, L4T_UPDATE_MS);
  });
}

/** The rail of these files; none where they are missing or nothing is connected (device trees say `NC`). */
function describe(kind: RailKind, name: string, files: SysfsFiles | null, updateMs: number): SysfsRail[] {
  if (!files || name === '' || /^nc$/i.test(name)) return [];
  const safe = name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 60);
  const rail: Rail = {
    name: safe,
    kind,
    simulated: false,
    source: dirname(files.voltageMv),
    within: null,
    updateMs,
    spanMs: 2 * updateMs,
    fullScaleA: null,
  };
  const paths = [files.voltageMv, files.currentMa, ...(files.power ? [files.power.path] : [])];
  return [{ files, rail, problem: problemOf(paths) }];
}

/** The files of a rail by what the folder lists: one that cannot be read is there all the same. */
function filesOf(
  folder: string,
  voltage: string,
  current: string,
  power: { name: string; unit: 'uW' | 'mW' } | null,
): SysfsFiles | null {
  const there = new Set(list(folder).map((path) => basename(path)));
  if (!there.has(voltage) || !there.has(current)) return null;
  return {
    voltageMv: join(folder, voltage),
    currentMa: join(folder, current),
    power: power && there.has(power.name) ? { path: join(folder, power.name), unit: power.unit } : null,
  };
}

/** The last part of what a link leads to (`0-0040` for a folder's `device`); null where there is no link. */
function linkName(path: string): string | null {
  try {
    return basename(realpathSync(path));
  } catch {
    return null;
  }
}
