/** The INA226 (Texas Instruments SBOS547) as a chip of edgemux: its settings, and what they come to. */
import { EdgemuxError } from '../../common/errors.js';
import { parseWatch, type Watch } from '../alerts.js';
import type { ChipConfig, ChipPlace, PowerChip, Zod } from '../chip.js';
import type { Alert } from './ina226-alerts.js';
import {
  CALIBRATION_UNITY,
  DIE_ID,
  MANUFACTURER_ID,
  REGISTERS,
  calibrationFor,
  fullScaleA,
} from './ina226-registers.js';
import { Ina226Sensor } from './ina226-sensor.js';
import { SimulatedIna226 } from './ina226-sim.js';
import { AVERAGES, CONVERSION_TIMES_US, timingFor, updateMs, type Configuration } from './ina226-timing.js';
import type { Ina226Settings } from './ina226.js';

/** Shunt of a simulated rail that names none. */
const SIMULATED_SHUNT_OHMS = 0.01;
/** Uniform noise of a simulated conversion, ± this many LSBs. */
const SIMULATED_NOISE_LSB = 1;

const keys = (zod: Zod) => ({
  shuntOhms: zod
    .number()
    .positive()
    .max(100)
    .nullable()
    .default(null)
    .meta({ description: 'shunt resistor; an INA226 needs it, there is no safe default', unit: 'ohm' }),
  maxCurrentA: zod.number().positive().nullable().default(null).meta({
    description: 'largest expected current; refused where the shunt would clip below it',
    unit: 'A',
  }),
  mode: zod.enum(['continuous', 'triggered']).default('continuous').meta({
    description:
      'free-running conversions, or one conversion started by each sample (costs one more transfer)',
  }),
  averaging: zod
    .union([zod.literal('auto'), zod.literal(AVERAGES)])
    .default('auto')
    .meta({ description: 'conversions averaged in the chip; auto: as long as a sample period allows' }),
  shuntConversionUs: zod
    .union([zod.literal('auto'), zod.literal(CONVERSION_TIMES_US)])
    .default('auto')
    .meta({ description: 'shunt conversion time', unit: 'us' }),
  busConversionUs: zod
    .union([zod.literal('auto'), zod.literal(CONVERSION_TIMES_US)])
    .default('auto')
    .meta({ description: 'bus conversion time', unit: 'us' }),
  alert: zod.string().nullable().default(null).meta({
    description: "limit at which the chip pulls its ALERT pin, such as '>7W', '>2A' or '<11.5V'",
  }),
});

type Keys = ReturnType<typeof keys>;
type Config = ChipConfig<Keys>;

export const ina226: PowerChip<'ina226', Keys, Ina226Settings> = {
  name: 'ina226',
  label: 'INA226',
  addresses: { first: 0x40, last: 0x4f, usual: 0x44 },
  rateHz: { usual: 1000, most: 3571 },
  keys,
  plan(config, place) {
    const configuration = configurationOf(config, place.rateHz);
    const settings = settingsOf(config, place, configuration);
    const triggered = config.mode === 'triggered';
    const chipMs = updateMs(configuration);
    const ageMs = triggered ? 0 : Math.min(chipMs, 1000 / place.rateHz);
    return {
      settings,
      updateMs: chipMs,
      spanMs: chipMs + ageMs,
      fullScaleA: fullScaleA(settings.shuntOhms),
      transfers: { reads: 2, writes: triggered ? 1 : 0 },
    };
  },
  identify: (bus, address) =>
    bus.read(address, REGISTERS.manufacturerId) === MANUFACTURER_ID &&
    bus.read(address, REGISTERS.dieId) === DIE_ID,
  sensor: (deps, options) => new Ina226Sensor(deps, options),
  simulate: (settings, simulation) =>
    new SimulatedIna226({
      load: simulation.load,
      voltageV: simulation.voltageV,
      shuntOhms: settings.shuntOhms,
      clockSpeed: simulation.clockSpeed,
      noiseLsb: SIMULATED_NOISE_LSB,
      random: simulation.random,
    }),
};

function configurationOf(config: Config, rateHz: number): Configuration {
  const wanted = {
    averages: config.averaging,
    shuntConversionUs: config.shuntConversionUs,
    busConversionUs: config.busConversionUs,
  };
  return timingFor(rateHz, wanted, config.mode === 'triggered' ? 'bothTriggered' : 'bothContinuous');
}

function settingsOf(config: Config, place: ChipPlace, configuration: Configuration): Ina226Settings {
  const shuntOhms = config.shuntOhms ?? (place.simulated ? SIMULATED_SHUNT_OHMS : null);
  if (shuntOhms === null) {
    throw new EdgemuxError(
      'RAIL_CONFIG_INVALID',
      `rail ${place.name}: shuntOhms is missing: the resistor beside the INA226`,
    );
  }
  return {
    address: place.address,
    shuntOhms,
    calibration: calibrationOf(place.name, shuntOhms, config.maxCurrentA),
    configuration,
    alert: config.alert === null ? undefined : chipAlert(parseWatch(config.alert)),
  };
}

/** The kernel's fixed calibration, or the one for the largest expected current. */
function calibrationOf(name: string, shuntOhms: number, maxCurrentA: number | null): number {
  if (maxCurrentA === null) return CALIBRATION_UNITY;
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

/** An alert for the chip's ALERT pin; the INA226 cannot watch for too little power. */
export function chipAlert(watch: Watch): Alert {
  if (watch.over) return { over: watch.quantity, limit: watch.limit };
  if (watch.quantity !== 'power') return { under: watch.quantity, limit: watch.limit };
  throw new EdgemuxError(
    'CONFIG_INVALID',
    `an INA226 has no alert for power below a limit: watch the current (<${watch.limit}A) or the voltage`,
  );
}
