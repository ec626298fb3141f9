import { join } from 'node:path';
import { systemClock, type Clock } from '../common/clock.js';
import { EdgemuxError } from '../common/errors.js';
import { JOURNAL_FILE, JournalFile } from './file.js';

/** A result as it stands in the journal. */
export interface JournalRow {
  seq: number;
  frameId: string;
  topic: string;
  payload: string;
}

/** How the run before this one ended; `unknown` where there is no journal that tells. */
export type LastStop = 'clean' | 'unclean' | 'unknown';

export interface JournalOptions {
  dir: string;
  /** `full` syncs every result to the medium, `normal` survives the death of the process only. */
  sync: 'normal' | 'full';
  clock?: Clock;
}

/** How many undelivered results a pruning gave up, and why. */
export interface Pruned {
  tooOld: number;
  tooMany: number;
}

/** Values of the column `delivered`. Parked: the broker does not take it; the next run tries again. */
const WAITING = 0;
const DELIVERED = 1;
const PARKED = 2;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS results (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    frameId TEXT NOT NULL UNIQUE,
    createdAtMs INTEGER NOT NULL,
    ranMs INTEGER NOT NULL,
    topic TEXT NOT NULL,
    payload TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX IF NOT EXISTS undelivered ON results (seq) WHERE delivered = 0;
  CREATE INDEX IF NOT EXISTS byRunningTime ON results (ranMs);
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/**
 * The durable record of results: written before a result is published. Everything may throw JOURNAL_FAILED.
 *
 * Age is counted in running time of the device (`ranMs`), kept up over restarts: the wall clock may jump by decades
 * when a board without a battery hears from its time server.
 */
export class Journal {
  readonly file: JournalFile;
  readonly #clock: Clock;
  #ranAtStartMs = 0;
  #startedMs = 0;
  #begun = false;

  constructor({ dir, sync, clock }: JournalOptions) {
    this.#clock = clock ?? systemClock;
    this.file = new JournalFile(join(dir, JOURNAL_FILE), sync);
  }

  /**
   * Opens or creates the file. After a run that did not stop the whole file is checked.
   * @param afterSeq sequence numbers of a new file begin behind it
   */
  start(afterSeq = 0): LastStop {
    const { file } = this;
    if (file.isOpen) return 'unknown';
    const isNew = file.open();
    try {
      const columns = file.all<{ name: string }>('PRAGMA table_info(results)');
      if (columns.length > 0 && !columns.some(({ name }) => name === 'ranMs'))
        file.exec('ALTER TABLE results ADD COLUMN ranMs INTEGER NOT NULL DEFAULT 0');
      file.exec(SCHEMA);
      if (isNew) file.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('results', ?)", afterSeq);
      this.#takeUpTime();
      return this.#begun ? 'unknown' : this.#begin();
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Notes that the run ended as it should, and closes the file. */
  stop(): void {
    if (!this.file.isOpen) return;
    try {
      this.#setMeta('ranMs', this.#ranMs());
      this.#setMeta('running', 0);
    } catch {
      // what cannot be written now is found unclean by the next run, and checked
    } finally {
      this.file.close();
    }
  }

  /** Records a result. Returns its sequence number. */
  append(row: { frameId: string; createdAtMs: number; topic: string; payload: string }): number {
    const insert = 'INSERT INTO results (frameId, createdAtMs, ranMs, topic, payload) VALUES (?, ?, ?, ?, ?)';
    const { frameId, createdAtMs, topic, payload } = row;
    return this.file.run(insert, frameId, createdAtMs, this.#ranMs(), topic, payload).lastRowid;
  }

  /** The oldest undelivered results after `afterSeq`, in order. */
  undelivered(afterSeq: number, limit: number): JournalRow[] {
    const select = `SELECT seq, frameId, topic, payload FROM results
      WHERE delivered = ${WAITING} AND seq > ? ORDER BY seq LIMIT ?`;
    return this.file.all<JournalRow>(select, afterSeq, limit);
  }

  /** Results that wait for delivery. */
  countUndelivered(): number {
    return Number(this.file.value(`SELECT count(*) FROM results WHERE delivered = ${WAITING}`));
  }

  /** Marks results as delivered, in one transaction. */
  markDelivered(seqs: readonly number[]): void {
    this.#mark(seqs, DELIVERED);
  }

  /** Leaves a result that brokers do not take to the next run. */
  park(seq: number): void {
    this.#mark([seq], PARKED);
  }

  /** Notes once more in the journal that something happened. */
  tally(name: string): void {
    this.#setMeta(name, this.tallied(name) + 1);
  }

  /** How often it has been noted. */
  tallied(name: string): number {
    return this.#meta(name);
  }

  /** Gives up what is too old or too much, see `Pruned`. */
  prune(maxAgeMs: number, maxBytes: number): Pruned {
    const ranMs = this.#ranMs();
    this.#setMeta('ranMs', ranMs);
    return pruneResults(this.file, { oldestRanMs: ranMs - maxAgeMs, maxBytes });
  }

  /** Reads the marker that a run under way leaves, and leaves one. */
  #begin(): LastStop {
    const { file } = this;
    const running = file.value("SELECT value FROM meta WHERE name = 'running'");
    if (running === 1) this.#check();
    this.#setMeta('running', 1);
    file.run(`UPDATE results SET delivered = ${WAITING} WHERE delivered = ${PARKED}`);
    this.#begun = true;
    return running === null ? 'unknown' : running === 1 ? 'unclean' : 'clean';
  }

  #check(): void {
    const found = this.file.pragma('quick_check(1)');
    if (found === 'ok') return;
    throw new EdgemuxError('JOURNAL_FAILED', `${this.file.path} is damaged: ${String(found)}`, {
      details: { corrupted: true },
    });
  }

  #takeUpTime(): void {
    const newest = Number(this.file.value('SELECT max(ranMs) FROM results'));
    this.#ranAtStartMs = Math.max(newest, this.#meta('ranMs'));
    this.#startedMs = this.#clock.monotonicMs();
  }

  #ranMs(): number {
    return Math.round(this.#ranAtStartMs + this.#clock.monotonicMs() - this.#startedMs);
  }

  #mark(seqs: readonly number[], delivered: number): void {
    this.file.transaction(() => {
      for (const seq of seqs) this.file.run('UPDATE results SET delivered = ? WHERE seq = ?', delivered, seq);
    });
  }

  #meta(name: string): number {
    return Number(this.file.value('SELECT value FROM meta WHERE name = ?', name) ?? 0);
  }

  #setMeta(name: string, value: number): void {
    this.file.run('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)', name, value);
  }
}

