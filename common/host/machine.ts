/**
 * What Linux, and L4T on a Jetson, say in `/sys` about this machine now: GPU, CPU clocks, temperatures, power mode.
 *
 * Sources: hardware paths of the TX2 (gp10b); thermal zones and cpufreq are the kernel's documented interface.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { jetsonGpuLoad } from './gpu-load.js';

export interface ClockRange {
  nowHz: number;
  minHz: number;
  maxHz: number;
}

export interface MachineFacts {
  /** null where there is no Jetson GPU; its load is the share of time that it is busy. */
  gpu: { load: number | null; clock: ClockRange | null } | null;
  /** By online CPU number; empty where the kernel scales no clocks. */
  cpuClocks: Record<number, ClockRange>;
  /** In °C by the zone's type. */
  temperaturesC: Record<string, number>;
  /** Mode of nvpmodel by what it has set; null on anything but a TX2 in one of its five modes. */
  powerMode: string | null;
}

const GPU_FOLDERS = ['devices/gpu.0', 'devices/17000000.gp10b'];
const GPU_DEVFREQ = 'devfreq/17000000.gp10b';
/** A constant 100 °C that no sensor measures. */
const FALSE_ZONES = ['PMIC-Die'];
const KHZ = 1000;

/** cpu1 and cpu2 of the TX2 are Denver, the others A57. */
const DENVER = [1, 2];
/** The five modes: CPUs online, and the highest clocks of CPUs and GPU in GHz. */
const POWER_MODES = [
  { name: 'MAXN', denver: 2, a57: 4, cpuGHz: 2.0, gpuGHz: 1.3 },
  { name: 'MAXQ', denver: 0, a57: 4, cpuGHz: 1.2, gpuGHz: 0.85 },
  { name: 'MAXP_CORE_ALL', denver: 2, a57: 4, cpuGHz: 1.4, gpuGHz: 1.12 },
  { name: 'MAXP_CORE_ARM', denver: 0, a57: 4, cpuGHz: 2.0, gpuGHz: 1.12 },
  { name: 'MAXP_CORE_DENVER', denver: 1, a57: 1, cpuGHz: 2.0, gpuGHz: 1.12 },
];
/** Of the rounded clocks in the table. */
const TOLERANCE_GHZ = { cpu: 0.06, gpu: 0.03 };

/** Reads everything anew; some 30 small files. */
export function readMachine(sysRoot = '/sys'): MachineFacts {
  const load = jetsonGpuLoad(sysRoot);
  const clock = gpuClock(sysRoot);
  const clocks = cpuClocks(sysRoot);
  return {
    gpu: load === null && clock === null ? null : { load, clock },
    cpuClocks: clocks,
    temperaturesC: temperatures(sysRoot),
    powerMode: clock === null ? null : powerMode(clocks, clock.maxHz),
  };
}

function gpuClock(sysRoot: string): ClockRange | null {
  for (const folder of GPU_FOLDERS) {
    const range = clockRange(join(sysRoot, folder, GPU_DEVFREQ), ['cur_freq', 'min_freq', 'max_freq'], 1);
    if (range) return range;
  }
  return null;
}

function cpuClocks(sysRoot: string): Record<number, ClockRange> {
  const names = ['scaling_cur_freq', 'scaling_min_freq', 'scaling_max_freq'] as const;
  return Object.fromEntries(
    onlineCpus(sysRoot).flatMap((cpu): [number, ClockRange][] => {
      const range = clockRange(join(sysRoot, `devices/system/cpu/cpu${cpu}/cpufreq`), names, KHZ);
      return range ? [[cpu, range]] : [];
    }),
  );
}

function clockRange(
  folder: string,
  names: readonly [string, string, string],
  unitHz: number,
): ClockRange | null {
  const [nowHz, minHz, maxHz] = names.map((name) => number(join(folder, name)));
  if (nowHz == null || minHz == null || maxHz == null) return null;
  return { nowHz: nowHz * unitHz, minHz: minHz * unitHz, maxHz: maxHz * unitHz };
}

/** `0,3-5` → 0, 3, 4, 5. */
function onlineCpus(sysRoot: string): number[] {
  const list = text(join(sysRoot, 'devices/system/cpu/online')) ?? '';
  return list.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    if (part === '' || first === undefined || last === undefined || !(last >= first)) return [];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function temperatures(sysRoot: string): Record<string, number> {
  const folder = join(sysRoot, 'class/thermal');
  const zones = names(folder).filter((name) => /^thermal_zone\d+$/.test(name));
  return Object.fromEntries(
    zones.flatMap((zone): [string, number][] => {
      const type = text(join(folder, zone, 'type'));
      const milli = number(join(folder, zone, 'temp'));
      if (type === null || type === '' || milli === null || FALSE_ZONES.includes(type)) return [];
      return [[type, milli / 1000]];
    }),
  );
}

/** @param cpuClocks of the online CPUs; @param gpuMaxHz the highest clock that the GPU may have now */
export function powerMode(cpuClocks: Readonly<Record<number, ClockRange>>, gpuMaxHz: number): string | null {
  const cpus = Object.keys(cpuClocks).map(Number);
  const denver = cpus.filter((cpu) => DENVER.includes(cpu)).length;
  const cpuMaxHz = Math.max(0, ...Object.values(cpuClocks).map(({ maxHz }) => maxHz));
  const found = POWER_MODES.find(
    (mode) =>
      mode.denver === denver &&
      mode.a57 === cpus.length - denver &&
      Math.abs(mode.cpuGHz - cpuMaxHz / 1e9) <= TOLERANCE_GHZ.cpu &&
      Math.abs(mode.gpuGHz - gpuMaxHz / 1e9) <= TOLERANCE_GHZ.gpu,
  );
  return found?.name ?? null;
}

function text(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

function number(path: string): number | null {
  const value = text(path);
  return value !== null && /^-?\d+$/.test(value) ? Number(value) : null;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
