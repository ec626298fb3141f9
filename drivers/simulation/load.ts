/** Loads of simulated rails: power over time, as cumulative energy, so that any mean has a known truth. */
import { STAGES, framesIn, type Stage } from '../../common/activity.js';

/** A load seen by a simulated chip. Energy is cumulative in J; only differences mean something. */
export interface Load {
  /** Takes note of the time: what happens up to `nowMs` can be asked for from now on. */
  follow(nowMs: number): void;
  energyJ(tMs: number): number;
}

/** Power that a rail draws when idle, and more for each frame in a stage. */
export interface PowerModel {
  voltageV: number;
  idleW: number;
  stageW: Record<Stage, number>;
}

/** Whole module of a TX2-like board. Round figures for a model, measured on nothing. */
const MODULE: PowerModel = {
  voltageV: 19,
  idleW: 3.2,
  stageW: { decode: 2.1, mux: 2.6, local: 6.4, encode: 1.7, upload: 1.1, wait: 0.15 },
};
const GPU: PowerModel = {
  voltageV: 19,
  idleW: 0.3,
  stageW: { decode: 0, mux: 1.8, local: 5, encode: 0, upload: 0, wait: 0 },
};
const CPU: PowerModel = {
  voltageV: 19,
  idleW: 0.5,
  stageW: { decode: 1.9, mux: 0.4, local: 0.5, encode: 1.5, upload: 0.7, wait: 0.05 },
};

/** The model of a simulated rail by its name: the module's inner rails, or the whole module. */
export function powerModelFor(railName: string): PowerModel {
  if (/gpu/i.test(railName)) return GPU;
  if (/cpu/i.test(railName)) return CPU;
  return MODULE;
}

/** More than this many frames in one stage draw no more power: the cores are taken. */
const FRAMES_AT_FULL_LOAD = 4;

/** Power in W for a number of frames in each stage. */
export function modelPowerW(model: PowerModel, frames: (stage: Stage) => number): number {
  return STAGES.reduce(
    (sum, stage) => sum + model.stageW[stage] * Math.min(Math.max(frames(stage), 0), FRAMES_AT_FULL_LOAD),
    model.idleW,
  );
}

/** The board is not looked at more often: the registers of a rail are read within such a time. */
const LOOK_MS = 0.1;
/** Breakpoints kept of a followed load; at 3 looks a ms still more than 1 s. */
const HISTORY = 4096;

/**
 * The load of the daemon's real activity: the board is looked at in `follow`, and what it says holds from half-way
 * to the look before until half-way to the next, so that edges seen late are as often seen early.
 */
export class BoardLoad implements Load {
  readonly #board: Int32Array<SharedArrayBuffer>;
  readonly #model: PowerModel;
  readonly #timesMs: number[] = [];
  readonly #energiesJ: number[] = [];
  #powerW = 0;
  #lookedMs = 0;

  constructor(board: Int32Array<SharedArrayBuffer>, model: PowerModel) {
    this.#board = board;
    this.#model = model;
  }

  follow(nowMs: number): void {
    if (this.#timesMs.length > 0 && nowMs - this.#lookedMs < LOOK_MS) return;
    const powerW = modelPowerW(this.#model, (stage) => framesIn(this.#board, stage));
    if (this.#timesMs.length === 0) {
      this.#push(nowMs, 0);
    } else if (powerW !== this.#powerW) {
      const edgeMs = (this.#lookedMs + nowMs) / 2;
      this.#push(edgeMs, this.energyJ(edgeMs));
    }
    this.#powerW = powerW;
    this.#lookedMs = nowMs;
  }

  energyJ(tMs: number): number {
    let i = this.#timesMs.length - 1;
    while (i > 0 && (this.#timesMs[i] ?? 0) > tMs) i -= 1;
    const fromMs = this.#timesMs[i] ?? tMs;
    const fromJ = this.#energiesJ[i] ?? 0;
    const nextMs = this.#timesMs[i + 1];
    const powerW =
      nextMs === undefined
        ? this.#powerW
        : (1e3 * ((this.#energiesJ[i + 1] ?? 0) - fromJ)) / (nextMs - fromMs);
    return fromJ + (powerW * (tMs - fromMs)) / 1e3;
  }

  #push(tMs: number, energyJ: number): void {
    this.#timesMs.push(tMs);
    this.#energiesJ.push(energyJ);
    if (this.#timesMs.length < 2 * HISTORY) return;
    this.#timesMs.splice(0, HISTORY);
    this.#energiesJ.splice(0, HISTORY);
  }
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
