/**
 * What a sensor chip on an I2C bus tells the rest of edgemux about itself. One file a chip implements it; `chips.ts`
 * registers it. Configuration, planning, bus budget, sampler, scan, doctor and simulation all follow from it.
 */
import type { z } from 'zod';
import type { RegisterBus } from './i2c/register-bus.js';
import type { ChipName, PowerSensor, Rail } from './power-sensor.js';
import type { Load } from './simulation/load.js';
import type { SimulatedChip } from './simulation/simulated-bus.js';

/** Handed in, not imported: the sampler's thread loads the chips too, and zod would double its start-up time. */
export type Zod = typeof z;

/** The checked settings of a rail, as a chip's own keys describe them. */
export type ChipConfig<Keys extends z.ZodRawShape> = z.output<z.ZodObject<Keys>>;

export interface ChipPlace {
  /** Name of the rail, for messages. */
  name: string;
  address: number;
  /** Samples per second. */
  rateHz: number;
  simulated: boolean;
}

/** What the settings of a rail come to. */
export interface ChipPlan<Settings> extends Pick<Rail, 'updateMs' | 'spanMs' | 'fullScaleA'> {
  /** Plain data: it crosses to the sampler's thread, where the chip's `sensor` gets it back. */
  settings: Settings;
  /** Register transfers that one sample costs, for the budget of the bus. */
  transfers: { reads: number; writes: number };
}

export interface ChipDeps {
  bus: RegisterBus;
  clock: { monotonicMs(): number };
  /** Something a person should know. */
  notice: (message: string) => void;
}

/** What a simulated chip measures, and how well. */
export interface ChipSimulation {
  load: Load;
  voltageV: number;
  /** Relative speed of the chip's clock. */
  clockSpeed: number;
  /** Source of the noise of conversions, 0 to 1. */
  random: () => number;
}

export interface PowerChip<
  Name extends ChipName = ChipName,
  Keys extends z.ZodRawShape = z.ZodRawShape,
  Settings = unknown,
> {
  /** The chip in configurations (`kind`) and messages. */
  name: Name;
  /** The chip as people write it. */
  label: string;
  /** I2C addresses that its pins can choose, and the one of a configuration that names none. */
  addresses: { first: number; last: number; usual: number };
  /** Samples per second where none are asked for, and the most that it can convert. */
  rateHz: { usual: number; most: number };
  /** Keys of a rail beside those of every rail (`name`, `within`, `bus`, `address`, `rateHz`). */
  keys(zod: Zod): Keys;
  /** Checks the settings. Pure. @throws EdgemuxError RAIL_CONFIG_INVALID or RAIL_RATE_IMPOSSIBLE that says what would work */
  plan(config: ChipConfig<Keys>, place: ChipPlace): ChipPlan<Settings>;
  /** Whether the chip at an address is one of these; reads only. @throws EdgemuxError where nothing answers */
  identify(bus: RegisterBus, address: number): boolean;
  /** The sensor of a rail, in the sampler's thread. `periodMs`: time between two samples. */
  sensor(deps: ChipDeps, options: { rail: Rail; settings: Settings; periodMs: number }): PowerSensor;
  /** The chip as registers on a simulated bus. */
  simulate(settings: Settings, simulation: ChipSimulation): SimulatedChip;
}
