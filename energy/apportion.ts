/**
 * Energy of one frame's stages among those of others. Pure but for the record of what was already given away.
 *
 * Each fresh sample stands for a cell of time: half-way to its neighbours, so that the cells' energies add up to the
 * trapezoid integral. The energy of a cell has two parts:
 *   - idle power times the cell's length: shared at every instant by the frames busy then, or by the waiting ones
 *     where none is busy;
 *   - the excess over idle: shared in proportion to busy time in the interval that the sample can stem from.
 * A sample at the edge of a 5 ms burst averages over work and rest. Interpolation alone would leave the part of the
 * burst that it smears outside the window behind (8 % at 1 kHz); the excess rule gives it to the frame that worked.
 */
import type { Stage } from '../common/activity.js';
import type { Claim } from './occupancy.js';
import { isJoined, type Node } from './integrate.js';

export interface Cell {
  /** Identifies the cell: the sample's index in its ring. */
  index: number;
  powerW: number;
  /** The cell, and the wider interval that the sample can stem from. */
  fromMs: number;
  toMs: number;
  reachFromMs: number;
  reachToMs: number;
}

/** What was given of each cell so far, as shares 0 to 1, so that no joule is given twice. */
export interface Given {
  take(index: number, part: 'idle' | 'excess', share: number): number;
}

export interface StageEnergy {
  grossJ: number;
  netJ: number;
  stagesJ: Partial<Record<Stage, number>>;
}

/** Cells of consecutive fresh samples; null where a gap lies between two of them. `spanMs`: see `Rail.spanMs`. */
export function cellsOf(
  nodes: readonly (Node & { index: number })[],
  rail: { gapMs: number; spanMs: number },
): Cell[] | null {
  const cells: Cell[] = [];
  for (const [i, node] of nodes.entries()) {
    const before = nodes[i - 1];
    const after = nodes[i + 1];
    if (after && !isJoined(node, after, rail.gapMs)) return null;
    const fromMs = before ? (before.tMs + node.tMs) / 2 : node.tMs;
    const toMs = after ? (node.tMs + after.tMs) / 2 : node.tMs;
    cells.push({
      index: node.index,
      powerW: node.powerW,
      fromMs,
      toMs,
      reachFromMs: Math.min(fromMs, node.tMs - rail.spanMs / 2),
      reachToMs: Math.max(toMs, node.tMs + rail.spanMs / 2),
    });
  }
  return cells;
}

/** Energy of `frame` in these cells, given the claims of all frames that reach into them. */
export function apportion(
  frame: number,
  cells: readonly Cell[],
  claims: readonly Claim[],
  options: { idleW: number; given: Given },
): StageEnergy {
  const result: StageEnergy = { grossJ: 0, netJ: 0, stagesJ: {} };
  for (const cell of cells) {
    const lengthS = (cell.toMs - cell.fromMs) / 1e3;
    const reach = sharers(claims, cell.reachFromMs, cell.reachToMs);
    const own = reach.filter((claim) => claim.frame === frame);
    if (own.length === 0) continue;
    const excess = shares(own, (claim) => excessShare(claim, reach, cell));
    const idle = shares(own, (claim) => idleShare(claim, claims, cell));
    const excessGiven = options.given.take(cell.index, 'excess', excess.sum);
    const idleGiven = options.given.take(cell.index, 'idle', idle.sum);
    for (const [i, claim] of own.entries()) {
      const netJ = (cell.powerW - options.idleW) * lengthS * part(excess, i, excessGiven);
      const grossJ = netJ + options.idleW * lengthS * part(idle, i, idleGiven);
      result.netJ += netJ;
      result.grossJ += grossJ;
      result.stagesJ[claim.stage] = (result.stagesJ[claim.stage] ?? 0) + grossJ;
    }
  }
  return result;
}

interface Shares {
  each: number[];
  sum: number;
}

function shares(claims: readonly Claim[], share: (claim: Claim) => number): Shares {
  const each = claims.map(share);
  return { each, sum: each.reduce((sum, value) => sum + value, 0) };
}

/** One claim's part of what the frame was granted. */
function part(all: Shares, i: number, granted: number): number {
  return all.sum > 0 ? ((all.each[i] ?? 0) / all.sum) * granted : 0;
}

function overlapMs(claim: Claim, fromMs: number, toMs: number): number {
  return Math.max(0, Math.min(claim.endMs, toMs) - Math.max(claim.startMs, fromMs));
}

/** Claims that share an interval: those that work in it, or those that wait where none works. */
function sharers(claims: readonly Claim[], fromMs: number, toMs: number): Claim[] {
  const inside = claims.filter((claim) => overlapMs(claim, fromMs, toMs) > 0);
  const working = inside.filter((claim) => claim.stage !== 'wait');
  return working.length > 0 ? working : inside;
}

function excessShare(claim: Claim, reach: readonly Claim[], cell: Cell): number {
  const time = (each: Claim): number => overlapMs(each, cell.reachFromMs, cell.reachToMs);
  return time(claim) / reach.reduce((sum, each) => sum + time(each), 0);
}

/** Mean over the cell of 1 / (number of sharers), while the claim is one of them. */
function idleShare(claim: Claim, claims: readonly Claim[], cell: Cell): number {
  if (cell.toMs <= cell.fromMs || overlapMs(claim, cell.fromMs, cell.toMs) === 0) return 0;
  const edges = claims
    .flatMap((each) => [each.startMs, each.endMs])
    .filter((edgeMs) => edgeMs > cell.fromMs && edgeMs < cell.toMs)
    .sort((a, b) => a - b);
  let sharedMs = 0;
  let fromMs = cell.fromMs;
  for (const toMs of [...edges, cell.toMs]) {
    const with_ = sharers(claims, fromMs, toMs);
    if (with_.includes(claim)) sharedMs += (toMs - fromMs) / with_.length;
    fromMs = toMs;
  }
  return sharedMs / (cell.toMs - cell.fromMs);
}
