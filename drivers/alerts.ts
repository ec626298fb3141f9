/** Alerts as people write them: `module>7W`, `board<11.5V`, `>2A`. Pure. */
import { EdgemuxError } from '../common/errors.js';
import type { PowerSample } from './power-sensor.js';

export interface Watch {
  /** Rail that is watched; empty: every rail. */
  rail: string;
  quantity: 'power' | 'voltage' | 'current';
  over: boolean;
  /** In W, V or A. */
  limit: number;
}

const QUANTITIES = { W: 'power', V: 'voltage', A: 'current' } as const;
const VALUES = { power: 'powerW', voltage: 'voltageV', current: 'currentA' } as const;
export const WATCH_UNITS = { power: 'W', voltage: 'V', current: 'A' } as const;

/** Parses `[rail]>limit[W|V|A]` or with `<`; the unit is W where none is given. */
export function parseWatch(text: string): Watch {
  const match = /^\s*([A-Za-z0-9_-]*)\s*([<>])\s*(-?\d+(?:\.\d+)?)\s*([WVA]?)\s*$/.exec(text);
  if (!match) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `the alert "${text}" is none: write a rail, > or <, and a limit in W, V or A, such as 'module>7W' or 'board<11.5V'`,
    );
  }
  const [, rail = '', direction, limit, unit] = match;
  const quantity = QUANTITIES[(unit || 'W') as keyof typeof QUANTITIES];
  return { rail, quantity, over: direction === '>', limit: Number(limit) };
}

/** True where a sample is beyond the limit. */
export function isBeyond(watch: Watch, sample: PowerSample): boolean {
  const value = sample[VALUES[watch.quantity]];
  return watch.over ? value > watch.limit : value < watch.limit;
}
