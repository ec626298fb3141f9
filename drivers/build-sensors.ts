/** Sensors and buses for a sampler plan. Runs in the sampler's thread. */
import type { Clock } from '../common/clock.js';
import { openBoard } from '../common/activity.js';
import { seededRandom } from '../common/random.js';
import { chipOf } from './chips.js';
import { openI2cBus } from './i2c/i2c-bus.js';
import { railModelFor } from './simulation/board-model.js';
import { StepLoad, WorkLoad, type Load } from './simulation/load.js';
import type { PowerSensor } from './power-sensor.js';
import type { RegisterBus } from './i2c/register-bus.js';
import type { I2cPlan, RailPlan, SamplerPlan, Simulation } from './sampler/sampler-plan.js';
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
    return { plan: rail, sensor: chipSensor(deps, bus, rail), truthJ: null };
  });
  return { rails, buses: [...buses.values()] };
}

function chipSensor(deps: BuildDeps, bus: RegisterBus, plan: I2cPlan): PowerSensor {
  const options = { rail: plan.rail, settings: plan.settings, periodMs: 1000 / plan.rateHz };
  return chipOf(plan.chip).sensor({ bus, clock: deps.clock, notice: deps.notice }, options);
}

function simulatedRail(deps: BuildDeps, plan: I2cPlan, simulation: Simulation): BuiltRail {
  const model = railModelFor(plan.rail.name, simulation.link);
  const steps = simulation.loads?.[plan.rail.name];
  const load: Load = steps ? new StepLoad(steps) : new WorkLoad(openBoard(simulation.board), model);
  const random = seededRandom(simulation.seed + plan.address);
  const chip = chipOf(plan.chip).simulate(plan.settings, {
    load,
    voltageV: model.voltageV,
    clockSpeed: 1 + 0.02 * (2 * random() - 1),
    random,
  });
  const bus = new SimulatedBus({
    clock: deps.clock,
    chips: new Map([[plan.address, chip]]),
    faults: simulation.faults ?? [],
    random,
    block: deps.block,
  });
  return { plan, sensor: chipSensor(deps, bus, plan), truthJ: (tMs) => load.energyJ(tMs) };
}
