import { join } from 'node:path';
import { systemClock, type Clock } from '../common/clock.js';
import { EdgemuxError } from '../common/errors.js';
import { APPEND_FILE, AppendLog } from './append-log.js';
import { IN_MEMORY, JOURNAL_FILE, JournalFile } from './file.js';
import { FolderLock, LOCK_FILE } from './lock.js';
import {
  bodyOfDelivered,
  bodyOfResult,
  DELIVERED,
  PARKED,
  readBody,
  WAITING,
  type Delivery,
  type StoredResult,
} from './record.js';

/** All files that a journal may have in its folder. */
export const JOURNAL_FILES: readonly string[] = [
  ...['', '-wal', '-shm'].map((part) => JOURNAL_FILE + part),
  APPEND_FILE,
  LOCK_FILE,
];

/** A result as it stands in the journal. */
export type JournalRow = Pick<StoredResult, 'seq' | 'frameId' | 'topic' | 'payload'>;

/** How the run before this one ended; `unknown` where there is no journal that tells. */
export type LastStop = 'clean' | 'unclean' | 'unknown';

export interface JournalOptions {
  dir: string;
  /** `memory`: nothing is written to any file, and nothing survives the process. */
  mode?: 'memory' | 'disk';
  /** `full` syncs at every `commit`, `normal` leaves that to SQLite's checkpoints and the kernel. */
  sync: 'normal' | 'full';
  clock?: Clock;
}

