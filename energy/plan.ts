/** From the settings to what the samplers are told: buses resolved, rates checked, kernel rails found. */
import { EdgemuxError, isEdgemuxError } from '../common/errors.js';
import {
  ASSUMED_BUS_HZ,
  collisionWarning,
  resolveI2cBus,
  type I2cBusInfo,
} from '../drivers/i2c/i2c-buses.js';
import { chipOf } from '../drivers/chips.js';
import { TIGHT_USE, checkBusBudget } from '../drivers/sampler/rate-budget.js';
import type { I2cPlan, RailPlan, SysfsPlan } from '../drivers/sampler/sampler-plan.js';
import { boardOf, knownParent, totalOf } from '../drivers/sysfs/boards.js';
import { forbiddenText } from '../drivers/sysfs/sysfs-files.js';
import { findSysfsRails, forbiddenRails, type SysfsRail } from '../drivers/sysfs/sysfs-rails.js';
import {
  isChipRail,
  railSchema,
  type ChipRailConfig,
  type KernelRailConfig,
  type PowerConfig,
} from './config.js';

export interface RailsPlan {
  /** Rails of the I2C sampler (or the simulated ones), and rails of the kernel's sampler. */
  i2c: I2cPlan[];
  kernel: SysfsPlan[];
  /** Names of the kernel's rails whose sum is the device's power. */
  counted: string[];
  /** For people: what is missing or doubtful. */
  warnings: string[];
}

const KERNEL_RATE_HZ = 10;
/** The rail of `simulate` where none is configured. */
const SIMULATED = { name: 'sim_module', kind: 'ina226' };
const SIMULATED_BUS: I2cBusInfo = { number: 0, controller: 'simulated', busHz: 400_000 };

/**
 * Plans the rails. Impossible settings throw (`RAIL_CONFIG_INVALID`, `RAIL_RATE_IMPOSSIBLE`); what is merely not
 * there on this machine becomes a warning, and its rail is left out.
 */
export function planRails(config: PowerConfig, sysRoot: string): RailsPlan {
  const plan: RailsPlan = { i2c: [], kernel: [], counted: [], warnings: [] };
  if (config.simulate) {
    const rails = simulatedRails(config);
    const addresses = simulatedAddresses(rails);
    plan.i2c = rails.map((rail, i) =>
      planChipRail(rail, { bus: SIMULATED_BUS, address: addresses[i] ?? rail.address, simulated: true }),
    );
    return named(plan);
  }
  const found = config.rails.some((rail) => !isChipRail(rail)) ? findSysfsRails(sysRoot) : [];
  const forbidden = new Set<string>();
  for (const rail of config.rails) {
    if (isChipRail(rail)) addChipRail(plan, rail, sysRoot);
    else for (const name of addKernelRails(plan, rail, found)) forbidden.add(name);
  }
  if (forbidden.size > 0) plan.warnings.push(forbiddenText([...forbidden]));
  countKernelRails(plan, config, found);
  checkSum(plan, config.sum);
  checkBudgets(plan, config, sysRoot);
  return named(plan);
}

/** A rail of the kernel is simulated as if a chip of ours measured it. */
function simulatedRails(config: PowerConfig): ChipRailConfig[] {
  const rails = config.rails.length > 0 ? config.rails : [railSchema.parse(SIMULATED)];
  return rails.flatMap((rail, i) => {
    const name = rail.name || `sim_rail${i}`;
    const chip = isChipRail(rail) ? rail : railSchema.parse({ kind: SIMULATED.kind, within: rail.within });
    return isChipRail(chip) ? [{ ...chip, name }] : [];
  });
}

/** Each rail's own address, where one before it has not taken that: all of them are on the one simulated bus. */
function simulatedAddresses(rails: readonly ChipRailConfig[]): number[] {
  const taken = new Set<number>();
  for (const { address } of rails) {
    let free = address;
    while (taken.has(free)) free += 1;
    taken.add(free);
  }
  return [...taken];
}

interface ChipRailPlace {
  bus: I2cBusInfo;
  address: number;
  simulated: boolean;
}

function planChipRail(config: ChipRailConfig, { bus, address, simulated }: ChipRailPlace): I2cPlan {
  const chip = chipOf(config.kind);
  const name = config.name || `${chip.name}-${bus.number}-${address.toString(16)}`;
  const rateHz = config.rateHz ?? chip.rateHz.usual;
  const planned = chip.plan(config, { name, address, rateHz, simulated });
  return {
    type: 'i2c',
    chip: chip.name,
    bus: bus.number,
    address,
    rateHz,
    settings: planned.settings,
    transfers: planned.transfers,
    rail: {
      name,
      kind: chip.name,
      simulated,
      source: simulated ? 'simulated' : `i2c-${bus.number} 0x${address.toString(16)}`,
      within: config.within ?? knownParent(name),
      updateMs: planned.updateMs,
      spanMs: planned.spanMs,
      fullScaleA: planned.fullScaleA,
    },
  };
}

