/** From the settings to what the samplers are told: buses resolved, rates checked, kernel rails found. */
import { EdgemuxError, isEdgemuxError } from '../../common/errors.js';
import { ASSUMED_BUS_HZ, collisionWarning, resolveI2cBus, type I2cBusInfo } from '../../drivers/i2c-buses.js';
import { CALIBRATION_UNITY, calibrationFor, fullScaleA } from '../../drivers/ina226-registers.js';
import { timingFor, updateMs } from '../../drivers/ina226-timing.js';
import { TIGHT_USE, checkBusBudget } from '../../drivers/rate-budget.js';
import type { Ina226Plan, RailPlan, SysfsPlan } from '../../drivers/sampler-plan.js';
import { findSysfsRails, knownParent } from '../../drivers/sysfs-rails.js';
import type { PowerConfig, RailConfig } from './config.js';

export interface RailsPlan {
  /** Rails of the I2C sampler (or the simulated ones), and rails of the kernel's sampler. */
  i2c: Ina226Plan[];
  kernel: SysfsPlan[];
  /** For people: what is missing or doubtful. */
  warnings: string[];
}

const INA226_RATE_HZ = 1000;
const KERNEL_RATE_HZ = 10;
/** Rails of `simulate` where none are configured. */
const SIMULATED: Partial<RailConfig>[] = [{ name: 'sim_module', kind: 'ina226', shuntOhms: 0.01 }];
const SIMULATED_BUS: I2cBusInfo = { number: 0, controller: 'simulated', busHz: 400_000 };

/**
 * Plans the rails. Impossible settings throw (`RAIL_CONFIG_INVALID`, `RAIL_RATE_IMPOSSIBLE`); what is merely not
 * there on this machine becomes a warning, and its rail is left out.
 */
export function planRails(config: PowerConfig, sysRoot: string): RailsPlan {
  const plan: RailsPlan = { i2c: [], kernel: [], warnings: [] };
  if (config.simulate) {
    plan.i2c = simulatedRails(config).map((rail, i) =>
      planIna226(rail, SIMULATED_BUS, { address: 0x40 + i }),
    );
    return named(plan);
  }
  for (const rail of config.rails) {
    if (rail.kind === 'ina226') addIna226(plan, rail, config, sysRoot);
    else addKernelRails(plan, rail, sysRoot);
  }
  checkBudgets(plan, config, sysRoot);
  return named(plan);
}

function simulatedRails(config: PowerConfig): RailConfig[] {
  const [template] = config.rails;
  if (!template) return SIMULATED.map((rail) => ({ ...DEFAULT_RAIL, ...rail }));
  return config.rails.map((rail, i) => ({
    ...rail,
    name: rail.name || `sim_rail${i}`,
    shuntOhms: rail.shuntOhms ?? 0.01,
    rateHz: rail.kind === 'ina226' ? rail.rateHz : null,
  }));
}

const DEFAULT_RAIL: RailConfig = {
  name: '',
  kind: 'ina226',
  bus: 0,
  address: 0x40,
  shuntOhms: null,
  maxCurrentA: null,
  mode: 'continuous',
  averaging: 'auto',
  shuntConversionUs: 'auto',
  busConversionUs: 'auto',
  rateHz: null,
  within: null,
};

function addIna226(plan: RailsPlan, rail: RailConfig, config: PowerConfig, sysRoot: string): void {
  try {
    const bus = resolveI2cBus(sysRoot, rail.bus);
    const collision = collisionWarning(sysRoot, bus, rail.address);
    if (collision) plan.warnings.push(collision);
    plan.i2c.push(planIna226(rail, { ...bus, busHz: config.busHz ?? bus.busHz }, { address: rail.address }));
  } catch (error) {
    if (!isEdgemuxError(error, 'BUS_UNAVAILABLE')) throw error;
    plan.warnings.push(error.message);
  }
}

