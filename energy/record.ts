/**
 * The file of raw samples (`power.recordFile`, `edgemux power --record`): one CSV row a sample, written and read
 * here alone. Lines end with CR LF (RFC 4180). Pure.
 */
import type { PowerSample } from '../drivers/power-sensor.js';

const COLUMNS = ['time_s', 'rail', 'power_W', 'voltage_V', 'current_A', 'flags', 'simulated'] as const;
export const RECORD_LINE_END = '\r\n';
export const RECORD_HEADER = COLUMNS.join(',') + RECORD_LINE_END;

/** One row of the file. */
export interface RecordedSample {
  rail: string;
  simulated: boolean;
  sample: PowerSample;
}

/** The row of a sample at `timeS` (s, from whatever zero the writer has), with its line end. */
export function recordRow(
  rail: { name: string; simulated: boolean },
  timeS: number,
  sample: Omit<PowerSample, 'tMs'>,
): string {
  const values = [sample.powerW, sample.voltageV, sample.currentA].map((value) => value.toFixed(6));
  return [timeS.toFixed(6), rail.name, ...values, sample.flags, rail.simulated].join(',') + RECORD_LINE_END;
}

/** A line of the file, without its line end; null where it is the header or no row at all. */
export function parseRecordRow(line: string): RecordedSample | null {
  const cells = line.split(',');
  const cell = (column: (typeof COLUMNS)[number]): string => cells[COLUMNS.indexOf(column)] ?? '';
  const number = (column: (typeof COLUMNS)[number]): number =>
    cell(column) === '' ? NaN : Number(cell(column));
  const sample: PowerSample = {
    tMs: number('time_s') * 1e3,
    powerW: number('power_W'),
    voltageV: number('voltage_V'),
    currentA: number('current_A'),
    flags: number('flags'),
  };
  if (cells.length !== COLUMNS.length || !Object.values(sample).every(Number.isFinite)) return null;
  return { rail: cell('rail'), simulated: cell('simulated') === 'true', sample };
}
