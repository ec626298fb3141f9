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
import type { Occupancy } from './occupancy.js';
import { joinOf, type Joins, type Node } from './integrate.js';

export interface Cell {
  /** Identifies the cell: the sample's index in its ring. */
  index: number;
  powerW: number;
  /** The cell, and the wider interval that the sample can stem from. */
  fromMs: number;
  toMs: number;
  reachFromMs: number;
  reachToMs: number;
  /** True where the cell reaches into a gap that is bridged. */
  bridged: boolean;
}

/** What was given of each cell so far, as shares 0 to 1, so that no joule is given twice. */
export interface Given {
  take(index: number, part: 'idle' | 'excess', share: number): number;
}

export interface StageEnergy {
  grossJ: number;
  netJ: number;
  stagesJ: Partial<Record<Stage, number>>;
  /** Whether any of it lies in a bridged gap. */
  bridged: boolean;
}

/** Cells of consecutive fresh samples; null where a gap too long to bridge lies between two of them. `spanMs`: see `Rail.spanMs`. */
export function cellsOf(
  nodes: readonly (Node & { index: number })[],
  rail: Joins & { spanMs: number },
): Cell[] | null {
  const cells: Cell[] = [];
  for (const [i, node] of nodes.entries()) {
    const before = nodes[i - 1];
    const after = nodes[i + 1];
    const join = after ? joinOf(node, after, rail) : 'joined';
    if (join === 'gap') return null;
    const fromMs = before ? (before.tMs + node.tMs) / 2 : node.tMs;
    const toMs = after ? (node.tMs + after.tMs) / 2 : node.tMs;
    cells.push({
      index: node.index,
      powerW: node.powerW,
      fromMs,
      toMs,
      reachFromMs: Math.min(fromMs, node.tMs - rail.spanMs / 2),
      reachToMs: Math.max(toMs, node.tMs + rail.spanMs / 2),
      bridged: join === 'bridged' || (before !== undefined && joinOf(before, node, rail) === 'bridged'),
    });
  }
  return cells;
}

/** Energy of `frame` in these cells, given the occupancies of all frames that reach into them. */
export function apportion(
  frame: number,
  cells: readonly Cell[],
  occupancies: readonly Occupancy[],
  options: { idleW: number; given: Given },
): StageEnergy {
  const result: StageEnergy = { grossJ: 0, netJ: 0, stagesJ: {}, bridged: false };
  for (const cell of cells) {
    const lengthS = (cell.toMs - cell.fromMs) / 1e3;
    const reach = sharers(occupancies, cell.reachFromMs, cell.reachToMs);
    const own = reach.filter((occupancy) => occupancy.frame === frame);
    if (own.length === 0) continue;
    result.bridged ||= cell.bridged;
    const excess = shares(own, (occupancy) => excessShare(occupancy, reach, cell));
    const idle = shares(own, (occupancy) => idleShare(occupancy, occupancies, cell));
    const excessGiven = options.given.take(cell.index, 'excess', excess.sum);
    const idleGiven = options.given.take(cell.index, 'idle', idle.sum);
    for (const [i, occupancy] of own.entries()) {
      const netJ = (cell.powerW - options.idleW) * lengthS * part(excess, i, excessGiven);
      const grossJ = netJ + options.idleW * lengthS * part(idle, i, idleGiven);
      result.netJ += netJ;
      result.grossJ += grossJ;
      result.stagesJ[occupancy.stage] = (result.stagesJ[occupancy.stage] ?? 0) + grossJ;
    }
  }
  return result;
}

interface Shares {
  each: number[];
  sum: number;
}

function shares(occupancies: readonly Occupancy[], share: (occupancy: Occupancy) => number): Shares {
  const each = occupancies.map(share);
  return { each, sum: each.reduce((sum, value) => sum + value, 0) };
}

/** One occupancy's part of what the frame was granted. */
function part(all: Shares, i: number, granted: number): number {
  return all.sum > 0 ? ((all.each[i] ?? 0) / all.sum) * granted : 0;
}

function overlapMs(occupancy: Occupancy, fromMs: number, toMs: number): number {
  return Math.max(0, Math.min(occupancy.endMs, toMs) - Math.max(occupancy.startMs, fromMs));
}

/** Those that share an interval: those that work in it, or those that wait where none works. */
function sharers(occupancies: readonly Occupancy[], fromMs: number, toMs: number): Occupancy[] {
  const inside = occupancies.filter((occupancy) => overlapMs(occupancy, fromMs, toMs) > 0);
  const working = inside.filter((occupancy) => occupancy.stage !== 'wait');
  return working.length > 0 ? working : inside;
}

function excessShare(occupancy: Occupancy, reach: readonly Occupancy[], cell: Cell): number {
  const time = (each: Occupancy): number => overlapMs(each, cell.reachFromMs, cell.reachToMs);
  return time(occupancy) / reach.reduce((sum, each) => sum + time(each), 0);
}

/** Mean over the cell of 1 / (number of sharers), while the occupancy is one of them. */
function idleShare(occupancy: Occupancy, occupancies: readonly Occupancy[], cell: Cell): number {
  if (cell.toMs <= cell.fromMs || overlapMs(occupancy, cell.fromMs, cell.toMs) === 0) return 0;
  const edges = occupancies
    .flatMap((each) => [each.startMs, each.endMs])
    .filter((edgeMs) => edgeMs > cell.fromMs && edgeMs < cell.toMs)
    .sort((a, b) => a - b);
  let sharedMs = 0;
  let fromMs = cell.fromMs;
  for (const toMs of [...edges, cell.toMs]) {
    const with_ = sharers(occupancies, fromMs, toMs);
    if (with_.includes(occupancy)) sharedMs += (toMs - fromMs) / with_.length;
    fromMs = toMs;
  }
  return sharedMs / (cell.toMs - cell.fromMs);
}
