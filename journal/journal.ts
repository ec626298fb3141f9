import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, type Clock } from '../common/clock.js';
import { EdgemuxError } from '../common/errors.js';
import { APPEND_FILE, AppendLog } from './append-log.js';
import { failed, FILE_PARTS, IN_MEMORY, isUnreadable, JOURNAL_FILE, JournalFile } from './file.js';
import { FileWatch, type Finding } from './file-watch.js';
import { Ledger } from './ledger.js';
import { FolderLock, LOCK_FILE } from './lock.js';
import { pruneResults, type Pruned } from './prune.js';
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
import { INSERT, makeTables, MARK, raiseSequence, salvage } from './tables.js';

/** All files that a journal may have in its folder. */
export const JOURNAL_FILES: readonly string[] = [
  ...['', '-wal', '-shm'].map((part) => JOURNAL_FILE + part),
  APPEND_FILE,
  LOCK_FILE,
];

/** A result as it stands in the journal. */
export type JournalRow = Omit<StoredResult, 'ranMs'>;

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

/** Results that SQLite does not take are held for it up to this size; beyond it the journal takes no more. */
const MOST_PENDING_BYTES = 8 * 1024 * 1024;

type Pending = StoredResult & { delivered: Delivery };

/** A result to record. Without `seq` it gets the next number. */
export type NewResult = Omit<StoredResult, 'seq' | 'ranMs'> & { seq?: number };

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
  readonly #watch: FileWatch | null;
  readonly #dir: string;
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
  /** What was found last and is not mended: what is written meanwhile is in no file of the folder. */
  #adrift: string | null = null;
  readonly #ledger = new Ledger();

  constructor({ dir, mode = 'disk', sync, clock }: JournalOptions) {
    this.#clock = clock ?? systemClock;
    this.#dir = dir;
    this.file = new JournalFile(mode === 'disk' ? join(dir, JOURNAL_FILE) : IN_MEMORY, sync);
    this.#log = mode === 'disk' ? new AppendLog(join(dir, APPEND_FILE)) : null;
    this.#lock = mode === 'disk' ? new FolderLock(dir) : null;
    this.#watch =
      mode === 'disk' ? new FileWatch([dir, ...JOURNAL_FILES.map((name) => join(dir, name))]) : null;
  }

  /** Stretches of the append file that were no whole record when a start read it. */
  get tornRecords(): number {
    return this.#tornRecords;
  }

  /** The number that was given last. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Delivered results whose record was in a file that was lost. */
  get recordsLost(): number {
    return this.#ledger.recordsLost;
  }

  /** Undelivered results that were in a file that was lost. */
  get missing(): number {
    return this.#ledger.missing.size;
  }

  /** Keeps other daemons off the folder; `start` does so too. @throws EdgemuxError DATA_DIR_IN_USE, JOURNAL_FAILED */
  lock(): void {
    this.#lock?.acquire();
  }

  /**
   * Opens or creates the files and takes up what the append file holds. After a run that did not stop the whole file of
   * SQLite is checked.
   * @param afterSeq sequence numbers begin behind it
   * @throws EdgemuxError DATA_DIR_IN_USE, JOURNAL_FAILED
   */
  start(afterSeq = 0): LastStop {
    const { file } = this;
    if (file.isOpen) return 'unknown';
    if (this.#watch?.check().some(({ path }) => path === join(this.#dir, LOCK_FILE)) === true)
      this.#lock?.release();
    this.lock();
    const lastStop = this.#openFile();
    try {
      this.#takeUpAppended();
      this.#lastSeq = Math.max(this.#lastSeq, afterSeq); // now: what was appended keeps its numbers
      raiseSequence(file, this.#lastSeq);
      this.#adrift = null;
      this.#watch?.note();
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
    this.#watch?.forget();
    this.file.close();
    this.#log?.close({ removeEmpty: true });
    this.#lock?.release();
  }

  /** Whether results can be recorded, if only in the append file. */
  get takesResults(): boolean {
    if (this.#adrift !== null) return false;
    return this.#log === null ? this.file.isOpen : this.#log.isOpen;
  }

  /** Records a result so that it survives the death of the process. Returns its sequence number. */
  append(row: NewResult): number {
    if (!this.takesResults)
      throw new EdgemuxError('JOURNAL_FAILED', this.#adrift ?? 'the journal is not open');
    const { seq = this.#lastSeq + 1 } = row;
    if (seq <= this.#lastSeq)
      throw new EdgemuxError('JOURNAL_FAILED', `number ${seq} is taken: the journal is at ${this.#lastSeq}`);
    if (this.#pendingBytes > MOST_PENDING_BYTES)
      throw new EdgemuxError('JOURNAL_FAILED', 'SQLite takes no results, and the append file is full');
    const stored: Pending = { ...row, seq, ranMs: this.#ranMs(), delivered: WAITING };
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
    if (this.#adrift !== null) throw new EdgemuxError('JOURNAL_FAILED', this.#adrift);
    const taken = this.#pending.size + this.#marks.size;
    if (taken > 0) {
      const { rows, doubles } = this.#inOneTransaction();
      this.#ledger.rows += rows;
      for (const seq of doubles) this.#ledger.open.delete(seq);
      this.#pending.clear();
      this.#pendingBytes = 0;
      this.#marks.clear();
    }
    this.#watch?.noteLengths();
    this.#log?.clear();
    return taken;
  }

  /** Looks whether the files are still those that were opened, and as long as they were. */
  check(): Finding[] {
    if (!this.file.isOpen) return [];
    const log = this.#log;
    const found = this.#watch?.check() ?? [];
    if (log === null) return found;
    // it is emptied by ourselves, and knows its own length
    const others = found.filter(({ path, what }) => path !== log.path || what !== 'has been cut');
    return log.isCut ? [...others, { path: log.path, what: 'has been cut' }] : others;
  }

  /**
   * Works in files of its own again, after `check` found that some were deleted, moved, replaced or cut. What still
   * waits is brought over where the old file, open here, gives it back; what has its name now is kept under another.
   * `missing` tells what could not be brought over. Numbers go on. Until this succeeds nothing is recorded.
   * @throws EdgemuxError DATA_DIR_IN_USE, JOURNAL_FAILED; to be tried again
   */
  recover(found: readonly Finding[]): void {
    this.#adrift = found.map(({ path, what }) => `${path} ${what}`).join(', ');
    const names = new Set(found.map(({ path }) => path));
    const isAll = names.has(this.#dir);
    const has = (name: string): boolean => isAll || names.has(join(this.#dir, name));
    if (has(LOCK_FILE)) this.#lock?.release();
    this.lock();
    if (has(JOURNAL_FILE)) this.#moveOver();
    else if (FILE_PARTS.some((part) => has(JOURNAL_FILE + part))) this.#reopen(found);
    if (has(APPEND_FILE)) this.#rewriteAppended();
    this.#adrift = null;
    this.#watch?.note();
    this.commit();
  }

  /** What memory still has of `missing` is recorded by the next commit; the rest is lost. Returns how many these are. */
  restore(rows: readonly JournalRow[]): number {
    for (const row of rows) {
      if (!this.#ledger.missing.delete(row.seq)) continue;
      this.#pending.set(row.seq, { ...row, ranMs: this.#ranMs(), delivered: WAITING });
      this.#pendingBytes += row.payload.length;
    }
    return this.#ledger.giveUpMissing();
  }

  #inOneTransaction(): { rows: number; doubles: number[] } {
    const { file } = this;
    const doubles: number[] = [];
    let rows = this.#pending.size;
    file.transaction(() => {
      for (const row of this.#pending.values()) {
        const { seq, frameId, createdAtMs, ranMs, topic, payload, delivered } = row;
        const { changes } = file.run(INSERT, seq, frameId, createdAtMs, ranMs, topic, payload, delivered);
        if (changes === 0) doubles.push(seq);
      }
      for (const [seq, delivered] of this.#marks) file.run(MARK, delivered, seq);
      if (this.#log === null) rows -= file.run(`DELETE FROM results WHERE delivered = ${DELIVERED}`).changes;
    });
    return { rows: rows - doubles.length, doubles };
  }

  /** The oldest undelivered results after `afterSeq`, in order. */
  undelivered(afterSeq: number, limit: number): JournalRow[] {
    const select = `SELECT seq, frameId, createdAtMs, topic, payload FROM results
      WHERE delivered = ${WAITING} AND seq > ? ORDER BY seq LIMIT ?`;
    const committed = this.file
      .all<JournalRow>(select, afterSeq, limit + this.#marks.size)
      .filter(({ seq }) => !this.#marks.has(seq));
    const appended = [...this.#pending.values()].filter(
      ({ seq, delivered }) => delivered === WAITING && seq > afterSeq,
    );
    const rows = [...committed, ...appended].slice(0, limit);
    return rows.map(({ seq, frameId, createdAtMs, topic, payload }) => ({
      seq,
      frameId,
      createdAtMs,
      topic,
      payload,
    }));
  }

  /** Results that wait for delivery. */
  countUndelivered(): number {
    return this.#ledger.waiting;
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
    this.#ledger.park(seq);
    this.#mark(seq, PARKED);
  }

  /** Notes once more in the journal that something happened. */
  tally(name: string): void {
    this.#setMeta(name, this.tallied(name) + 1);
    this.#watch?.noteLengths();
  }

  /** How often it has been noted. */
  tallied(name: string): number {
    return this.#meta(name);
  }

  /** Gives up what is too old or too much, see `pruneResults` (prune.ts). */
  prune(maxAgeMs: number, maxBytes: number): Pruned {
    this.commit();
    const ranMs = this.#ranMs();
    this.#setMeta('ranMs', ranMs);
    const pruned = pruneResults(this.file, { oldestRanMs: ranMs - maxAgeMs, maxBytes });
    this.#ledger.rows -= pruned.rows;
    if (pruned.tooOld + pruned.tooMany > 0) this.#ledger.readOpen(this.file);
    this.#watch?.noteLengths();
    return pruned;
  }

  /** The file of SQLite, its tables and what is known of it. */
  #openFile(): LastStop {
    const { file } = this;
    file.open();
    try {
      makeTables(file);
      this.#takeUpTime();
      raiseSequence(file, this.#lastSeq);
      if (!this.#begun) return this.#begin();
      for (const seq of this.#ledger.compare(file, this.#pending)) this.#marks.set(seq, DELIVERED);
      return 'unknown';
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** What waits moves into a new file; what has the old one's name stays, under another. */
  #moveOver(): void {
    const fresh = `${this.file.path}.new`;
    let isThere = true;
    try {
      salvage(this.file, fresh);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      isThere = false;
    }
    this.setAside('lost');
    try {
      if (isThere) renameSync(fresh, this.file.path);
    } catch (error) {
      throw failed(`cannot rename ${fresh}`, error);
    }
    this.#openFile();
  }

  /** Brings all that the open log holds into the file, where it gives that, and opens the file anew. */
  #reopen(found: readonly Finding[]): void {
    const { file } = this;
    try {
      file.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // a log that was cut: what it held is missing
    }
    const strange = found.filter(({ what }) => what === 'is another file').map(({ path }) => path);
    this.setAside(
      'lost',
      FILE_PARTS.filter((part) => strange.includes(file.path + part)),
    );
    this.#openFile();
    this.#check();
  }

  /**
   * Closes SQLite's file; what has its name is kept under another. Returns that.
   * @throws EdgemuxError JOURNAL_FAILED
   */
  setAside(why: 'damaged' | 'lost', parts?: readonly string[]): string {
    const stamp = new Date(this.#clock.wallMs()).toISOString().replaceAll(/[-:]/g, '');
    let suffix = `.${why}-${stamp}`;
    for (let n = 2; existsSync(this.file.path + suffix); n += 1) suffix = `.${why}-${stamp}-${n}`;
    try {
      return this.file.setAside(suffix, parts);
    } catch (error) {
      throw failed(`cannot rename ${this.file.path}`, error);
    }
  }

  /** The append file holds again what SQLite does not hold yet. */
  #rewriteAppended(): void {
    const log = this.#log;
    if (log === null) return;
    log.startOver();
    for (const { delivered, ...row } of this.#pending.values()) {
      log.append(bodyOfResult(row));
      if (delivered === DELIVERED) log.append(bodyOfDelivered([row.seq]));
    }
  }

  /** Reads the marker that a run under way leaves, and leaves one. */
  #begin(): LastStop {
    const { file } = this;
    const running = file.value("SELECT value FROM meta WHERE name = 'running'");
    if (running === 1) this.#check();
    this.#setMeta('running', 1);
    file.run(`UPDATE results SET delivered = ${WAITING} WHERE delivered = ${PARKED}`);
    this.#begun = true;
    this.#ledger.read(file);
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
    this.#ledger.open.add(row.seq);
  }

  /** SQLite's file in place of the append file, which does not take this result; without either it is not recorded. */
  #commitNow(row: Pending): void {
    try {
      this.commit();
    } catch (error) {
      this.#pending.delete(row.seq);
      this.#ledger.open.delete(row.seq);
      this.#pendingBytes -= row.payload.length;
      throw error;
    }
  }

  #mark(seq: number, delivered: Delivery): void {
    if (delivered === DELIVERED) this.#ledger.settle(seq);
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
