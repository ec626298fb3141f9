/**
 * INA226 register map and arithmetic (Texas Instruments SBOS547). Pure: raw register values in, SI units out.
 *
 * The section numbers are those of the data sheet: 7.5 "Programming", 7.6 "Register Maps".
 */
import { EdgemuxError } from '../../common/errors.js';

export const REGISTERS = {
  /** 7.6.1: reset, averages, conversion times, mode. */
  configuration: 0x00,
  /** 7.6.2: signed, 2.5 uV. */
  shuntVoltage: 0x01,
  /** 7.6.3: bit 15 always 0, 1.25 mV. */
  busVoltage: 0x02,
  /** 7.6.4: unsigned, 25 current LSBs. */
  power: 0x03,
  /** 7.6.5: signed; 0 until calibrated. */
  current: 0x04,
  /** 7.6.6: 15 bits. */
  calibration: 0x05,
  /** 7.6.7: alert function and the flags of the conversion. */
  maskEnable: 0x06,
  /** 7.6.8: in the units of the register that the alert function watches. */
  alertLimit: 0x07,
  /** 7.6.9: 0x5449, "TI". */
  manufacturerId: 0xfe,
  /** 7.6.10: 0x2260. */
  dieId: 0xff,
} as const;

export const MANUFACTURER_ID = 0x5449;
export const DIE_ID = 0x2260;
export const CONFIGURATION_RESET = 0x4127;

export const SHUNT_LSB_V = 2.5e-6;
export const BUS_LSB_V = 1.25e-3;
/** Ratio of power LSB to current LSB (7.5, equation 3's note). */
export const POWER_LSBS = 25;
/** The fixed internal value of equation 1. */
const CALIBRATION_SCALING = 0.00512;
const CALIBRATION_MAX = 0x7fff;
/** Current register = shunt register: it cannot overflow before the shunt does. */
export const CALIBRATION_UNITY = 2048;

/** Bits of the mask/enable register (7.6.7). */
export const MASK_BITS = {
  shuntOver: 1 << 15,
  shuntUnder: 1 << 14,
  busOver: 1 << 13,
  busUnder: 1 << 12,
  powerOver: 1 << 11,
  conversionReady: 1 << 10,
  alertFunctionFlag: 1 << 4,
  conversionReadyFlag: 1 << 3,
  overflow: 1 << 2,
  activeHigh: 1 << 1,
  latch: 1 << 0,
} as const;

/** Two's complement of a 16-bit register value. */
export function signed16(raw: number): number {
  return raw >= 0x8000 ? raw - 0x10000 : raw;
}

/** Shunt voltage in V of the raw register (7.6.2). */
export function shuntVoltageV(raw: number): number {
  return signed16(raw) * SHUNT_LSB_V;
}

/** Bus voltage in V of the raw register (7.6.3); bit 15 carries nothing. */
export function busVoltageV(raw: number): number {
  return (raw & 0x7fff) * BUS_LSB_V;
}

/** Current in A from the shunt register and the resistor, by Ohm's law: needs no calibration and loses no bit. */
export function shuntCurrentA(rawShunt: number, shuntOhms: number): number {
  return shuntVoltageV(rawShunt) / shuntOhms;
}

/** True at full scale of the shunt register (±81.92 mV): the true voltage lies beyond. */
export function shuntClipped(raw: number): boolean {
  return raw === 0x7fff || raw === 0x8000;
}

/** True at full scale of the bus register (40.96 V; the input itself is specified to 36 V). */
export function busClipped(raw: number): boolean {
  return (raw & 0x7fff) === 0x7fff;
}

/** Largest current in A that a shunt lets the chip see (81.92 mV less one LSB). */
export function fullScaleA(shuntOhms: number): number {
  return (CALIBRATION_MAX * SHUNT_LSB_V) / shuntOhms;
}

/**
 * Calibration for a wanted current LSB: equation 1, truncated, 15 bits.
 * Throws where no calibration gives that LSB, instead of wrapping or clamping in silence.
 */
export function calibrationFor(currentLsbA: number, shuntOhms: number): number {
  const exact = CALIBRATION_SCALING / (currentLsbA * shuntOhms);
  // One part in 10^9 of slack: 0.00512 / (0.001 A x 0.002 ohm) is 2560 on paper, 2559.999... in binary.
  const calibration = Math.trunc(exact * (1 + 1e-9));
  if (calibration >= 1 && calibration <= CALIBRATION_MAX) return calibration;
  throw new EdgemuxError(
    'RAIL_CONFIG_INVALID',
    `a current LSB of ${currentLsbA} A over ${shuntOhms} ohm needs calibration ${Math.round(exact)}; the register holds 1 to 32767`,
    { details: { currentLsbA, shuntOhms } },
  );
}

/** Current LSB in A that an integer calibration really gives: equation 1 solved for the LSB. */
export function currentLsbA(calibration: number, shuntOhms: number): number {
  return CALIBRATION_SCALING / (calibration * shuntOhms);
}

/** Current in A of the current register (7.6.5). */
export function registerCurrentA(raw: number, lsbA: number): number {
  return signed16(raw) * lsbA;
}

/** Power in W of the power register (7.6.4). Unsigned: the sign of the flow is that of the shunt. */
export function registerPowerW(raw: number, lsbA: number, rawShunt: number): number {
  const magnitudeW = raw * POWER_LSBS * lsbA;
  return signed16(rawShunt) < 0 ? -magnitudeW : magnitudeW;
}

/** What the chip computes (7.5.1, equations 3 and 4): integers, truncated; `overflow` where a result does not fit. */
export function chipArithmetic(
  rawShunt: number,
  rawBus: number,
  calibration: number,
): { current: number; power: number; overflow: boolean } {
  const current = Math.trunc((signed16(rawShunt) * calibration) / 2048);
  const power = Math.trunc((Math.abs(current) * (rawBus & 0x7fff)) / 20_000);
  const overflow = current > 0x7fff || current < -0x8000 || power > 0xffff;
  return { current: current & 0xffff, power: power & 0xffff, overflow };
}
