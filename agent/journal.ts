import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EdgemuxError, messageOf } from '../common/errors.js';

/** A result as it stands in the journal. */
export interface JournalRow {
  seq: number;
  frameId: string;
  topic: string;
  payload: string;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS results (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    frameId TEXT NOT NULL UNIQUE,
    createdAtMs INTEGER NOT NULL,
    topic TEXT NOT NULL,
    payload TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX IF NOT EXISTS undelivered ON results (seq) WHERE delivered = 0;
  CREATE INDEX IF NOT EXISTS byAge ON results (createdAtMs);
`;

export interface JournalOptions {
  dir: string;
  /** `full` syncs every result to the medium, `normal` survives the death of the process only. */
  sync: 'normal' | 'full';
}

/** The durable record of results (SQLite, write-ahead log): written before a result is published. */
export class Journal {
  readonly #options: JournalOptions;
  #db: Database.Database | null = null;
  #append: Database.Statement | null = null;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Opens or creates `journal.sqlite`, readable by its owner only. @throws EdgemuxError JOURNAL_FAILED */
  start(): void {
    if (this.#db) return;
    const file = join(this.#options.dir, 'journal.sqlite');
    try {
      mkdirSync(this.#options.dir, { recursive: true, mode: 0o700 });
      const db = new Database(file);
      chmodSync(file, 0o600);
      db.pragma('journal_mode = WAL');
      db.pragma(`synchronous = ${this.#options.sync === 'full' ? 'FULL' : 'NORMAL'}`);
      db.exec(SCHEMA);
      this.#append = db.prepare(
        'INSERT INTO results (frameId, createdAtMs, topic, payload) VALUES (?, ?, ?, ?)',
      );
      this.#db = db;
    } catch (error) {
      throw new EdgemuxError('JOURNAL_FAILED', `cannot open the journal ${file}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  stop(): void {
    this.#db?.close();
    this.#db = null;
  }

  /** Records a result. Returns its sequence number. @throws EdgemuxError JOURNAL_FAILED */
  append(row: { frameId: string; createdAtMs: number; topic: string; payload: string }): number {
    try {
      if (!this.#append) throw new Error('the journal is not open');
      const done = this.#append.run(row.frameId, row.createdAtMs, row.topic, row.payload);
      return Number(done.lastInsertRowid);
    } catch (error) {
      throw new EdgemuxError('JOURNAL_FAILED', `cannot write to the journal: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** The oldest undelivered results after `afterSeq`, in order. */
  undelivered(afterSeq: number, limit: number): JournalRow[] {
    const select =
      'SELECT seq, frameId, topic, payload FROM results WHERE delivered = 0 AND seq > ? ORDER BY seq LIMIT ?';
    return this.#open().prepare<[number, number], JournalRow>(select).all(afterSeq, limit);
  }

  /** Marks results as delivered, in one transaction. */
  markDelivered(seqs: readonly number[]): void {
    const db = this.#open();
    const mark = db.prepare('UPDATE results SET delivered = 1 WHERE seq = ?');
    db.transaction(() => {
      for (const seq of seqs) mark.run(seq);
    })();
  }

  /** Deletes what is older than `oldestMs` and, beyond `maxBytes`, the oldest. Returns how many undelivered went. */
  prune(oldestMs: number, maxBytes: number): number {
    const db = this.#open();
    let lost = 0;
    const remove = (where: string, value: number): number => {
      lost +=
        db
          .prepare<[number], { n: number }>(`SELECT count(*) n FROM results WHERE delivered = 0 AND ${where}`)
          .get(value)?.n ?? 0;
      return db.prepare(`DELETE FROM results WHERE ${where}`).run(value).changes;
    };
    remove('createdAtMs < ?', oldestMs);
    while (this.#usedBytes() > maxBytes) {
      const removed = remove('seq IN (SELECT seq FROM results ORDER BY seq LIMIT ?)', 1000);
      if (removed === 0) break;
    }
    return lost;
  }

  #usedBytes(): number {
    const db = this.#open();
    const pages =
      Number(db.pragma('page_count', { simple: true })) -
      Number(db.pragma('freelist_count', { simple: true }));
    return pages * Number(db.pragma('page_size', { simple: true }));
  }

  #open(): Database.Database {
    if (!this.#db) throw new EdgemuxError('JOURNAL_FAILED', 'the journal is not open');
    return this.#db;
  }
}
