/** `edgemux power scan`: which buses, power monitors and kernel rails this machine has, and what to do about none. */
import { accessSync, constants } from 'node:fs';
import { EXIT } from '../../common/exit.js';
import { CHIPS } from '../../drivers/chips.js';
import { listI2cBuses, ownerOf, type I2cBusInfo } from '../../drivers/i2c/i2c-buses.js';
import { scanBuses } from '../../drivers/i2c/scan-buses.js';
import type { BusScan } from '../../drivers/i2c/scan.js';
import { boardOf, totalOf, type Board, type Total } from '../../drivers/sysfs/boards.js';
import { forbiddenText, isForbidden } from '../../drivers/sysfs/sysfs-files.js';
import { findSysfsRails, forbiddenRails, type SysfsRail } from '../../drivers/sysfs/sysfs-rails.js';
import type { ScanOptions } from './options.js';

export interface ScanDeps {
  write: (text: string) => void;
  sysRoot: string;
  devRoot: string;
  scan: (numbers: readonly number[]) => Promise<BusScan[]>;
}

const SYSTEM: ScanDeps = {
  write: (text) => process.stdout.write(text),
  sysRoot: '/sys',
  devRoot: '/dev',
  scan: scanBuses,
};

/** Returns exit code 1 where there is nothing that measures. */
export async function runPowerScan(options: ScanOptions, deps: ScanDeps = SYSTEM): Promise<number> {
  const buses = listI2cBuses(deps.sysRoot);
  const access = buses.map((bus) => ({ bus, problem: accessProblem(deps.devRoot, bus.number) }));
  const open = access.filter(({ problem }) => problem === null).map(({ bus }) => bus.number);
  const scans = await deps.scan(open);
  const kernel = kernelRails(deps.sysRoot);
  const found = access.map(({ bus, problem }) => ({
    ...bus,
    problem: problem ?? scans.find((scan) => scan.bus === bus.number)?.problem?.message ?? null,
    chips: scans.find((scan) => scan.bus === bus.number)?.chips ?? [],
    owned: (scans.find((scan) => scan.bus === bus.number)?.owned ?? []).map((address) => ({
      address,
      driver: ownerOf(deps.sysRoot, bus.number, address),
    })),
  }));
  if (options.format === 'json') {
    deps.write(`${JSON.stringify({ buses: found, ...jsonOf(kernel) }, null, 2)}\n`);
  } else {
    deps.write([...found.flatMap(busLines), ...advice(buses), ...railLines(kernel)].join('\n') + '\n');
  }
  const measures = kernel.rails.some(({ problem }) => problem === null);
  return measures || found.some((bus) => bus.chips.length > 0) ? EXIT.ok : EXIT.failure;
}

/** What the kernel measures, and what of it is the whole. */
interface KernelRails {
  rails: SysfsRail[];
  board: Board | null;
  total: Total;
}

function kernelRails(sysRoot: string): KernelRails {
  const rails = findSysfsRails(sysRoot);
  const board = boardOf(rails.map(({ rail }) => rail.name));
  const readable = rails.filter(({ problem }) => problem === null).map(({ rail }) => rail.name);
  return { rails, board, total: totalOf(board, readable) };
}

function jsonOf({ rails, board, total }: KernelRails): object {
  return {
    board: board?.title ?? null,
    total: rails.length === 0 ? null : total,
    rails: rails.map(({ rail, problem }) => ({
      ...rail,
      counted: total.counted.includes(rail.name),
      problem,
    })),
  };
}

type FoundBus = I2cBusInfo & {
  problem: string | null;
  chips: BusScan['chips'];
  owned: { address: number; driver: string | null }[];
};

function busLines(bus: FoundBus): string[] {
  const clock = bus.busHz === null ? 'clock unknown, 100 kHz assumed' : `${bus.busHz / 1000} kHz`;
  const lines = [`i2c-${bus.number}  ${bus.controller}  ${clock}`];
  for (const chip of bus.chips) {
    lines.push(`  ${hex(chip.address)}  ${chip.name}  ${useOf(bus, chip)}`);
  }
  for (const { address, driver } of bus.owned) {
    lines.push(`  ${hex(address)}  owned by the kernel driver ${driver ?? '(unknown)'}: see its rail below`);
  }
  if (bus.problem !== null) lines.push(`  ${bus.problem}`);
  else if (bus.chips.length + bus.owned.length === 0) {
    lines.push('  no chip answers at 0x40 to 0x4f: check wiring, supply and the address pins');
  }
  return lines;
}

/** How to measure with a chip; its ids where edgemux cannot. */
function useOf(bus: FoundBus, chip: BusScan['chips'][number]): string {
  const known = Object.values(CHIPS).find(({ label }) => label === chip.name);
  if (!known) return `ids ${hex(chip.manufacturerId, 4)}/${hex(chip.dieId, 4)}`;
  if (known === CHIPS.ina226) {
    return `edgemux power --bus ${bus.number} --address ${hex(chip.address)} --shunt <ohm>`;
  }
  return `power.rails: { kind: ${known.name}, bus: ${bus.number}, address: ${hex(chip.address)} }`;
}

function advice(buses: readonly I2cBusInfo[]): string[] {
  if (buses.length > 0) return [];
  return [
    'no I2C bus: `sudo modprobe i2c-dev` where the machine has one; `edgemux power --simulate` shows simulated rails',
  ];
}

function railLines({ rails, board, total }: KernelRails): string[] {
  if (rails.length === 0)
    return ['the kernel measures no rail (neither hwmon ina2xx/ina238/ina3221 nor L4T iio)'];
  const forbidden = forbiddenRails(rails);
  return [
    `rails of the kernel (kind: auto takes them all)${board ? `; by their names: ${board.title}` : ''}`,
    ...rails.map((each) => railLine(each, total)),
    ...(forbidden.length > 0 ? [forbiddenText(forbidden)] : []),
    ...(forbidden.length < rails.length ? [total.says] : []),
  ];
}

function railLine({ rail, problem }: SysfsRail, total: Total): string {
  const notes = [
    rail.within === null ? '' : `in ${rail.within}`,
    total.counted.includes(rail.name) ? 'counted' : '',
    problemNote(problem),
  ];
  return ['', rail.name, rail.kind, rail.source, ...notes.filter((note) => note !== '')].join('  ');
}

function problemNote(problem: SysfsRail['problem']): string {
  if (problem === null) return '';
  return isForbidden(problem)
    ? `not readable (${problem.code})`
    : `cannot be read: ${problem.path}: ${problem.code}`;
}

/** Why `/dev/i2c-N` cannot be used, with the command that mends it; null where it can. */
export function accessProblem(devRoot: string, number: number): string | null {
  const path = `${devRoot}/i2c-${number}`;
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return null;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing
      ? `there is no ${path}: \`sudo modprobe i2c-dev\``
      : `no right to use ${path}: \`sudo usermod -aG i2c $USER\`, then log in again`;
  }
}

function hex(value: number, digits = 2): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
