/**
 * Where names stand on a chart of lines and marks: beside what they name, where it is farthest from everything else.
 * All lengths are px, y downwards.
 */
import type { Point } from './spec.js';

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Side = 'top' | 'bottom' | 'left' | 'right';

/** A name beside a point: the side of it, and the point. */
export interface Place {
  at: Point;
  side: Side;
}

/** A distance that is enough: farther is not better. */
const ENOUGH_PX = 16;
const STEPS = 40;

export interface Crowd {
  plot: Box;
  /** In the order of x. */
  lines: readonly (readonly Point[])[];
  /** Taken already: symbols, other names. Places that are given are added. */
  taken: Box[];
}

/** The best place for the name of a line; null where the line is not in view. */
export function placeOfLine(crowd: Crowd, own: number, width: number, height: number): Place | null {
  const { plot, lines } = crowd;
  const candidates: Place[] = [];
  for (let i = 0; i <= STEPS; i += 1) {
    const x = plot.x + width / 2 + ((plot.width - width) * i) / STEPS;
    const y = heightAt(lines[own] ?? [], x);
    if (y === null) continue;
    candidates.push({ at: [x, y], side: 'top' }, { at: [x, y], side: 'bottom' });
  }
  return best(crowd, candidates, { width, height }, own);
}

/** The best side for the name of a mark. */
export function placeOfMark(crowd: Crowd, at: Point, width: number, height: number): Place {
  const sides: Side[] = ['right', 'left', 'top', 'bottom'];
  const candidates = sides.map((side): Place => ({ at, side }));
  return best(crowd, candidates, { width, height }, null) ?? { at, side: 'right' };
}

function best(
  crowd: Crowd,
  candidates: readonly Place[],
  size: { width: number; height: number },
  own: number | null,
): Place | null {
  let found: { place: Place; box: Box; clearance: number } | null = null;
  for (const place of candidates) {
    const box = boxOf(place, size);
    const clearance = clearanceOf(box, crowd, own);
    if (clearance > (found?.clearance ?? -Infinity)) found = { place, box, clearance };
  }
  if (found) crowd.taken.push(found.box);
  return found?.place ?? null;
}

const BESIDE_PX = 9;
const OVER_PX = 5;

function boxOf({ at: [x, y], side }: Place, { width, height }: { width: number; height: number }): Box {
  const left = {
    left: x - BESIDE_PX - width,
    right: x + BESIDE_PX,
    top: x - width / 2,
    bottom: x - width / 2,
  };
  const top = { left: y - height / 2, right: y - height / 2, top: y - OVER_PX - height, bottom: y + OVER_PX };
  return { x: left[side], y: top[side], width, height };
}

/** Least distance to anything else, negative where something is covered or the plot is left. */
function clearanceOf(box: Box, { plot, lines, taken }: Crowd, own: number | null): number {
  const inside = Math.min(
    box.x - plot.x,
    plot.x + plot.width - box.x - box.width,
    box.y - plot.y,
    plot.y + plot.height - box.y - box.height,
  );
  const fromLines = lines.flatMap((line, i) => distanceToLine(box, line) * (i === own ? 4 : 1));
  const fromBoxes = taken.map((other) => gap(box, other) - 4);
  return Math.min(ENOUGH_PX, inside < 0 ? 3 * inside : ENOUGH_PX, ...fromLines, ...fromBoxes);
}

/** Negative where the line crosses the box, also steeply between two samples. */
function distanceToLine(box: Box, line: readonly Point[]): number {
  const middle = box.y + box.height / 2;
  const samples = Array.from({ length: 9 }, (_, i) => heightAt(line, box.x + (i / 8) * box.width));
  const seen = samples.flatMap((y) => (y === null ? [] : [y - middle]));
  const crosses = Math.min(...seen) < 0 && Math.max(...seen) > 0;
  return crosses ? -box.height / 2 : Math.min(Infinity, ...seen.map((y) => Math.abs(y) - box.height / 2));
}

function gap(a: Box, b: Box): number {
  const across = Math.max(a.x - b.x - b.width, b.x - a.x - a.width);
  const along = Math.max(a.y - b.y - b.height, b.y - a.y - a.height);
  return Math.max(across, along);
}

/** y of a line at x by interpolation, its points in the order of x; null outside of it. */
function heightAt(line: readonly Point[], x: number): number | null {
  for (let i = 1; i < line.length; i += 1) {
    const [before, after] = [line[i - 1], line[i]];
    if (!before || !after || before[0] > x || after[0] < x) continue;
    const share = after[0] === before[0] ? 0 : (x - before[0]) / (after[0] - before[0]);
    return before[1] + share * (after[1] - before[1]);
  }
  return null;
}