function addChipRail(plan: RailsPlan, rail: ChipRailConfig, sysRoot: string): void {
  try {
    const bus = resolveI2cBus(sysRoot, rail.bus);
    const collision = collisionWarning(sysRoot, bus, rail.address);
    if (collision) plan.warnings.push(collision);
    plan.i2c.push(planChipRail(rail, { bus, address: rail.address, simulated: false }));
  } catch (error) {
    if (!isEdgemuxError(error, 'BUS_UNAVAILABLE')) throw error;
    plan.warnings.push(error.message);
  }
}

/** @returns the names of the wanted rails that only root may read, which are left out */
function addKernelRails(plan: RailsPlan, rail: KernelRailConfig, all: readonly SysfsRail[]): string[] {
  const found = all.filter(
    (each) =>
      (rail.kind === 'auto' || each.rail.kind === rail.kind) &&
      (rail.name === '' || each.rail.name === rail.name),
  );
  if (found.length === 0) {
    const what = rail.name === '' ? 'a rail' : `the rail ${rail.name}`;
    plan.warnings.push(
      `the kernel does not measure ${what} (${rail.kind}): \`edgemux power scan\` lists what there is`,
    );
  }
  const forbidden = forbiddenRails(found);
  for (const each of found) {
    if (forbidden.includes(each.rail.name)) continue;
    const rateHz = rail.rateHz ?? KERNEL_RATE_HZ;
    const within = rail.name !== '' && rail.within !== null ? rail.within : each.rail.within;
    plan.kernel.push({ type: 'sysfs', rateHz, files: each.files, rail: { ...each.rail, within } });
  }
  return forbidden;
}

/** Which of the kernel's rails are the whole; where none is that is said, unless it already was or does not matter. */
function countKernelRails(plan: RailsPlan, config: PowerConfig, all: readonly SysfsRail[]): void {
  if (plan.kernel.length === 0) return;
  const measured = plan.kernel.map(({ rail }) => rail.name);
  const board = boardOf(all.map(({ rail }) => rail.name));
  const total = totalOf(board, measured);
  plan.counted = total.counted;
  const forbidden = forbiddenRails(all);
  const isSaid = board?.total.some((name) => forbidden.includes(name) && !measured.includes(name)) ?? false;
  const isMoot = config.sum.length > 0 || plan.i2c.length > 0;
  if (total.counted.length === 0 && !isSaid && !isMoot) plan.warnings.push(total.says);
}

function checkBudgets(plan: RailsPlan, config: PowerConfig, sysRoot: string): void {
  for (const number of new Set(plan.i2c.map((rail) => rail.bus))) {
    const known = config.busHz ?? resolveI2cBus(sysRoot, number).busHz;
    const users = plan.i2c
      .filter((rail) => rail.bus === number)
      .map(({ rail, rateHz, transfers }) => ({ name: rail.name, rateHz, transfers }));
    const use = checkBusBudget({ name: `i2c-${number}`, busHz: known ?? ASSUMED_BUS_HZ }, users);
    if (use > TIGHT_USE) {
      plan.warnings.push(
        `i2c-${number} is ${(use * 100).toFixed(0)} % busy at ${(known ?? ASSUMED_BUS_HZ) / 1000} kHz` +
          `${known === null ? ' (assumed)' : ''}: expect missed samples`,
      );
    }
  }
}

/**
 * A sum that lacks a rail is no total: it is said, and nothing is counted.
 * @throws EdgemuxError RAIL_CONFIG_INVALID where a rail and a part of it would be added
 */
function checkSum(plan: RailsPlan, sum: readonly string[]): void {
  const rails = [...plan.i2c, ...plan.kernel].map(({ rail }) => rail);
  const names = rails.map(({ name }) => name);
  const parentOf = new Map(rails.map(({ name, within }) => [name, within]));
  for (const name of sum) {
    const whole = ancestors(name, parentOf).find((one) => sum.includes(one));
    if (whole !== undefined)
      throw new EdgemuxError(
        'RAIL_CONFIG_INVALID',
        `power.sum would count ${name} twice: it is a part of ${whole}. Name one of them`,
      );
  }
  const missing = sum.filter((name) => !names.includes(name));
  if (missing.length === 0) return;
  plan.warnings.push(
    `no total: power.sum names ${missing.join(', ')}, which is not measured; measured are ${names.join(', ') || 'none'}`,
  );
}

/** What a rail is a part of, from the nearest on. */
function ancestors(name: string, parentOf: ReadonlyMap<string, string | null>): string[] {
  const found: string[] = [];
  for (let next = parentOf.get(name); next && !found.includes(next); next = parentOf.get(next))
    found.push(next);
  return found;
}

/** Names must be unique: messages and sums refer to them. */
function named(plan: RailsPlan): RailsPlan {
  const seen = new Set<string>();
  for (const { rail } of [...plan.i2c, ...plan.kernel] as RailPlan[]) {
    if (seen.has(rail.name)) {
      throw new EdgemuxError(
        'RAIL_CONFIG_INVALID',
        `two rails are called ${rail.name}: give one another name`,
      );
    }
    seen.add(rail.name);
  }
  return plan;
}
