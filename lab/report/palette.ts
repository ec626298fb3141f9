/** One colour for one thing, through the whole report. */
import type { Colour } from '../charts/spec.js';
import type { Route } from '../../protocol/messages.js';

export const ROUTE_COLOURS: Record<Route, Colour> = {
  mux: 'amber',
  local: 'blue',
  cloud: 'vermilion',
  fallback: 'purple',
};

export const STAGE_COLOURS = {
  queue: 'silver',
  decode: 'sky',
  mux: 'amber',
  local: 'blue',
  encode: 'mint',
  network: 'rose',
  upload: 'rose',
  cloud: 'vermilion',
  download: 'purple',
  wait: 'silver',
  other: 'grey',
} as const satisfies Record<string, Colour>;

/** How stages are called on a figure. */
export const STAGE_NAMES: Record<string, string> = {
  queue: 'waiting',
  decode: 'decode',
  mux: 'mux',
  local: 'local model',
  encode: 'encode',
  network: 'network',
  upload: 'upload',
  cloud: 'server',
  download: 'download',
  wait: 'waiting for the server',
};

export function stageColour(stage: string): Colour {
  return (STAGE_COLOURS as Record<string, Colour>)[stage] ?? 'grey';
}

/** Written on every figure that shows energy of simulated rails. */
export const SIMULATED_RAILS = 'SIMULATED POWER RAILS';

/** Stages without doubles, in the order in which a frame goes through them. */
export function inOrder(stages: readonly string[]): string[] {
  const known = Object.keys(STAGE_COLOURS);
  return [...new Set(stages)].sort((a, b) => known.indexOf(a) - known.indexOf(b));
}
