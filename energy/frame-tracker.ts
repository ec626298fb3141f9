/** Energy of single frames: keeps who was busy when, waits for the last samples of a frame, apportions. */
import { enterStage, leaveStage, postWork, type Stage, type StageSpan } from '../common/activity.js';
import type { Clock } from '../common/clock.js';
import { apportion } from './apportion.js';
import { OccupancyLog } from './occupancy.js';
import type { PowerConfig } from './config.js';
import { ImageWork, type ImageStage } from './image-cpu.js';
import type { FrameEnergy, FrameMeter } from './meter.js';
import type { RailFollower } from './rail-follower.js';

export interface FrameTrackerDeps {
  clock: Clock;
  board: Int32Array<SharedArrayBuffer>;
  /** Rails whose sum is the device's power. */
  rails: readonly RailFollower[];
}

function isImageStage(stage: Stage): stage is ImageStage {
  return stage === 'decode' || stage === 'encode';
}

/** Between two looks for the last samples of a frame. */
const LOOK_MS = 1;

export class FrameTracker {
  readonly idle: IdleTimes;
  measured = 0;
  bridged = 0;
  unmeasured = 0;
  readonly #deps: FrameTrackerDeps;
  readonly #config: PowerConfig;
  readonly #occupancies = new OccupancyLog();
  /** Of simulated rails: their power follows the CPU time of image work. */
  readonly #images: ImageWork | null;
  #next = 0;

  constructor(deps: FrameTrackerDeps, config: PowerConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#images = config.simulate ? new ImageWork(deps) : null;
    this.idle = new IdleTimes({ settleMs: config.idle.settleMs, nowMs: deps.clock.monotonicMs() });
  }

