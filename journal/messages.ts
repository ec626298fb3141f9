/** What the main thread and the journal's thread say to each other. Each answers in the order of asking. */
import type { JournalCounts } from './counts.js';
import type { JournalOptions, JournalRow, LastStop, NewResult } from './journal.js';

export interface ThreadStart {
  dir: string;
  mode: 'memory' | 'disk';
  sync: JournalOptions['sync'];
  /** In running time of the device. */
  maxAgeMs: number;
  maxBytes: number;
  commitMs: number;
  /** Numbers of results begin behind it. */
  afterSeq: number;
}

export type ToThread =
  | { type: 'append'; row: NewResult & { seq: number } }
  | { type: 'delivered'; seqs: readonly number[] }
  | { type: 'parked'; seq: number }
  | { type: 'undelivered'; id: number; afterSeq: number; limit: number }
  /** Answer to `missing`: what memory holds of undelivered results. */
  | { type: 'held'; rows: readonly JournalRow[] }
  | { type: 'stop' };

/** How the journal is. */
export interface JournalStatus {
  /** Results can be recorded. */
  takes: boolean;
  /** What is wrong now, for people. */
  problem: string | null;
  /** What was lost lately, for people. */
  notice: string | null;
  lastStop: LastStop;
  lastSeq: number;
  counts: JournalCounts;
}

export type FromThread =
  /** The thread runs, and turns to the disk now. */
  | { type: 'opening' }
  /** The journal is open, or fails and is tried again. */
  | { type: 'started' }
  | { type: 'in-use'; message: string; details: Record<string, unknown> }
  | { type: 'status'; status: JournalStatus }
  /** `waiting`: results in the journal that no broker has acknowledged. */
  | { type: 'recorded'; seq: number; done: boolean; waiting: number }
  | { type: 'waiting'; waiting: number }
  | { type: 'rows'; id: number; rows: JournalRow[] | null }
  /** Results are in no file any more. */
  | { type: 'missing' }
  | { type: 'log'; level: 'info' | 'warn' | 'error'; fields: Record<string, unknown>; text: string }
  | { type: 'stopped' };
