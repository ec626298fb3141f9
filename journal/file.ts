import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { EdgemuxError, messageOf } from '../common/errors.js';

type Value = string | number | null;

/** The journal's name in `dataDir`. */
export const JOURNAL_FILE = 'journal.sqlite';

/** The path of a journal that no file holds. */
export const IN_MEMORY = ':memory:';

/** A lock held by another program must not keep the main thread waiting. */
const LOCK_TIMEOUT_MS = 100;
const WAL_LIMIT_BYTES = 16 * 1024 * 1024;

/** The SQLite file below the journal (write-ahead log), for its owner only. All that fails is JOURNAL_FAILED. */
export class JournalFile {
  readonly path: string;
  readonly #sync: 'normal' | 'full';
  #db: Database.Database | null = null;
  readonly #statements = new Map<string, Database.Statement<Value[]>>();

  constructor(path: string, sync: 'normal' | 'full') {
    this.path = path;
    this.#sync = sync;
  }

  get isOpen(): boolean {
    return this.#db !== null;
  }

  /** Opens or creates the file. Returns whether it is new. @throws EdgemuxError JOURNAL_FAILED */
  open(): boolean {
    try {
      const isNew = this.path === IN_MEMORY || makeFile(this.path);
      this.#db = new Database(this.path, { timeout: LOCK_TIMEOUT_MS });
      this.#db.pragma('journal_mode = WAL');
      this.#db.pragma(`synchronous = ${this.#sync === 'full' ? 'FULL' : 'NORMAL'}`);
      this.#db.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`);
      return isNew;
    } catch (error) {
      this.close();
      throw failed(`cannot open the journal ${this.path}`, error);
    }
  }

  /** Closes the file; safe to call twice. */
  close(): void {
    this.#statements.clear();
    this.#db?.close();
    this.#db = null;
  }

  /** Closes the file and renames it with what belongs to it. Returns its new name. */
  setAside(suffix: string): string {
    this.close();
    if (this.path === IN_MEMORY) return this.path;
    for (const part of ['-wal', '-shm', ''])
      if (existsSync(this.path + part)) renameSync(this.path + part, this.path + suffix + part);
    return this.path + suffix;
  }

  exec(sql: string): void {
    this.#guard((db) => db.exec(sql));
  }

  /** The single value of a pragma. */
  pragma(name: string): unknown {
    return this.#guard((db) => db.pragma(name, { simple: true }));
  }

  /** Rows changed, and the rowid of the last one inserted. */
  run(sql: string, ...values: Value[]): { changes: number; lastRowid: number } {
    return this.#guard(() => {
      const { changes, lastInsertRowid } = this.#statement(sql).run(...values);
      return { changes, lastRowid: Number(lastInsertRowid) };
    });
  }

  all<T>(sql: string, ...values: Value[]): T[] {
    return this.#guard(() => this.#statement(sql).all(...values) as T[]);
  }

  /** The first column of the first row. */
  value(sql: string, ...values: Value[]): Value {
    const [row] = this.all<Record<string, Value>>(sql, ...values);
    return row === undefined ? null : (Object.values(row)[0] ?? null);
  }

  /** All of `work` or nothing of it. */
  transaction(work: () => void): void {
    this.#guard((db) => db.transaction(work)());
  }

  #statement(sql: string): Database.Statement<Value[]> {
    const known = this.#statements.get(sql);
    if (known) return known;
    const made = this.#guard((db) => db.prepare<Value[]>(sql));
    this.#statements.set(sql, made);
    return made;
  }

  #guard<T>(work: (db: Database.Database) => T): T {
    try {
      if (!this.#db) throw new Error('the file is not open');
      return work(this.#db);
    } catch (error) {
      throw failed('the journal does not work', error);
    }
  }
}

/** Returns whether there was none. */
function makeFile(path: string): boolean {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const isNew = !existsSync(path);
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600); // SQLite gives its -wal and -shm the same
  return isNew;
}

/** Whether a JOURNAL_FAILED means that the file itself is damaged, so that only a new one helps. */
export function isCorrupted(error: unknown): boolean {
  return error instanceof EdgemuxError && error.details['corrupted'] === true;
}

/** A JOURNAL_FAILED that says whether the file is damaged. */
export function failed(what: string, error: unknown): EdgemuxError {
  if (error instanceof EdgemuxError) return error;
  const code = (error as { code?: unknown }).code;
  const corrupted = typeof code === 'string' && /^SQLITE_(CORRUPT|NOTADB)/.test(code);
  return new EdgemuxError('JOURNAL_FAILED', `${what}: ${messageOf(error)}`, {
    cause: error,
    details: { corrupted },
  });
}
