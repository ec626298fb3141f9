/** Follows the ring of one rail from the main thread: total energy, idle power, and what a frame's cells hold. */
import type { SampledRail } from '../drivers/sampler/sampler.js';
import { cellsOf, type Cell, type Given } from './apportion.js';
import { Integral, isFresh, joinOf, type Joins, type Node } from './integrate.js';

type IndexedNode = Node & { index: number };

/** Samples between two looks at the lowest mean power. */
const STRETCH_SAMPLES = 100;

export class RailFollower {
  readonly sampled: SampledRail;
  readonly integral: Integral;
  readonly baseline: IdleBaseline;
  readonly given: GivenShares;
  readonly startMs: number;
  readonly #joins: Joins;
  #cursor = 0;
  #lastMs = NaN;
  #stretchW = 0;
  #stretch = 0;

  constructor(sampled: SampledRail, options: { idleWindowMs: number; bridgeMs?: number; startMs?: number }) {
    this.sampled = sampled;
    this.startMs = options.startMs ?? 0;
    this.#joins = { gapMs: sampled.gapMs, bridgeMs: options.bridgeMs ?? 0 };
    this.integral = new Integral(this.#joins);
    this.baseline = new IdleBaseline(options.idleWindowMs);
    this.given = new GivenShares(sampled.ring.capacity);
  }

  /** Takes in what the sampler wrote since the last call. `isIdle` says whether no frame touched a time. */
  catchUp(isIdle: (fromMs: number, toMs: number) => boolean): void {
    const { ring, rail } = this.sampled;
    if (this.#cursor < ring.oldest) {
      this.#cursor = ring.oldest;
      this.integral.break();
    }
    for (; ; this.#cursor += 1) {
      const sample = ring.at(this.#cursor);
      if (!sample) return;
      if (!isFresh(sample)) continue;
      this.integral.add(sample);
      const lengthMs = sample.tMs - this.#lastMs;
      this.#lastMs = sample.tMs;
      this.#noteStretch(sample.powerW);
      if (!(lengthMs <= this.sampled.gapMs)) continue;
      if (isIdle(sample.tMs - rail.spanMs / 2, sample.tMs + rail.spanMs / 2)) {
        this.baseline.learn(sample.powerW, lengthMs);
      }
    }
  }

  #noteStretch(powerW: number): void {
    this.#stretchW += powerW / STRETCH_SAMPLES;
    this.#stretch += 1;
    if (this.#stretch < STRETCH_SAMPLES) return;
    this.baseline.consider(this.#stretchW);
    this.#stretchW = 0;
    this.#stretch = 0;
  }

  /** True where the end of a frame already lies in a gap too long to bridge: what comes next comes too late. */
  isLostAt(toMs: number, nowMs: number): boolean {
    const { ring, rail } = this.sampled;
    const newestMs = ring.at(ring.head - 1)?.tMs ?? -Infinity;
    return (
      newestMs < toMs && nowMs - rail.spanMs - newestMs > Math.max(this.#joins.gapMs, this.#joins.bridgeMs)
    );
  }

  /** Time up to which a frame's end can be judged: the sample there has a neighbour on its other side already. */
  get settledMs(): number {
    const { ring, rail } = this.sampled;
    let fresh = 0;
    for (let index = ring.head - 1; ; index -= 1) {
      const sample = ring.at(index);
      if (!sample) return -Infinity;
      if (isFresh(sample)) fresh += 1;
      if (fresh === 2) return sample.tMs - rail.spanMs / 2;
    }
  }

  /**
   * Cells of a frame's time, with the ones at its edges that its work reaches into; null where samples are missing
   * for too long to bridge. `samples` counts the fresh ones inside.
   */
  cells(fromMs: number, toMs: number): { cells: Cell[]; samples: number } | null {
    const run = this.#runAround(fromMs, toMs);
    const cells = run && cellsOf(run.nodes, { ...this.#joins, spanMs: this.sampled.rail.spanMs });
    if (!cells) return null;
    const samples = run.nodes.filter((node) => node.tMs >= fromMs && node.tMs < toMs).length;
    // A node at the edge of what was looked at knows one neighbour only: it bounds the cell before it and has none.
    return { cells: cells.slice(run.cutBefore ? 0 : 1, run.cutAfter ? undefined : -1), samples };
  }

  /** The samples around a window without a gap too long to bridge, and whether such a gap ends them; null: in the window. */
  #runAround(
    fromMs: number,
    toMs: number,
  ): { nodes: IndexedNode[]; cutBefore: boolean; cutAfter: boolean } | null {
    const all = this.#nodesAround(fromMs, toMs);
    const gaps = all.flatMap((node, i) => {
      const before = all[i - 1];
      return before && joinOf(before, node, this.#joins) === 'gap' ? [i] : [];
    });
    const first = gaps.filter((i) => (all[i]?.tMs ?? Infinity) <= fromMs).at(-1) ?? 0;
    const end = gaps.find((i) => i > first) ?? all.length;
    const nodes = all.slice(first, end);
    const covers = (nodes[0]?.tMs ?? Infinity) <= fromMs && (nodes.at(-1)?.tMs ?? -Infinity) >= toMs;
    return covers ? { nodes, cutBefore: first > 0, cutAfter: end < all.length } : null;
  }

  /** Fresh samples around a window: two before what reaches into it, and two after. */
  #nodesAround(fromMs: number, toMs: number): IndexedNode[] {
    const { ring, rail, rateHz } = this.sampled;
    const reachMs = rail.spanMs + 2000 / rateHz;
    const nodes: IndexedNode[] = [];
    let index = ring.indexAt(fromMs - reachMs);
    for (let before = 0; before < 2 && index > ring.oldest;) {
      index -= 1;
      const sample = ring.at(index);
      if (sample && isFresh(sample)) before += 1;
    }
    for (let beyond = 0; beyond < 2; index += 1) {
      const sample = ring.at(index);
      if (!sample) break;
      if (!isFresh(sample)) continue;
      nodes.push({ ...sample, index });
      if (sample.tMs > toMs + reachMs) beyond += 1;
    }
    return nodes;
  }
}

/** Idle time after which the learned value is trusted. */
const TRUSTED_MS = 300;

/** Idle power of one rail, learned from the samples of times in which no frame was in work. Pure state. */
export class IdleBaseline {
  readonly #windowMs: number;
  #meanW = 0;
  #seenMs = 0;
  #lowestW = Infinity;

  /** `windowMs`: time constant of the running mean. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** An idle sample that stands for `lengthMs`. */
  learn(powerW: number, lengthMs: number): void {
    this.#seenMs += lengthMs;
    this.#meanW += (powerW - this.#meanW) * (lengthMs / Math.min(this.#seenMs, this.#windowMs));
  }

  /** Mean power of any stretch, busy or not: the lowest stands in while idle was never seen. */
  consider(meanW: number): void {
    this.#lowestW = Math.min(this.#lowestW, meanW);
  }

  get learned(): boolean {
    return this.#seenMs >= TRUSTED_MS;
  }

  /** Best estimate in W; null before anything was seen. */
  get powerW(): number | null {
    if (this.learned) return this.#meanW;
    if (this.#lowestW < Infinity) return this.#lowestW;
    return this.#seenMs > 0 ? this.#meanW : null;
  }
}

/** What was given away of each cell of a rail, for as long as its ring keeps samples. */
export class GivenShares implements Given {
  readonly #indexes: Float64Array;
  readonly #idle: Float64Array;
  readonly #excess: Float64Array;

  constructor(capacity: number) {
    this.#indexes = new Float64Array(capacity).fill(-1);
    this.#idle = new Float64Array(capacity);
    this.#excess = new Float64Array(capacity);
  }

  /** Takes at most what is left of a cell, and returns it. */
  take(index: number, part: 'idle' | 'excess', share: number): number {
    const slot = index % this.#indexes.length;
    if (this.#indexes[slot] !== index) {
      this.#indexes[slot] = index;
      this.#idle[slot] = 0;
      this.#excess[slot] = 0;
    }
    const given = part === 'idle' ? this.#idle : this.#excess;
    const taken = Math.min(share, 1 - (given[slot] ?? 0));
    given[slot] = (given[slot] ?? 0) + taken;
    return taken;
  }
}