/** How many undelivered results a pruning gave up, and why. */
export interface Pruned {
  tooOld: number;
  tooMany: number;
}

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
  DROP INDEX IF EXISTS byRunningTime;
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;
const INSERT = `INSERT OR IGNORE INTO results (seq, frameId, createdAtMs, ranMs, topic, payload, delivered)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;
const MARK = 'UPDATE results SET delivered = ? WHERE seq = ?';

const PRUNED_ROWS = 1000;
/** No pruning keeps the main thread for longer than these many deletions of rows; the next one goes on. */
const PRUNE_STEPS = 50;

/** Results that SQLite does not take are held for it up to this size; beyond it the journal takes no more. */
const MOST_PENDING_BYTES = 8 * 1024 * 1024;

type Pending = StoredResult & { delivered: Delivery };

/**
 * The durable record of results. `append` puts a result into the append file, which survives the death of the process;
 * `commit` brings what has come together into SQLite, in one transaction, with the marks of delivery, and empties the
 * append file. A start after a death takes up what that file holds. Everything may throw JOURNAL_FAILED.
 *
 * Age is counted in running time of the device (`ranMs`), kept up over restarts: the wall clock may jump by decades
 * when a board without a battery hears from its time server. It grows with `seq`.
 */
export class Journal {
  readonly file: JournalFile;
  readonly #log: AppendLog | null;
  readonly #lock: FolderLock | null;
  readonly #clock: Clock;
  /** In the append file and not yet in SQLite, in order. */
  readonly #pending = new Map<number, Pending>();
  #pendingBytes = 0;
  /** Marks of results in SQLite that are not there yet. */
  readonly #marks = new Map<number, Delivery>();
  #lastSeq = 0;
  #tornRecords = 0;
  #ranAtStartMs = 0;
  #startedMs = 0;
  #begun = false;

  constructor({ dir, mode = 'disk', sync, clock }: JournalOptions) {
    this.#clock = clock ?? systemClock;
    this.file = new JournalFile(mode === 'disk' ? join(dir, JOURNAL_FILE) : IN_MEMORY, sync);
    this.#log = mode === 'disk' ? new AppendLog(join(dir, APPEND_FILE)) : null;
    this.#lock = mode === 'disk' ? new FolderLock(dir) : null;
  }

  /** Stretches of the append file that were no whole record when a start read it. */
  get tornRecords(): number {
    return this.#tornRecords;
  }

  /** Keeps other daemons off the folder; `start` does so too. @throws EdgemuxError DATA_DIR_IN_USE, JOURNAL_FAILED */
  lock(): void {
    this.#lock?.acquire();
  }

  /**
   * Opens or creates the files and takes up what the append file holds. After a run that did not stop the whole file of
   * SQLite is checked.
   * @param afterSeq sequence numbers of a new file begin behind it
   * @throws EdgemuxError DATA_DIR_IN_USE, JOURNAL_FAILED
   */
  start(afterSeq = 0): LastStop {
    const { file } = this;
    if (file.isOpen) return 'unknown';
    this.lock();
    const isNew = file.open();
    try {
      const columns = file.all<{ name: string }>('PRAGMA table_info(results)');
      if (columns.length > 0 && !columns.some(({ name }) => name === 'ranMs'))
        file.exec('ALTER TABLE results ADD COLUMN ranMs INTEGER NOT NULL DEFAULT 0');
      file.exec(SCHEMA);
      if (isNew) file.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('results', ?)", afterSeq);
      this.#takeUpTime();
      const lastStop = this.#begun ? 'unknown' : this.#begin();
      this.#takeUpAppended();
      return lastStop;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Notes that the run ended as it should, and closes the files. */
  stop(): void {
    if (!this.file.isOpen) return this.close();
    try {
      this.commit();
      this.#setMeta('ranMs', this.#ranMs());
      this.#setMeta('running', 0);
    } catch {
      // what cannot be written now is found unclean by the next run, and checked
    } finally {
      this.close();
    }
  }

  /** Closes the files as they are. */
  close(): void {
    this.file.close();
    this.#log?.close({ removeEmpty: true });
    this.#lock?.release();
  }

  /** Whether results can be recorded, if only in the append file. */
  get takesResults(): boolean {
    return this.#log === null ? this.file.isOpen : this.#log.isOpen;
  }

  /** Records a result so that it survives the death of the process. Returns its sequence number. */
  append(row: Omit<StoredResult, 'seq' | 'ranMs'>): number {
    if (!this.takesResults) throw new EdgemuxError('JOURNAL_FAILED', 'the journal is not open');
    if (this.#pendingBytes > MOST_PENDING_BYTES)
      throw new EdgemuxError('JOURNAL_FAILED', 'SQLite takes no results, and the append file is full');
    const stored: Pending = { ...row, seq: this.#lastSeq + 1, ranMs: this.#ranMs(), delivered: WAITING };
    this.#hold(stored);
    try {
      this.#log?.append(bodyOfResult(stored));
    } catch {
      this.#commitNow(stored);
    }
    return stored.seq;
  }

  /** Brings what has been appended and marked into SQLite, in one transaction. Returns how many of both. */
  commit(): number {
    const taken = this.#pending.size + this.#marks.size;
    if (taken > 0) {
      this.file.transaction(() => {
        for (const { seq, frameId, createdAtMs, ranMs, topic, payload, delivered } of this.#pending.values())
          this.file.run(INSERT, seq, frameId, createdAtMs, ranMs, topic, payload, delivered);
        for (const [seq, delivered] of this.#marks) this.file.run(MARK, delivered, seq);
        if (this.#log === null) this.file.run(`DELETE FROM results WHERE delivered = ${DELIVERED}`);
      });
      this.#pending.clear();
      this.#pendingBytes = 0;
      this.#marks.clear();
    }
    this.#log?.clear();
    return taken;
  }

  /** The oldest undelivered results after `afterSeq`, in order. */
  undelivered(afterSeq: number, limit: number): JournalRow[] {
    const select = `SELECT seq, frameId, topic, payload FROM results
      WHERE delivered = ${WAITING} AND seq > ? ORDER BY seq LIMIT ?`;
    const committed = this.file
      .all<JournalRow>(select, afterSeq, limit + this.#marks.size)
      .filter(({ seq }) => !this.#marks.has(seq));
    const appended = [...this.#pending.values()].filter(
      ({ seq, delivered }) => delivered === WAITING && seq > afterSeq,
    );
    const rows = [...committed, ...appended].slice(0, limit);
    return rows.map(({ seq, frameId, topic, payload }) => ({ seq, frameId, topic, payload }));
  }

  /** Results that wait for delivery. */
  countUndelivered(): number {
    const committed = Number(this.file.value(`SELECT count(*) FROM results WHERE delivered = ${WAITING}`));
    const appended = [...this.#pending.values()].filter(({ delivered }) => delivered === WAITING).length;
    return Math.max(0, committed - this.#marks.size) + appended;
  }

  /** Marks results as delivered: in the append file at once, in SQLite with the next commit. */
  markDelivered(seqs: readonly number[]): void {
    for (const seq of seqs) this.#mark(seq, DELIVERED);
    try {
      this.#log?.append(bodyOfDelivered(seqs));
    } catch {
      // after a death before the next commit they are sent twice
    }
  }

  /** Leaves a result that brokers do not take to the next run. */
  park(seq: number): void {
    this.#mark(seq, PARKED);
  }

  /** Notes once more in the journal that something happened. */
  tally(name: string): void {
    this.#setMeta(name, this.tallied(name) + 1);
  }

  /** How often it has been noted. */
  tallied(name: string): number {
    return this.#meta(name);
  }

  /** Gives up what is too old or too much, see `pruneResults` below. */
  prune(maxAgeMs: number, maxBytes: number): Pruned {
    this.commit();
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
    const nowMs = this.#begun ? this.#ranMs() : 0;
    const newest = Number(this.file.value('SELECT ranMs FROM results ORDER BY seq DESC LIMIT 1'));
    this.#ranAtStartMs = Math.max(newest, this.#meta('ranMs'), nowMs);
    this.#startedMs = this.#clock.monotonicMs();
    const sequence = "SELECT seq FROM sqlite_sequence WHERE name = 'results'";
    this.#lastSeq = Math.max(this.#lastSeq, Number(this.file.value(sequence)));
  }

  /**
   * What a run that died had appended and not committed. A number that an older program has given to another result in
   * the meantime is given anew. What SQLite does not take now waits for the next commit.
   */
  #takeUpAppended(): void {
    if (this.#log === null) return;
    const { records, torn } = this.#log.open();
    this.#tornRecords += torn;
    const seqOf = new Map([...this.#pending.values()].map(({ frameId, seq }) => [frameId, seq]));
    const newSeqs = new Map<number, number>();
    for (const body of records) {
      const record = readBody(body);
      if (record === null) this.#tornRecords += 1;
      else if (record.kind === 'result') newSeqs.set(record.result.seq, this.#takeUp(record.result, seqOf));
      else for (const seq of record.seqs) this.#mark(newSeqs.get(seq) ?? seq, DELIVERED);
    }
    try {
      this.commit();
    } catch {
      // it is still in the append file
    }
  }

  /** Returns the number that the result has here. */
  #takeUp(result: StoredResult, seqOf: Map<string, number>): number {
    const { frameId } = result;
    const known = seqOf.get(frameId) ?? this.file.value('SELECT seq FROM results WHERE frameId = ?', frameId);
    if (known !== null) return Number(known);
    const seq = Math.max(result.seq, this.#lastSeq + 1);
    this.#ranAtStartMs = Math.max(this.#ranAtStartMs, result.ranMs);
    this.#hold({ ...result, seq, delivered: WAITING });
    seqOf.set(frameId, seq);
    return seq;
  }

  #hold(row: Pending): void {
    this.#pending.set(row.seq, row);
    this.#pendingBytes += row.payload.length;
    this.#lastSeq = row.seq;
  }

  /** SQLite's file in place of the append file, which does not take this result; without either it is not recorded. */
  #commitNow(row: Pending): void {
    try {
      this.commit();
    } catch (error) {
      this.#pending.delete(row.seq);
      this.#pendingBytes -= row.payload.length;
      throw error;
    }
  }

  #mark(seq: number, delivered: Delivery): void {
    const appended = this.#pending.get(seq);
    if (appended) appended.delivered = delivered;
    else this.#marks.set(seq, delivered);
  }

  #ranMs(): number {
    return Math.round(this.#ranAtStartMs + this.#clock.monotonicMs() - this.#startedMs);
  }

  #meta(name: string): number {
    return Number(this.file.value('SELECT value FROM meta WHERE name = ?', name) ?? 0);
  }

  #setMeta(name: string, value: number): void {
    this.file.run('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)', name, value);
  }
}

/**
 * Deletes results written before `oldestRanMs` and, beyond `maxBytes`, those that need no delivery before those that
 * do, the oldest first. `ranMs` grows with `seq`, so no index is needed. @throws EdgemuxError JOURNAL_FAILED
 */
function pruneResults(file: JournalFile, limits: { oldestRanMs: number; maxBytes: number }): Pruned {
  const { oldestRanMs, maxBytes } = limits;
  const kept = file.value('SELECT seq FROM results WHERE ranMs >= ? ORDER BY seq LIMIT 1', oldestRanMs);
  const before = kept ?? Number.MAX_SAFE_INTEGER;
  const old = `SELECT count(*) FROM results WHERE delivered <> ${DELIVERED} AND seq < ?`;
  const tooOld = Number(file.value(old, before));
  file.run('DELETE FROM results WHERE seq < ?', before);
  let tooMany = 0;
  for (let step = 0; step < PRUNE_STEPS && usedBytes(file) > maxBytes; step += 1) {
    if (removeOldest(file, `delivered = ${DELIVERED}`) > 0) continue;
    const removed = removeOldest(file, `delivered <> ${DELIVERED}`);
    tooMany += removed;
    if (removed === 0) break;
  }
  return { tooOld, tooMany };
}

function removeOldest(file: JournalFile, where: string): number {
  const oldest = `SELECT seq FROM results WHERE ${where} ORDER BY seq LIMIT ${PRUNED_ROWS}`;
  return file.run(`DELETE FROM results WHERE seq IN (${oldest})`).changes;
}

function usedBytes(file: JournalFile): number {
  const [pages = 0, free = 0, size = 0] = ['page_count', 'freelist_count', 'page_size'].map((name) =>
    Number(file.pragma(name)),
  );
  return (pages - free) * size;
}