const ROWS = 1000;
/** No pruning keeps the main thread for longer than these many deletions of rows; the next one goes on. */
const STEPS = 50;

/**
 * Deletes results written before `oldestRanMs` and, beyond `maxBytes`, those that need no delivery before those that
 * do, the oldest first. @throws EdgemuxError JOURNAL_FAILED
 */
function pruneResults(file: JournalFile, limits: { oldestRanMs: number; maxBytes: number }): Pruned {
  const { oldestRanMs, maxBytes } = limits;
  const old = `SELECT count(*) FROM results WHERE delivered <> ${DELIVERED} AND ranMs < ?`;
  const tooOld = Number(file.value(old, oldestRanMs));
  file.run('DELETE FROM results WHERE ranMs < ?', oldestRanMs);
  let tooMany = 0;
  for (let step = 0; step < STEPS && usedBytes(file) > maxBytes; step += 1) {
    if (removeOldest(file, `delivered = ${DELIVERED}`) > 0) continue;
    const removed = removeOldest(file, `delivered <> ${DELIVERED}`);
    tooMany += removed;
    if (removed === 0) break;
  }
  return { tooOld, tooMany };
}

function removeOldest(file: JournalFile, where: string): number {
  const oldest = `SELECT seq FROM results WHERE ${where} ORDER BY seq LIMIT ${ROWS}`;
  return file.run(`DELETE FROM results WHERE seq IN (${oldest})`).changes;
}

function usedBytes(file: JournalFile): number {
  const [pages = 0, free = 0, size = 0] = ['page_count', 'freelist_count', 'page_size'].map((name) =>
    Number(file.pragma(name)),
  );
  return (pages - free) * size;
}
