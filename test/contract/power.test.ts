import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Ina226Sensor } from '../../drivers/ina226/ina226-sensor.js';
import { SimulatedIna226 } from '../../drivers/ina226/ina226-sim.js';
import type { Load } from '../../drivers/simulation/load.js';
import { SimulatedBus } from '../../drivers/simulation/simulated-bus.js';
import { findSysfsRails } from '../../drivers/sysfs/sysfs-rails.js';
import { SysfsSensor } from '../../drivers/sysfs/sysfs-sensor.js';
import { FakeBus, TestClock, testRail } from '../drivers/fakes.js';
import { ADDRESS, SETTINGS } from '../drivers/ina226/sensor-set-up.js';
import { l4t32, mainline, sysfsTree } from '../drivers/sysfs/sysfs-trees.js';
import { powerSensorContract, type SensorBench } from './power-suite.js';

const INA226_RESOLUTION = { voltageV: 1.25e-3, currentA: 1.25e-3 };

function overRegisterMap(): SensorBench {
  const clock = new TestClock();
  const bus = new FakeBus(clock);
  const chip = bus.addIna226(ADDRESS, { 0x02: 9584 });
  const sensor = new Ina226Sensor({ bus, clock }, { rail: testRail(), settings: SETTINGS, periodMs: 1 });
  return {
    sensor,
    nowMs: () => clock.nowMs,
    advance: (ms) => (clock.nowMs += ms),
    setCurrentA: (currentA) => {
      chip.set(0x01, Math.round(currentA / 1.25e-3) & 0xffff);
      return 11.98;
    },
    unplug: () => bus.chips.delete(ADDRESS),
    plug: () => bus.chips.set(ADDRESS, chip),
    resolution: INA226_RESOLUTION,
  };
}

function overSimulatedChip(): SensorBench {
  const clock = new TestClock();
  let currentA = 0;
  const load: Load = { follow: () => undefined, energyJ: (tMs) => (currentA * 12 * tMs) / 1e3 };
  const chip = new SimulatedIna226({ load, voltageV: 12, shuntOhms: SETTINGS.shuntOhms });
  const chips = new Map([[ADDRESS, chip]]);
  const rail = testRail({ simulated: true });
  const bus = new SimulatedBus({ clock, chips });
  const sensor = new Ina226Sensor({ bus, clock }, { rail, settings: SETTINGS, periodMs: 1 });
  return {
    sensor,
    nowMs: () => clock.nowMs,
    advance: (ms) => (clock.nowMs += ms),
    setCurrentA: (value) => {
      currentA = value;
      return 12;
    },
    unplug: () => chips.delete(ADDRESS),
    plug: () => {
      chip.reset(clock.nowMs);
      chips.set(ADDRESS, chip);
    },
    resolution: INA226_RESOLUTION,
  };
}

/** A kernel rail: the files of its voltage, current and (where there is one) power, in the kernel's units. */
function overSysfs(
  t: Test,
  tree: Parameters<typeof sysfsTree>[1],
  name: string,
  files: { currentMa: string; power: { file: string; perW: number } | null },
): SensorBench {
  const clock = new TestClock();
  const found = findSysfsRails(sysfsTree(t, tree)).find(({ rail }) => rail.name === name);
  if (!found) throw new Error(`no rail ${name}`);
  const folder = found.rail.source;
  const voltageV = name.startsWith('VDD') ? 19.152 : 11.98;
  return {
    sensor: new SysfsSensor({ clock }, found),
    nowMs: () => clock.nowMs,
    advance: (ms) => (clock.nowMs += ms),
    setCurrentA: (currentA) => {
      writeFileSync(join(folder, files.currentMa), `${Math.round(currentA * 1e3)}\n`);
      const power = Math.abs(Math.round(currentA * voltageV * (files.power?.perW ?? 0)));
      if (files.power) writeFileSync(join(folder, files.power.file), `${power}\n`);
      return voltageV;
    },
    unplug: () => renameSync(folder, `${folder}-away`),
    plug: () => renameSync(`${folder}-away`, folder),
    resolution: { voltageV: 1e-3, currentA: 1e-3 },
  };
}

powerSensorContract(t, 'INA226 over a register map', overRegisterMap);
powerSensorContract(t, 'simulated INA226', overSimulatedChip);
powerSensorContract(t, 'L4T 32 IIO rail', (t) =>
  overSysfs(t, l4t32(), 'VDD_IN', {
    currentMa: 'in_current0_input',
    power: { file: 'in_power0_input', perW: 1e3 },
  }),
);
powerSensorContract(t, 'mainline hwmon INA3221', (t) =>
  overSysfs(t, mainline(), 'VDD_IN', { currentMa: 'curr1_input', power: null }),
);
powerSensorContract(t, 'mainline hwmon INA226', (t) =>
  overSysfs(t, mainline(), 'ina226-7-0044', {
    currentMa: 'curr1_input',
    power: { file: 'power1_input', perW: 1e6 },
  }),
);