  frame(): FrameMeter {
    const { clock, board } = this.#deps;
    this.#next += 1;
    const id = this.#next;
    let finished: Promise<FrameEnergy | null> | null = null;
    const images = new Map<Stage, () => void>();
    this.idle.begin(id, clock.monotonicMs());
    return {
      enter: (stage) => {
        enterStage(board, stage);
        if (this.#images && isImageStage(stage)) images.set(stage, this.#images.begin(stage));
        this.#occupancies.open(id, stage, clock.monotonicMs());
      },
      leave: (stage) => {
        images.get(stage)?.();
        images.delete(stage);
        this.#leave(id, stage);
      },
      span: (span) => this.#span(id, span),
      transfer: ({ up = 0, down = 0 }) => {
        const atMs = clock.monotonicMs();
        postWork(board, { kind: 'bytesUp', amount: up, atMs });
        postWork(board, { kind: 'bytesDown', amount: down, atMs });
      },
      finish: () => {
        for (const end of images.values()) end();
        images.clear();
        return (finished ??= this.#finish(id));
      },
    };
  }

  /** Idle power in W that net energies are net of, over all rails; null until known. */
  idleW(): number | null {
    const powers = this.#deps.rails.map((rail) => this.#railIdleW(rail));
    return powers.every((power) => power !== null) && powers.length > 0
      ? powers.reduce((sum: number, power) => sum + (power ?? 0), 0)
      : null;
  }

  #railIdleW(rail: RailFollower): number | null {
    const fixedW = this.#config.idle.powerW;
    return fixedW === null ? rail.baseline.powerW : fixedW / this.#deps.rails.length;
  }

  #leave(id: number, stage: Stage): void {
    if (this.#occupancies.close(id, stage, this.#deps.clock.monotonicMs()))
      leaveStage(this.#deps.board, stage);
  }

  #span(id: number, span: StageSpan): void {
    this.#leave(id, span.stage);
    this.#occupancies.replace(id, span);
  }

  async #finish(id: number): Promise<FrameEnergy | null> {
    const { clock } = this.#deps;
    for (const stage of this.#occupancies.openStages(id)) this.#leave(id, stage);
    const nowMs = clock.monotonicMs();
    this.idle.end(id, nowMs);
    const own = this.#occupancies.of(id);
    if (own.length === 0) return null;
    const fromMs = Math.min(...own.map((occupancy) => occupancy.startMs));
    const toMs = Math.max(...own.map((occupancy) => occupancy.endMs));
    const energy = (await this.#settled(toMs, nowMs)) ? this.#settle(id, fromMs, toMs) : null;
    this.#occupancies.prune(this.idle.frames, nowMs, 100);
    if (energy?.bridged) this.bridged += 1;
    if (energy) this.measured += 1;
    else this.unmeasured += 1;
    return energy;
  }

  /** Waits for samples that reach past `toMs`; false when they do not come in time. */
  async #settled(toMs: number, nowMs: number): Promise<boolean> {
    const { rails, clock } = this.#deps;
    const untilMs = nowMs + this.#config.finishMs - LOOK_MS;
    for (;;) {
      if (rails.every((rail) => rail.settledMs >= toMs)) return rails.length > 0;
      const now = clock.monotonicMs();
      if (rails.length === 0 || rails.some((rail) => rail.isLostAt(toMs, now))) return false;
      if (now >= untilMs) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  #settle(id: number, fromMs: number, toMs: number): FrameEnergy | null {
    const total: FrameEnergy = { grossJ: 0, netJ: 0, simulated: false, samples: Infinity, bridged: false };
    const stagesJ: Partial<Record<Stage, number>> = {};
    const railsJ: NonNullable<FrameEnergy['railsJ']> = {};
    for (const rail of this.#deps.rails) {
      const found = rail.cells(fromMs, toMs);
      if (!found) return null;
      const first = found.cells[0];
      const last = found.cells.at(-1);
      if (!first || !last) return null;
      const occupancies = this.#occupancies.between(first.reachFromMs, last.reachToMs);
      const idleW = this.#railIdleW(rail) ?? Math.min(...found.cells.map((cell) => cell.powerW));
      const part = apportion(id, found.cells, occupancies, { idleW, given: rail.given });
      total.grossJ += part.grossJ;
      total.netJ += part.netJ;
      railsJ[rail.sampled.rail.name] = { gross: part.grossJ, net: part.netJ };
      total.bridged ||= part.bridged;
      total.simulated ||= rail.sampled.rail.simulated;
      total.samples = Math.min(total.samples ?? Infinity, found.samples);
      for (const [stage, energyJ] of Object.entries(part.stagesJ) as [Stage, number][]) {
        stagesJ[stage] = (stagesJ[stage] ?? 0) + energyJ;
      }
    }
    return { ...total, stagesJ, railsJ, coarse: (total.samples ?? 0) < this.#config.coarseSamples };
  }
}

/** A frame that is never finished must not keep idle power from being learned for ever. */
const FORGET_MS = 60_000;

/** Times in which no frame was in flight. Pure state. */
export class IdleTimes {
  readonly #settleMs: number;
  /** Frames in flight and when they began. */
  readonly #frames = new Map<number, number>();
  readonly #idle: { fromMs: number; toMs: number }[] = [];
  #sinceMs: number;

  /** `settleMs`: time after the last frame that does not count as idle yet. */
  constructor(options: { settleMs: number; nowMs: number }) {
    this.#settleMs = options.settleMs;
    this.#sinceMs = options.nowMs;
  }

  get frames(): ReadonlySet<number> {
    return new Set(this.#frames.keys());
  }

  begin(frame: number, nowMs: number): void {
    if (this.#frames.size === 0) this.#idle.push({ fromMs: this.#sinceMs + this.#settleMs, toMs: nowMs });
    this.#frames.set(frame, nowMs);
  }

  end(frame: number, nowMs: number): void {
    if (!this.#frames.delete(frame)) return;
    if (this.#frames.size === 0) this.#sinceMs = nowMs;
  }

  isIdle(fromMs: number, toMs: number): boolean {
    if (this.#frames.size === 0 && fromMs >= this.#sinceMs + this.#settleMs) return true;
    return this.#idle.some((each) => fromMs >= each.fromMs && toMs <= each.toMs);
  }

  /** Forgets idle times older than `keepMs`, and frames that were never finished. */
  prune(nowMs: number, keepMs: number): void {
    while (this.#idle[0] && this.#idle[0].toMs < nowMs - keepMs) this.#idle.shift();
    for (const [frame, beganMs] of this.#frames) {
      if (nowMs - beganMs > FORGET_MS) this.end(frame, nowMs);
    }
  }
}
