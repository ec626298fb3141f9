/** Settings of one INA226 as the sampler takes them: timing, calibration, alert. Pure. */
import { EdgemuxError } from '../common/errors.js';
import type { I2cBusInfo } from '../drivers/i2c/i2c-buses.js';
import type { Ina226Settings } from '../drivers/ina226/ina226.js';
import { CALIBRATION_UNITY, calibrationFor, fullScaleA } from '../drivers/ina226/ina226-registers.js';
import { timingFor, updateMs, type Configuration } from '../drivers/ina226/ina226-timing.js';
import type { Rail } from '../drivers/power-sensor.js';
import type { Ina226Plan } from '../drivers/sampler/sampler-plan.js';
import { knownParent } from '../drivers/sysfs/boards.js';
import { chipAlert, parseWatch } from './alerts.js';
import type { RailConfig } from './config.js';

export interface Ina226Place {
  bus: I2cBusInfo;
  address: number;
  simulated: boolean;
}

const RATE_HZ = 1000;

export function planIna226(rail: RailConfig, place: Ina226Place): Ina226Plan {
  const name = rail.name || `ina226-${place.bus.number}-${place.address.toString(16)}`;
  const rateHz = rail.rateHz ?? RATE_HZ;
  const configuration = configurationOf(rail, rateHz);
  const settings = settingsOf(rail, name, place.address, configuration);
  return {
    type: 'ina226',
    rateHz,
    bus: place.bus.number,
    settings,
    rail: describe(rail, name, place, settings, rateHz),
  };
}

function configurationOf(rail: RailConfig, rateHz: number): Configuration {
  const wish = {
    averages: rail.averaging,
    shuntConversionUs: rail.shuntConversionUs,
    busConversionUs: rail.busConversionUs,
  };
  return timingFor(rateHz, wish, rail.mode === 'triggered' ? 'bothTriggered' : 'bothContinuous');
}

function settingsOf(
  rail: RailConfig,
  name: string,
  address: number,
  configuration: Configuration,
): Ina226Settings {
  if (rail.shuntOhms === null) {
    throw new EdgemuxError(
      'RAIL_CONFIG_INVALID',
      `rail ${name}: shuntOhms is missing: the resistor beside the INA226`,
    );
  }
  return {
    address,
    shuntOhms: rail.shuntOhms,
    calibration: calibrationOf(name, rail.shuntOhms, rail.maxCurrentA),
    configuration,
    alert: rail.alert === null ? undefined : chipAlert(parseWatch(rail.alert)),
  };
}

function describe(
  rail: RailConfig,
  name: string,
  { bus, address, simulated }: Ina226Place,
  settings: Ina226Settings,
  rateHz: number,
): Rail {
  const chipMs = updateMs(settings.configuration);
  const ageMs = rail.mode === 'triggered' ? 0 : Math.min(chipMs, 1000 / rateHz);
  return {
    name,
    kind: 'ina226',
    simulated,
    source: simulated ? 'simulated' : `i2c-${bus.number} 0x${address.toString(16)}`,
    within: rail.within ?? knownParent(name),
    updateMs: chipMs,
    spanMs: chipMs + ageMs,
    fullScaleA: fullScaleA(settings.shuntOhms),
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
