/** Who was busy when: the stages of all frames in flight, from which shared energy is apportioned. No I/O. */
import type { Stage } from '../common/activity.js';

/** One frame in one stage for a time. */
export interface Occupancy {
  frame: number;
  stage: Stage;
  startMs: number;
  /** Infinity while the frame is in the stage. */
  endMs: number;
  /** Said by enter/leave; a span of the same stage takes its place. */
  provisional: boolean;
}

/** Frames that were never finished are forgotten after this time. */
const FORGET_MS = 60_000;
/** They are looked through for ones that no frame can overlap any more when there are this many. */
const PRUNE_AT = 256;

export class OccupancyLog {
  #occupancies: Occupancy[] = [];
  #pruneAt = PRUNE_AT;

  open(frame: number, stage: Stage, nowMs: number): void {
    this.#occupancies.push({ frame, stage, startMs: nowMs, endMs: Infinity, provisional: true });
  }

  /** Ends the frame's open occupancy of a stage; false where there is none. */
  close(frame: number, stage: Stage, nowMs: number): boolean {
    const occupancy = this.#occupancies.findLast(
      (each) => each.frame === frame && each.stage === stage && each.endMs === Infinity,
    );
    if (occupancy) occupancy.endMs = nowMs;
    return occupancy !== undefined;
  }

  /** Adds a stage known after the fact, in place of what enter/leave said about it. */
  replace(frame: number, span: { stage: Stage; startMs: number; endMs: number }): void {
    this.#occupancies = this.#occupancies.filter(
      (each) => !(each.frame === frame && each.stage === span.stage && each.provisional),
    );
    this.#occupancies.push({ frame, ...span, provisional: false });
  }

  openStages(frame: number): Stage[] {
    return this.#occupancies
      .filter((each) => each.frame === frame && each.endMs === Infinity)
      .map((each) => each.stage);
  }

  of(frame: number): Occupancy[] {
    return this.#occupancies.filter((each) => each.frame === frame);
  }

  /** Every occupancy that reaches into a window. */
  between(fromMs: number, toMs: number): Occupancy[] {
    return this.#occupancies.filter((each) => each.startMs < toMs && each.endMs > fromMs);
  }

  /** Forgets what ended before anything that unfinished frames can still ask for. */
  prune(unfinished: ReadonlySet<number>, nowMs: number, keepMs: number): void {
    if (this.#occupancies.length < this.#pruneAt) return;
    const oldestMs = this.#occupancies.reduce(
      (least, each) => (unfinished.has(each.frame) ? Math.min(least, each.startMs) : least),
      nowMs,
    );
    const fromMs = Math.max(oldestMs - keepMs, nowMs - FORGET_MS);
    this.#occupancies = this.#occupancies.filter(
      (each) => each.endMs >= fromMs && each.startMs >= nowMs - FORGET_MS,
    );
    this.#pruneAt = Math.max(PRUNE_AT, 2 * this.#occupancies.length);
  }
}
