/** Follows the ring of one rail from the main thread: total energy, idle power, and what a frame's cells hold. */
import type { SampledRail } from '../drivers/sampler/sampler.js';
import type { Cell } from './apportion.js';
import { cellsOf } from './apportion.js';
import { IdleBaseline } from './baseline.js';
import { GivenShares } from './given.js';
import { Integral, isFresh, type Node } from './integrate.js';

type IndexedNode = Node & { index: number };

/** Samples between two looks at the lowest mean power. */
const STRETCH_SAMPLES = 100;

export class RailFollower {
  readonly sampled: SampledRail;
  readonly integral: Integral;
  readonly baseline: IdleBaseline;
  readonly given: GivenShares;
  readonly startMs: number;
  #cursor = 0;
  #lastMs = NaN;
  #stretchW = 0;
  #stretch = 0;

  constructor(sampled: SampledRail, options: { idleWindowMs: number; startMs?: number }) {
    this.sampled = sampled;
    this.startMs = options.startMs ?? 0;
    this.integral = new Integral(sampled.gapMs);
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

  /** True where the end of a frame already lies in a gap: whatever sample comes next comes too late. */
  isLostAt(toMs: number, nowMs: number): boolean {
    const { ring, rail, gapMs } = this.sampled;
    const newestMs = ring.at(ring.head - 1)?.tMs ?? -Infinity;
    return newestMs < toMs && nowMs - rail.spanMs - newestMs > gapMs;
  }

  /** Time up to which a frame's end can be judged. */
  get settledMs(): number {
    const { ring, rail } = this.sampled;
    return (ring.at(ring.head - 1)?.tMs ?? -Infinity) - rail.spanMs;
  }

  /**
   * Cells of a frame's time, with the ones at its edges that its work reaches into; null where samples are missing.
   * `samples` counts the fresh ones inside.
   */
  cells(fromMs: number, toMs: number): { cells: Cell[]; samples: number } | null {
    const { ring, rail, gapMs } = this.sampled;
    const reachMs = rail.spanMs + 2000 / this.sampled.rateHz;
    const nodes: IndexedNode[] = [];
    for (let index = Math.max(ring.oldest, ring.indexAt(fromMs - reachMs) - 1); ; index += 1) {
      const sample = ring.at(index);
      if (!sample) break;
      if (isFresh(sample)) nodes.push({ ...sample, index });
      if (sample.tMs > toMs + reachMs) break;
    }
    const first = nodes[0];
    const last = nodes.at(-1);
    if (!first || !last || first.tMs > fromMs || last.tMs < toMs) return null;
    const cells = cellsOf(nodes, { gapMs, spanMs: rail.spanMs });
    const samples = nodes.filter((node) => node.tMs >= fromMs && node.tMs < toMs).length;
    // The outermost nodes know only one neighbour: they bound their neighbours' cells and have none of their own.
    return cells && { cells: cells.slice(1, -1), samples };
  }
}
