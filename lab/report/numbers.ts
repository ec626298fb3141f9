/** Numbers as people read them. */
import type { Interval } from '../eval/statistics/bootstrap.js';
import type { Cell } from './document.js';

export const NONE = '–';

/** A cell with a second line, where there is one. */
export function withUnder(cell: Cell, under: string | undefined): Cell {
  return under === undefined ? cell : { ...cell, under };
}

export function text(content: string, under?: string): Cell {
  return withUnder({ text: content }, under);
}

/** A number with a fixed count of digits; null is a dash. */
export function number(value: number | null, digits: number, under?: string): Cell {
  const known = value !== null && Number.isFinite(value);
  const cell = { text: known ? value.toFixed(digits) : NONE, value: known ? value : null };
  return withUnder(cell, under === '' ? undefined : under);
}

/** Digits so that about three count, for quantities whose size is not known beforehand. */
export function digitsFor(values: readonly (number | null)[]): number {
  const largest = Math.max(0, ...values.map((value) => Math.abs(value ?? 0)).filter(Number.isFinite));
  if (largest >= 100 || largest === 0) return 0;
  return Math.min(4, 2 - Math.floor(Math.log10(largest)));
}

/** A share in [0, 1] in percent, its interval on the second line. */
export function share(value: number | null, digits = 1): Cell {
  return number(value === null ? null : 100 * value, digits);
}

export function percentInterval({ low, high }: Interval, digits = 2): string {
  return `${(100 * low).toFixed(digits)} to ${(100 * high).toFixed(digits)}`;
}

/** Multiply-accumulates: 299 M, 16.4 G. */
export function flops(value: number): string {
  const [unit, by] = value >= 1e9 ? ['G', 1e9] : ['M', 1e6];
  return `${(value / by).toPrecision(3)} ${unit}`;
}

/** 12 345 as people group it, with a thin space that does not break. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}
