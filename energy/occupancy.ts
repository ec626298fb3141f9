/** Who was busy when: the stages of all frames in flight, from which shared energy is apportioned. No I/O. */
import type { Stage } from '../common/activity.js';

/** One stage of one frame. */
export interface Claim {
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
/** Claims are looked through for ones that no frame can overlap any more when there are this many. */
const PRUNE_AT = 256;

export class Claims {
  #claims: Claim[] = [];
  #pruneAt = PRUNE_AT;

  open(frame: number, stage: Stage, nowMs: number): void {
    this.#claims.push({ frame, stage, startMs: nowMs, endMs: Infinity, provisional: true });
  }

  /** Ends the frame's open claim of a stage; false where there is none. */
  close(frame: number, stage: Stage, nowMs: number): boolean {
    const claim = this.#claims.findLast(
      (each) => each.frame === frame && each.stage === stage && each.endMs === Infinity,
    );
    if (claim) claim.endMs = nowMs;
    return claim !== undefined;
  }

  /** Adds a stage known after the fact, in place of what enter/leave said about it. */
  replace(frame: number, span: { stage: Stage; startMs: number; endMs: number }): void {
    this.#claims = this.#claims.filter(
      (each) => !(each.frame === frame && each.stage === span.stage && each.provisional),
    );
    this.#claims.push({ frame, ...span, provisional: false });
  }

  openStages(frame: number): Stage[] {
    return this.#claims
      .filter((each) => each.frame === frame && each.endMs === Infinity)
      .map((each) => each.stage);
  }

  of(frame: number): Claim[] {
    return this.#claims.filter((each) => each.frame === frame);
  }

  /** Every claim that reaches into a window. */
  between(fromMs: number, toMs: number): Claim[] {
    return this.#claims.filter((each) => each.startMs < toMs && each.endMs > fromMs);
  }

  /** Forgets what ended before anything that unfinished frames can still ask for. */
  prune(unfinished: ReadonlySet<number>, nowMs: number, keepMs: number): void {
    if (this.#claims.length < this.#pruneAt) return;
    const oldestMs = this.#claims.reduce(
      (least, each) => (unfinished.has(each.frame) ? Math.min(least, each.startMs) : least),
      nowMs,
    );
    const fromMs = Math.max(oldestMs - keepMs, nowMs - FORGET_MS);
    this.#claims = this.#claims.filter((each) => each.endMs >= fromMs && each.startMs >= nowMs - FORGET_MS);
    this.#pruneAt = Math.max(PRUNE_AT, 2 * this.#claims.length);
  }
}
