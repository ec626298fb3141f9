import { ROUTES, type Route } from '../protocol/messages.js';

/** Why an admitted frame ended without a result. */
export const DROP_CAUSES = [
  'superseded',
  'no-room',
  'stale',
  'expired',
  'undecodable',
  'damaged',
  'inference-failed',
  'shutdown',
  'internal',
] as const;
export type DropCause = (typeof DROP_CAUSES)[number];

/**
 * What happened to every message since start. The invariant: `admitted` = `results` + all `drops` + frames still
 * on their way; `received` + `extraFrames` = `admitted` + all `refused` + `ignoredRetained`.
 */
export class Counters {
  received = 0;
  ignoredRetained = 0;
  /** Frames beyond the first of a message: a camera with several regions. */
  extraFrames = 0;
  admitted = 0;
  results = 0;
  lateAnswers = 0;
  badAnswers = 0;
  /** Of servers that were not asked. */
  foreignAnswers = 0;
  /** Camera stamps that are no time; the receipt counted instead. */
  oddCapturedAt = 0;
  journalErrors = 0;
  /** Records of the append file that the last death left torn. */
  tornRecords = 0;
  /** Results that were published while no file held them. */
  unjournaled = 0;
  /** Damaged journals that were set aside. */
  journalsSetAside = 0;
  /** Times that files of the journal were deleted, moved, replaced or cut under the running program. */
  journalsLost = 0;
  /** Delivered results whose record went with them. */
  recordsLost = 0;
  /** Runs of this journal that did not stop: the frames they had not finished are nowhere. */
  uncleanRestarts = 0;
  /** Results that the broker does not take, left in the journal to the next run: delivered yet, perhaps. */
  parked = 0;
  /** Results that will not be delivered, by cause. */
  readonly givenUp: Record<string, number> = {};
  readonly refused: Record<string, number> = {};
  readonly drops: Partial<Record<DropCause, number>> = {};
  readonly routes: Record<Route, number> = Object.fromEntries(ROUTES.map((route) => [route, 0])) as Record<
    Route,
    number
  >;

  refuse(cause: string): void {
    this.refused[cause] = (this.refused[cause] ?? 0) + 1;
  }

  drop(cause: DropCause): void {
    this.drops[cause] = (this.drops[cause] ?? 0) + 1;
  }

  result(route: Route): void {
    this.results += 1;
    this.routes[route] += 1;
  }

  giveUp(cause: string, results = 1): void {
    if (results > 0) this.givenUp[cause] = (this.givenUp[cause] ?? 0) + results;
  }

  /** One that was given up has been delivered after all. */
  takeBack(cause: string): void {
    this.givenUp[cause] = Math.max(0, (this.givenUp[cause] ?? 0) - 1);
  }

  /** A copy for the state topic. */
  snapshot(): CounterSnapshot {
    return {
      received: this.received,
      refused: { ...this.refused },
      ignoredRetained: this.ignoredRetained,
      extraFrames: this.extraFrames,
      admitted: this.admitted,
      drops: { ...this.drops },
      results: this.results,
      routes: { ...this.routes },
      lateAnswers: this.lateAnswers,
      badAnswers: this.badAnswers,
      foreignAnswers: this.foreignAnswers,
      oddCapturedAt: this.oddCapturedAt,
      journalErrors: this.journalErrors,
      unjournaled: this.unjournaled,
      journalsSetAside: this.journalsSetAside,
      journalsLost: this.journalsLost,
      recordsLost: this.recordsLost,
      uncleanRestarts: this.uncleanRestarts,
      tornRecords: this.tornRecords,
      parked: this.parked,
      givenUp: { ...this.givenUp },
    };
  }
}

export interface CounterSnapshot {
  received: number;
  refused: Record<string, number>;
  ignoredRetained: number;
  extraFrames: number;
  admitted: number;
  drops: Record<string, number>;
  results: number;
  routes: Record<Route, number>;
  lateAnswers: number;
  badAnswers: number;
  foreignAnswers: number;
  oddCapturedAt: number;
  journalErrors: number;
  unjournaled: number;
  journalsSetAside: number;
  journalsLost: number;
  recordsLost: number;
  uncleanRestarts: number;
  tornRecords: number;
  parked: number;
  givenUp: Record<string, number>;
}
