/** Loads of simulated rails: power over time, as cumulative energy, so that any mean has a known truth. */
import { WorkReader, type WorkItem, type WorkKind } from '../../common/activity.js';
import type { RailModel } from './board-model.js';

/** A load seen by a simulated chip. Energy is cumulative in J; only differences mean something. */
export interface Load {
  /** Takes note of the time: what happens up to `nowMs` can be asked for from now on. */
  follow(nowMs: number): void;
  energyJ(tMs: number): number;
}

/** Work that ended so long ago is no longer asked for one by one: longer than a starved chip catches up. */
const KEPT_MS = 4000;
/** Work items are dropped in batches of at least so many. */
const DROP_AT = 1024;

/** Constant power over idle for a time. */
interface Pulse {
  startMs: number;
  endMs: number;
  powerW: number;
  /** Energy in J of all pulses that began before this one. */
  beforeJ: number;
}

/**
 * The load of the daemon's real work: every item on the board draws the power of its kind for as long as the board
 * that is simulated takes for it, from its start on. What one thing at a time can do (the networks, either way of
 * the link) is done one after the other. Items carry their time, so that a sampler that comes late misses nothing.
 */
export class WorkLoad implements Load {
  readonly #work: WorkReader;
  readonly #model: RailModel;
  readonly #freeMs = new Map<WorkKind, number>();
  readonly #pulses: Pulse[] = [];
  #longestMs = 0;

  constructor(board: Int32Array<SharedArrayBuffer>, model: RailModel) {
    this.#work = new WorkReader(board);
    this.#model = model;
  }

  follow(nowMs: number): void {
    for (let item = this.#work.take(); item; item = this.#work.take()) this.#add(item);
    if (this.#pulses.length < 2 * DROP_AT) return;
    const old = this.#pulses.findIndex(({ endMs }) => endMs > nowMs - KEPT_MS);
    if (old >= DROP_AT) this.#pulses.splice(0, old);
  }

  energyJ(tMs: number): number {
    const idleJ = (this.#model.idleW * tMs) / 1e3;
    const pulses = this.#pulses;
    let i = firstAfter(pulses, tMs - this.#longestMs);
    const first = pulses[i];
    const last = pulses.at(-1);
    if (!first) return idleJ + (last ? last.beforeJ + pulseJ(last, tMs) : 0);
    let sumJ = first.beforeJ;
    for (let pulse = pulses[i]; pulse && pulse.startMs < tMs; pulse = pulses[++i]) sumJ += pulseJ(pulse, tMs);
    return idleJ + sumJ;
  }

  #add({ kind, amount, atMs }: WorkItem): void {
    const { powerW, perS, serial } = this.#model.work[kind];
    if (powerW <= 0) return;
    const startMs = serial ? Math.max(atMs, this.#freeMs.get(kind) ?? -Infinity) : atMs;
    const endMs = startMs + (1e3 * amount) / perS;
    this.#freeMs.set(kind, endMs);
    this.#longestMs = Math.max(this.#longestMs, endMs - startMs);
    const at = firstAfter(this.#pulses, startMs);
    this.#pulses.splice(at, 0, { startMs, endMs, powerW, beforeJ: 0 });
    for (let i = at; i < this.#pulses.length; i += 1) {
      const before = this.#pulses[i - 1];
      const pulse = this.#pulses[i];
      if (pulse && before) pulse.beforeJ = before.beforeJ + pulseJ(before, Infinity);
      else if (pulse) pulse.beforeJ = this.#pulses[1] ? this.#pulses[1].beforeJ - pulseJ(pulse, Infinity) : 0;
    }
  }
}

function pulseJ({ startMs, endMs, powerW }: Pulse, untilMs: number): number {
  return (powerW * Math.max(0, Math.min(endMs, untilMs) - startMs)) / 1e3;
}

/** Index of the first pulse that starts at or after a time. */
function firstAfter(pulses: readonly Pulse[], tMs: number): number {
  let low = 0;
  let high = pulses.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pulses[middle]?.startMs ?? 0) < tMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One step of a scripted load: this power from this time on. */
export interface LoadStep {
  fromMs: number;
  powerW: number;
}

/** A load known in advance, with an exact integral: the truth of tests and benchmarks. `steps` in order of time. */
export class StepLoad implements Load {
  readonly #steps: readonly LoadStep[];
  readonly #energiesJ: number[];

  constructor(steps: readonly LoadStep[]) {
    let sumJ = 0;
    this.#steps = steps;
    this.#energiesJ = steps.map((step, i) => {
      const before = steps[i - 1];
      if (before) sumJ += (before.powerW * (step.fromMs - before.fromMs)) / 1e3;
      return sumJ;
    });
  }

  follow(): void {
    // Known in advance.
  }

  energyJ(tMs: number): number {
    let low = 0;
    let high = this.#steps.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#steps[middle]?.fromMs ?? 0) <= tMs) low = middle;
      else high = middle - 1;
    }
    const step = this.#steps[low];
    if (!step) return 0;
    return (this.#energiesJ[low] ?? 0) + (step.powerW * (tMs - step.fromMs)) / 1e3;
  }
}
