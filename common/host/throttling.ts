/** Noticing that the machine throttles itself, from what it says about its clocks over time. Pure. */
import type { ClockRange, MachineFacts } from './machine.js';

/** What was seen before; `null` at first. */
export interface ClocksSeen {
  powerMode: string | null;
  /** Highest limit by clock, in Hz, since the power mode was set. */
  maxHz: Readonly<Record<string, number>>;
  /** Looks in a row at which the GPU was busy and below its limit. */
  heldBack: number;
}

export interface Throttling {
  /** For people: what is throttled and how far; empty where nothing is. */
  causes: string[];
  seen: ClocksSeen;
}

/** The governor needs a moment to raise a clock: fewer looks than this are no throttling. */
const LEAST_HELD_BACK = 3;
const BUSY = 0.9;
/** Clocks move in steps of some per cent. */
const LEAST_SHARE = 0.98;

/**
 * The kernel throttles by lowering the highest clock that it allows, or a locked clock below its floor; a GPU that
 * is busy and stays below its highest clock is held back by something else (power budget, supply).
 */
export function noticeThrottling(facts: MachineFacts, before: ClocksSeen | null): Throttling {
  const clocks = allClocks(facts);
  // a limit that falls makes the clocks those of no mode: only another mode is another base
  const powerMode = facts.powerMode ?? before?.powerMode ?? null;
  const known = before?.powerMode === powerMode ? before.maxHz : {};
  const causes = clocks.flatMap(([name, clock]) => clockCauses(name, clock, known[name] ?? clock.maxHz));
  const gpu = facts.gpu;
  const below = gpu?.clock != null && gpu.clock.nowHz < LEAST_SHARE * gpu.clock.maxHz;
  const heldBack = below && (gpu.load ?? 0) >= BUSY ? (before?.heldBack ?? 0) + 1 : 0;
  if (heldBack >= LEAST_HELD_BACK && causes.length === 0)
    causes.push('GPU: busy, and not at its highest clock');
  const maxHz = Object.fromEntries(
    clocks.map(([name, { maxHz: hz }]) => [name, Math.max(hz, known[name] ?? 0)]),
  );
  return { causes, seen: { powerMode, maxHz, heldBack } };
}

function allClocks({ gpu, cpuClocks }: MachineFacts): [string, ClockRange][] {
  const cpus = Object.entries(cpuClocks).map(([cpu, clock]): [string, ClockRange] => [`CPU ${cpu}`, clock]);
  return gpu?.clock ? [['GPU', gpu.clock], ...cpus] : cpus;
}

function clockCauses(name: string, { nowHz, minHz, maxHz }: ClockRange, highestHz: number): string[] {
  if (maxHz < LEAST_SHARE * highestHz) return [`${name}: limited to ${mhz(maxHz)} of ${mhz(highestHz)}`];
  if (nowHz < LEAST_SHARE * minHz) return [`${name}: at ${mhz(nowHz)}, below its floor of ${mhz(minHz)}`];
  return [];
}

function mhz(hz: number): string {
  return `${Math.round(hz / 1e6)} MHz`;
}
