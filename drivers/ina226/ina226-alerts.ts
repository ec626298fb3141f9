/** Alert function and limit of the INA226 (SBOS547, 7.4.1 and 7.6.7 to 7.6.8) in volts, amperes and watts. Pure. */
import { EdgemuxError } from '../../common/errors.js';
import { BUS_LSB_V, MASK_BITS, POWER_LSBS, SHUNT_LSB_V, currentLsbA } from './ina226-registers.js';

/**
 * One alert; the chip watches one quantity at a time (of several set bits only the highest counts).
 * Currents are watched through the shunt voltage, which needs no calibration.
 */
export type Alert = { latched?: boolean; activeHigh?: boolean } & (
  | { over: 'current' | 'power' | 'voltage' | 'shunt'; limit: number }
  | { under: 'current' | 'voltage' | 'shunt'; limit: number }
);

export interface AlertRegisters {
  maskEnable: number;
  alertLimit: number;
}

/** Registers for an alert: `limit` in A, W, V (bus) or V (shunt), rounded to the nearest LSB. */
export function encodeAlert(alert: Alert, rail: { shuntOhms: number; calibration: number }): AlertRegisters {
  const { bit, lsb, signed } = alertFunction(alert, rail);
  const raw = Math.round(alert.limit / lsb);
  const [least, most] = signed ? [-0x8000, 0x7fff] : [0, bit === MASK_BITS.powerOver ? 0xffff : 0x7fff];
  if (!(raw >= least && raw <= most)) {
    throw new EdgemuxError(
      'RAIL_CONFIG_INVALID',
      `an alert limit of ${alert.limit} is outside what the chip can watch here: ${least * lsb} to ${most * lsb}`,
      { details: { limit: alert.limit, least: least * lsb, most: most * lsb } },
    );
  }
  const latch = alert.latched ? MASK_BITS.latch : 0;
  const polarity = alert.activeHigh ? MASK_BITS.activeHigh : 0;
  return { maskEnable: bit | latch | polarity, alertLimit: raw & 0xffff };
}

function alertFunction(
  alert: Alert,
  rail: { shuntOhms: number; calibration: number },
): { bit: number; lsb: number; signed: boolean } {
  const over = 'over' in alert;
  const quantity = over ? alert.over : alert.under;
  const shuntBit = over ? MASK_BITS.shuntOver : MASK_BITS.shuntUnder;
  switch (quantity) {
    case 'current':
      return { bit: shuntBit, lsb: SHUNT_LSB_V / rail.shuntOhms, signed: true };
    case 'shunt':
      return { bit: shuntBit, lsb: SHUNT_LSB_V, signed: true };
    case 'voltage':
      return { bit: over ? MASK_BITS.busOver : MASK_BITS.busUnder, lsb: BUS_LSB_V, signed: false };
    case 'power': {
      const lsbW = POWER_LSBS * currentLsbA(rail.calibration, rail.shuntOhms);
      return { bit: MASK_BITS.powerOver, lsb: lsbW, signed: false };
    }
  }
}
