/** An INA226 as a power sensor: time stamps, duplicates, clipping, lost calibration, recovery of the bus. */
import type { Clock } from '../../common/clock.js';
import { Ina226, type Ina226Settings } from './ina226.js';
import { busClipped, busVoltageV, shuntClipped, shuntCurrentA } from './ina226-registers.js';
import { MODES, updateMs } from './ina226-timing.js';
import {
  SAMPLE_FLAGS,
  type PowerSample,
  type PowerSensor,
  type Rail,
  type SensorCounters,
} from '../power-sensor.js';
import { recoveryFor, withRetries, type RegisterBus } from '../i2c/register-bus.js';

/** How often calibration, configuration and overflow are looked at. */
const CHECK_MS = 1000;
/** The same on a rail that reads 0 V and 0 A, which may be a chip after a brown-out. */
const ZERO_CHECK_MS = 50;
/** Conversion times are specified to within 10 % (SBOS547, 6.5). */
const SLOWEST_CHIP = 1.1;

export interface Ina226SensorDeps {
  bus: RegisterBus;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Something a person should know: lost calibration, retries in plenty. */
  notice?: (message: string) => void;
}

export class Ina226Sensor implements PowerSensor {
  readonly rail: Rail;
  readonly simulated: boolean;
  readonly counters: SensorCounters = { retries: 0, restored: 0 };
  readonly #deps: Ina226SensorDeps;
  readonly #chip: Ina226;
  readonly #updateMs: number;
  readonly #ageMs: number;
  readonly #triggered: boolean;
  /** The bus generation in which the chip was last checked and set up; -1: never, or not since a failure. */
  #readyIn = -1;
  #checkedMs = -Infinity;
  #triggeredMs = 0;
  #overflow = false;
  #alert = false;
  #setUpMs = -Infinity;
  #lastRaw = -1;
  #lastFreshMs = -Infinity;

  /** `periodMs`: time between two calls of `samples`, from which the mean age of a value follows. */
  constructor(deps: Ina226SensorDeps, options: { rail: Rail; settings: Ina226Settings; periodMs: number }) {
    this.#deps = deps;
    this.#chip = new Ina226(deps, options.settings);
    this.simulated = deps.bus.simulated;
    this.rail = options.rail;
    this.#updateMs = updateMs(options.settings.configuration);
    const modeBits = MODES[options.settings.configuration.mode];
    this.#triggered = modeBits >= 1 && modeBits <= 3;
    // A free-running value is as old as chance has it: between 0 and the shorter of the two periods.
    this.#ageMs = Math.min(this.#updateMs, options.periodMs) / 2;
  }

  /** Checks who answers, sets it up. Repeating it does no harm. */
  start(): void {
    if (this.#readyIn === this.#deps.bus.generation) return;
    this.#retrying(() => this.#chip.identify());
    // A chip that kept its set-up through a failed transfer converts on: writing it would cost a conversion.
    if (this.#setUpMs === -Infinity || !this.#retrying(() => this.#chip.intact())) this.#setUp();
    this.#readyIn = this.#deps.bus.generation;
    this.#checkedMs = this.#deps.clock.monotonicMs();
  }

  /** Leaves the chip running: another reader may depend on it. */
  stop(): void {
    this.#readyIn = -1;
  }

  sample(): PowerSample | null {
    try {
      this.start();
      return this.#measure();
    } catch (error) {
      this.#readyIn = -1;
      if (recoveryFor(error) === 'reopen') this.#deps.bus.reopen();
      throw error;
    }
  }

  #measure(): PowerSample | null {
    const { clock } = this.#deps;
    const beforeMs = clock.monotonicMs();
    this.#check(beforeMs, CHECK_MS);
    // The registers hold no value of this set-up before its first conversion is done.
    if (beforeMs - this.#setUpMs < this.#updateMs * SLOWEST_CHIP) return null;
    const startMs = clock.monotonicMs();
    const shunt = this.#retrying(() => this.#chip.readShunt());
    const bus = this.#retrying(() => this.#chip.readBus());
    const readMs = (startMs + clock.monotonicMs()) / 2;
    // Both 0 is what a chip reads after a brown-out, before its first conversion.
    if (shunt === 0 && bus === 0 && this.#check(readMs, ZERO_CHECK_MS)) return null;
    const tMs = this.#stamp(readMs);
    const voltageV = busVoltageV(bus);
    const currentA = shuntCurrentA(shunt, this.#chip.settings.shuntOhms);
    return { tMs, powerW: voltageV * currentA, voltageV, currentA, flags: this.#flags(shunt, bus, readMs) };
  }

  /** Middle of the averaged interval: half of it back, and the mean age of a free-running value. */
  #stamp(readMs: number): number {
    if (!this.#triggered) return readMs - this.#updateMs / 2 - this.#ageMs;
    const middleMs = this.#triggeredMs + this.#updateMs / 2;
    this.#retrying(() => this.#chip.trigger());
    this.#triggeredMs = this.#deps.clock.monotonicMs();
    return middleMs;
  }

  #flags(shunt: number, bus: number, readMs: number): number {
    const raw = shunt * 0x10000 + bus;
    // Equal values an update period apart are two conversions of a steady load, not one read twice.
    const duplicate =
      !this.#triggered && raw === this.#lastRaw && readMs - this.#lastFreshMs < this.#updateMs;
    if (!duplicate) this.#lastFreshMs = readMs;
    this.#lastRaw = raw;
    const alert = this.#alert;
    this.#alert = false;
    return (
      (alert ? SAMPLE_FLAGS.alert : 0) |
      (duplicate ? SAMPLE_FLAGS.duplicate : 0) |
      (shuntClipped(shunt) || busClipped(bus) ? SAMPLE_FLAGS.clipped : 0) |
      (this.#overflow ? SAMPLE_FLAGS.overflow : 0)
    );
  }

  /**
   * Not more often than `everyMs`: did the chip's own arithmetic overflow, did it alert, is it still set up?
   * True where a brown-out had taken configuration and calibration, which were written again.
   */
  #check(nowMs: number, everyMs: number): boolean {
    if (nowMs - this.#checkedMs < everyMs) return false;
    this.#checkedMs = nowMs;
    const flags = this.#retrying(() => this.#chip.readFlags());
    this.#overflow = flags.overflow;
    this.#alert ||= flags.alert;
    if (this.#retrying(() => this.#chip.intact())) return false;
    this.#retrying(() => this.#chip.identify());
    this.#setUp();
    return true;
  }

  /** Writes calibration and configuration; a conversion begins now. */
  #setUp(): void {
    const again = this.#setUpMs !== -Infinity;
    this.#retrying(() => this.#chip.configure());
    this.#setUpMs = this.#deps.clock.monotonicMs();
    this.#triggeredMs = this.#setUpMs;
    this.#lastRaw = -1;
    if (!again) return;
    this.counters.restored += 1;
    this.#deps.notice?.(
      `${this.rail.source}: the chip lost its calibration or configuration (brown-out?); restored`,
    );
  }

  #retrying<T>(transfer: () => T): T {
    return withRetries(transfer, () => {
      this.counters.retries += 1;
    });
  }
}
