/** Sensors and buses for a sampler plan. Runs in the sampler's thread. */
import type { Clock } from '../common/clock.js';
import { openBoard } from '../common/activity.js';
import { seededRandom } from '../common/random.js';
import { openI2cBus } from './i2c/i2c-bus.js';
import { SimulatedIna226 } from './ina226/ina226-sim.js';
import { Ina226Sensor } from './ina226/ina226-sensor.js';
import { BoardLoad, StepLoad, powerModelFor, type Load } from './simulation/load.js';
import type { PowerSensor } from './power-sensor.js';
import type { RegisterBus } from './i2c/register-bus.js';
import type { Ina226Plan, RailPlan, SamplerPlan, Simulation } from './sampler/sampler-plan.js';
import { SimulatedBus } from './simulation/simulated-bus.js';
import { SysfsSensor } from './sysfs/sysfs-sensor.js';

export interface BuildDeps {
  clock: Pick<Clock, 'monotonicMs'>;
  notice: (message: string) => void;
  /** Blocks the thread; how a simulated bus hangs. */
  block: (ms: number) => void;
}

export interface BuiltRail {
  plan: RailPlan;
  sensor: PowerSensor;
  /** Cumulative true energy in J of a simulated rail. */
  truthJ: ((tMs: number) => number) | null;
}

export interface Built {
  rails: BuiltRail[];
  buses: RegisterBus[];
}

/** Chips of a simulation are told apart by bus and address; the simulated bus carries them all. */
export function buildSensors(deps: BuildDeps, plan: SamplerPlan): Built {
  const buses = new Map<number, RegisterBus>();
  const rails = plan.rails.map((rail): BuiltRail => {
    if (rail.type === 'sysfs') {
      const sensor = new SysfsSensor(deps, { rail: rail.rail, files: rail.files });
      return { plan: rail, sensor, truthJ: null };
    }
    if (plan.simulation) return simulatedRail(deps, rail, plan.simulation);
    const bus = buses.get(rail.bus) ?? openI2cBus(rail.bus);
    buses.set(rail.bus, bus);
    return { plan: rail, sensor: ina226(deps, bus, rail), truthJ: null };
  });
  return { rails, buses: [...buses.values()] };
}

function ina226(deps: BuildDeps, bus: RegisterBus, plan: Ina226Plan): Ina226Sensor {
  const options = { rail: plan.rail, settings: plan.settings, periodMs: 1000 / plan.rateHz };
  return new Ina226Sensor({ bus, clock: deps.clock, notice: deps.notice }, options);
}

function simulatedRail(deps: BuildDeps, plan: Ina226Plan, simulation: Simulation): BuiltRail {
  const model = powerModelFor(plan.rail.name);
  const steps = simulation.loads?.[plan.rail.name];
  const load: Load = steps ? new StepLoad(steps) : new BoardLoad(openBoard(simulation.board), model);
  const { address, shuntOhms } = plan.settings;
  const random = seededRandom(simulation.seed + address);
  const chip = new SimulatedIna226({
    load,
    shuntOhms,
    voltageV: model.voltageV,
    clockSpeed: 1 + 0.02 * (2 * random() - 1),
    noiseLsb: 1,
    random,
  });
  const bus = new SimulatedBus({
    clock: deps.clock,
    chips: new Map([[address, chip]]),
    faults: simulation.faults ?? [],
    random,
    block: deps.block,
  });
  return { plan, sensor: ina226(deps, bus, plan), truthJ: (tMs) => load.energyJ(tMs) };
}