function planIna226(rail: RailConfig, bus: I2cBusInfo, options: { address: number }): Ina226Plan {
  const { shuntOhms } = rail;
  const name = rail.name || `ina226-${bus.number}-${options.address.toString(16)}`;
  if (shuntOhms === null) {
    throw new EdgemuxError(
      'RAIL_CONFIG_INVALID',
      `rail ${name}: shuntOhms is missing: the resistor beside the INA226`,
    );
  }
  const rateHz = rail.rateHz ?? INA226_RATE_HZ;
  const mode = rail.mode === 'triggered' ? 'bothTriggered' : 'bothContinuous';
  const wish = {
    averages: rail.averaging,
    shuntConversionUs: rail.shuntConversionUs,
    busConversionUs: rail.busConversionUs,
  };
  const configuration = timingFor(rateHz, wish, mode);
  const chipMs = updateMs(configuration);
  const ageMs = mode === 'bothTriggered' ? 0 : Math.min(chipMs, 1000 / rateHz);
  return {
    type: 'ina226',
    rateHz,
    bus: bus.number,
    settings: { address: options.address, shuntOhms, calibration: calibrationOf(rail, name), configuration },
    rail: {
      name,
      kind: 'ina226',
      simulated: bus === SIMULATED_BUS,
      source: bus === SIMULATED_BUS ? 'simulated' : `i2c-${bus.number} 0x${options.address.toString(16)}`,
      within: rail.within ?? knownParent(name),
      updateMs: chipMs,
      spanMs: chipMs + ageMs,
      fullScaleA: fullScaleA(shuntOhms),
    },
  };
}

/** The kernel's fixed calibration, or the one for the largest expected current. */
function calibrationOf(rail: RailConfig, name: string): number {
  const { maxCurrentA, shuntOhms } = rail;
  if (maxCurrentA === null || shuntOhms === null) return CALIBRATION_UNITY;
  const seenA = fullScaleA(shuntOhms);
  if (maxCurrentA > seenA) {
    throw new EdgemuxError(
      'RAIL_CONFIG_INVALID',
      `rail ${name}: ${shuntOhms} ohm clips at ${seenA.toPrecision(3)} A, below maxCurrentA ${maxCurrentA}: ` +
        `take a shunt of at most ${((0.0819 / maxCurrentA) * 1e3).toPrecision(3)} milliohm`,
    );
  }
  return calibrationFor(maxCurrentA / 2 ** 15, shuntOhms);
}

function addKernelRails(plan: RailsPlan, rail: RailConfig, sysRoot: string): void {
  const found = findSysfsRails(sysRoot).filter(
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
  for (const each of found) {
    const rateHz = rail.rateHz ?? KERNEL_RATE_HZ;
    const within = rail.name !== '' && rail.within !== null ? rail.within : each.rail.within;
    plan.kernel.push({ type: 'sysfs', rateHz, files: each.files, rail: { ...each.rail, within } });
  }
}

function checkBudgets(plan: RailsPlan, config: PowerConfig, sysRoot: string): void {
  for (const number of new Set(plan.i2c.map((rail) => rail.bus))) {
    const known = config.busHz ?? resolveI2cBus(sysRoot, number).busHz;
    const users = plan.i2c
      .filter((rail) => rail.bus === number)
      .map(({ rail, rateHz, settings }) => ({
        name: rail.name,
        rateHz,
        triggered: settings.configuration.mode === 'bothTriggered',
      }));
    const use = checkBusBudget({ name: `i2c-${number}`, busHz: known ?? ASSUMED_BUS_HZ }, users);
    if (use > TIGHT_USE) {
      plan.warnings.push(
        `i2c-${number} is ${(use * 100).toFixed(0)} % busy at ${(known ?? ASSUMED_BUS_HZ) / 1000} kHz` +
          `${known === null ? ' (assumed)' : ''}: expect missed samples`,
      );
    }
  }
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
