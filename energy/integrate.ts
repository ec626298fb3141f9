/**
 * Energy of a window from power samples: trapezoids, interpolated at the edges of the window. Pure.
 *
 * Times in ms, power in W, energy in J. Nothing is assumed about the time in a gap: it adds no energy and is not
 * covered. A gap no longer than `bridgeMs` may be bridged by the samples before and after it, and is counted as such.
 */
import { SAMPLE_FLAGS, type PowerSample } from '../drivers/power-sensor.js';

/** The part of a sample that integration needs. */
export type Node = Pick<PowerSample, 'tMs' | 'powerW' | 'flags'>;

export interface WindowEnergy {
  energyJ: number;
  /** Time of the window that samples cover; less than its length where there are gaps or no samples. */
  coveredMs: number;
  /** Fresh samples inside the window. */
  samples: number;
}

/** True where a value is new: not the same conversion read twice. */
export function isFresh(node: Node): boolean {
  return (node.flags & SAMPLE_FLAGS.duplicate) === 0;
}

/** True where the time between two fresh samples counts. */
export function isJoined(from: Node, to: Node, gapMs: number): boolean {
  return to.tMs - from.tMs <= gapMs && (to.flags & SAMPLE_FLAGS.afterGap) === 0;
}

/** How far apart two fresh samples may be: for a measurement without a gap, and with one that is bridged. */
export interface Joins {
  gapMs: number;
  bridgeMs: number;
}

/** How the time between two fresh samples counts. */
export function joinOf(from: Node, to: Node, { gapMs, bridgeMs }: Joins): 'joined' | 'bridged' | 'gap' {
  if (isJoined(from, to, gapMs)) return 'joined';
  return to.tMs - from.tMs <= bridgeMs ? 'bridged' : 'gap';
}

/** Fresh samples in order of time, whatever order and batches they came in. */
export function nodesOf<T extends Node>(samples: readonly T[]): T[] {
  return samples.filter(isFresh).sort((a, b) => a.tMs - b.tMs);
}

/** Energy between two times. `gapMs`: samples further apart than this have a gap between them. */
export function windowEnergy(
  samples: readonly Node[],
  window: { fromMs: number; toMs: number },
  gapMs: number,
): WindowEnergy {
  const nodes = nodesOf(samples);
  const result: WindowEnergy = { energyJ: 0, coveredMs: 0, samples: 0 };
  for (const [i, to] of nodes.entries()) {
    if (to.tMs >= window.fromMs && to.tMs < window.toMs) result.samples += 1;
    const from = nodes[i - 1];
    if (!from || !isJoined(from, to, gapMs)) continue;
    const startMs = Math.max(from.tMs, window.fromMs);
    const endMs = Math.min(to.tMs, window.toMs);
    if (endMs <= startMs) continue;
    result.energyJ += trapezoidJ(from, to, startMs, endMs);
    result.coveredMs += endMs - startMs;
  }
  return result;
}

/** Energy of a stretch between two neighbouring samples, power interpolated. */
export function trapezoidJ(from: Node, to: Node, startMs: number, endMs: number): number {
  const slope = (to.powerW - from.powerW) / (to.tMs - from.tMs || 1);
  const middleW = from.powerW + slope * ((startMs + endMs) / 2 - from.tMs);
  return (middleW * (endMs - startMs)) / 1e3;
}

/** The same integral, grown sample by sample: the total since start. */
export class Integral {
  energyJ = 0;
  coveredMs = 0;
  /** Of the covered time: in gaps that were bridged. */
  bridgedMs = 0;
  readonly #joins: Joins;
  #last: Node | null = null;

  constructor(joins: Joins) {
    this.#joins = joins;
  }

  add(node: Node): void {
    if (!isFresh(node)) return;
    const last = this.#last;
    this.#last = node;
    const join = last ? joinOf(last, node, this.#joins) : 'gap';
    if (!last || join === 'gap') return;
    this.energyJ += trapezoidJ(last, node, last.tMs, node.tMs);
    this.coveredMs += node.tMs - last.tMs;
    if (join === 'bridged') this.bridgedMs += node.tMs - last.tMs;
  }

  /** Samples were lost: what comes next does not join what was. */
  break(): void {
    this.#last = null;
  }
}
