/**
 * A simulated INA226, register by register (SBOS547): conversions and averages on its own clock, quantisation,
 * clipping, CVRF, alert and overflow flags, reset. Behind the same bus interface as the real one.
 */
import type { Load } from '../simulation/load.js';
import {
  CONFIGURATION_RESET,
  BUS_LSB_V,
  DIE_ID,
  MANUFACTURER_ID,
  MASK_BITS,
  REGISTERS,
  SHUNT_LSB_V,
  chipArithmetic,
  signed16,
} from './ina226-registers.js';
import { MODES, RESET_BIT, decodeConfiguration, updateMs, type Configuration } from './ina226-timing.js';

export interface SimulatedChipOptions {
  load: Load;
  voltageV: number;
  shuntOhms: number;
  /** Relative speed of the chip's clock; the data sheet allows 0.9 to 1.1. */
  clockSpeed?: number;
  /** Uniform noise of one conversion, ± this many LSBs of the shunt. */
  noiseLsb?: number;
  /** Source of the noise, 0 to 1. */
  random?: () => number;
}

/** A chip that was not read for longer than this skips the conversions in between. */
const CATCH_UP_MS = 2000;
const WRITABLE_MASK = 0xfc03;

export class SimulatedIna226 {
  readonly #options: SimulatedChipOptions;
  readonly #registers = new Map<number, number>();
  #configuration: Configuration = decodeConfiguration(CONFIGURATION_RESET);
  /** Start of the running conversion; null while off, or triggered and done. */
  #startMs: number | null = 0;
  #nowMs = 0;

  constructor(options: SimulatedChipOptions) {
    this.#options = options;
    this.reset(0);
  }

  /** Power-on or RST: every register at its reset value. */
  reset(nowMs: number): void {
    this.#registers.clear();
    this.#nowMs = nowMs;
    this.#configure(CONFIGURATION_RESET);
  }

  read(register: number, nowMs: number): number {
    this.#advance(nowMs);
    if (register === REGISTERS.manufacturerId) return MANUFACTURER_ID;
    if (register === REGISTERS.dieId) return DIE_ID;
    const value = this.#get(register);
    if (register === REGISTERS.maskEnable) {
      const latched = (value & MASK_BITS.latch) !== 0 ? MASK_BITS.alertFunctionFlag : 0;
      this.#registers.set(register, value & ~(MASK_BITS.conversionReadyFlag | latched));
    }
    return value;
  }

  write(register: number, value: number, nowMs: number): void {
    this.#advance(nowMs);
    if (register === REGISTERS.configuration) {
      if ((value & RESET_BIT) !== 0) this.reset(nowMs);
      else this.#configure(value);
    } else if (register === REGISTERS.calibration) {
      this.#registers.set(register, value & 0x7fff);
    } else if (register === REGISTERS.maskEnable) {
      this.#registers.set(register, (value & WRITABLE_MASK) | (this.#get(register) & ~WRITABLE_MASK));
    } else if (register === REGISTERS.alertLimit) {
      this.#registers.set(register, value);
    }
  }

  #get(register: number): number {
    return this.#registers.get(register) ?? 0;
  }

  /** Writing the configuration restarts the conversion and clears CVRF. */
  #configure(value: number): void {
    this.#registers.set(REGISTERS.configuration, (value & 0x0fff) | 0x4000);
    this.#configuration = decodeConfiguration(value);
    this.#registers.set(
      REGISTERS.maskEnable,
      this.#get(REGISTERS.maskEnable) & ~MASK_BITS.conversionReadyFlag,
    );
    this.#startMs = this.#configuration.mode === 'off' ? null : this.#nowMs;
  }

  /** Runs every conversion that is done by now. */
  #advance(nowMs: number): void {
    const { load, clockSpeed = 1 } = this.#options;
    load.follow(nowMs);
    this.#nowMs = nowMs;
    const periodMs = updateMs(this.#configuration) / clockSpeed;
    if (this.#startMs !== null && nowMs - this.#startMs > CATCH_UP_MS + periodMs) {
      this.#startMs = nowMs - periodMs - ((nowMs - this.#startMs) % periodMs);
    }
    while (this.#startMs !== null && this.#startMs + periodMs <= nowMs) {
      this.#convert(this.#startMs, clockSpeed);
      this.#startMs = MODES[this.#configuration.mode] > 4 ? this.#startMs + periodMs : null;
    }
  }

  /** One value: shunt and bus converted in turn, `averages` times, and the registers set at the end. */
  #convert(startMs: number, clockSpeed: number): void {
    const { averages, shuntConversionUs, busConversionUs, mode } = this.#configuration;
    const { load, shuntOhms, voltageV } = this.#options;
    const bits = MODES[mode];
    const shuntMs = (bits & 1) === 1 ? shuntConversionUs / 1e3 / clockSpeed : 0;
    const busMs = (bits & 2) === 2 ? busConversionUs / 1e3 / clockSpeed : 0;
    if (shuntMs > 0) {
      let sumLsb = 0;
      for (let i = 0; i < averages; i += 1) {
        const fromMs = startMs + i * (shuntMs + busMs);
        const powerW = (1e3 * (load.energyJ(fromMs + shuntMs) - load.energyJ(fromMs))) / shuntMs;
        sumLsb += Math.round(((powerW / voltageV) * shuntOhms) / SHUNT_LSB_V + this.#noise());
      }
      this.#registers.set(REGISTERS.shuntVoltage, clamp(Math.round(sumLsb / averages), -0x8000) & 0xffff);
    }
    if (busMs > 0) this.#registers.set(REGISTERS.busVoltage, clamp(Math.round(voltageV / BUS_LSB_V), 0));
    this.#compute();
  }

  #noise(): number {
    const { noiseLsb = 0, random } = this.#options;
    return random ? noiseLsb * (2 * random() - 1) : 0;
  }

  /** Current, power, and the flags of a finished conversion. */
  #compute(): void {
    const shunt = this.#get(REGISTERS.shuntVoltage);
    const bus = this.#get(REGISTERS.busVoltage);
    const result = chipArithmetic(shunt, bus, this.#get(REGISTERS.calibration));
    this.#registers.set(REGISTERS.current, result.current);
    this.#registers.set(REGISTERS.power, result.power);
    const kept = this.#get(REGISTERS.maskEnable);
    const tripped = this.#alerting(kept, shunt, bus, result.power);
    const latched = (kept & MASK_BITS.latch) !== 0 && (kept & MASK_BITS.alertFunctionFlag) !== 0;
    this.#registers.set(
      REGISTERS.maskEnable,
      (kept & WRITABLE_MASK) |
        MASK_BITS.conversionReadyFlag |
        (result.overflow ? MASK_BITS.overflow : 0) |
        (tripped || latched ? MASK_BITS.alertFunctionFlag : 0),
    );
  }

  /** Of several functions only the highest bit counts (7.6.7). */
  #alerting(mask: number, shunt: number, bus: number, power: number): boolean {
    const limit = this.#get(REGISTERS.alertLimit);
    if (mask & MASK_BITS.shuntOver) return signed16(shunt) > signed16(limit);
    if (mask & MASK_BITS.shuntUnder) return signed16(shunt) < signed16(limit);
    if (mask & MASK_BITS.busOver) return bus > limit;
    if (mask & MASK_BITS.busUnder) return bus < limit;
    return (mask & MASK_BITS.powerOver) !== 0 && power > limit;
  }
}

function clamp(value: number, least: number): number {
  return Math.min(Math.max(value, least), 0x7fff);
}
