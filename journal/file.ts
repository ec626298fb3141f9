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

/** What SQLite appends to a file's name for its write-ahead log and the index of that; and the file itself. */
export const FILE_PARTS: readonly string[] = ['-wal', '-shm', ''];

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

  /**
   * Renames whatever has this file's name, with what belongs to it, and then closes the file: SQLite removes a log of
   * that name when it closes. Returns the new name.
   * @throws Error of the file system
   */
  setAside(suffix: string, parts: readonly string[] = FILE_PARTS): string {
    if (this.path !== IN_MEMORY) {
      for (const part of parts)
        if (existsSync(this.path + part)) renameSync(this.path + part, this.path + suffix + part);
    }
    this.close();
    return this.path === IN_MEMORY ? this.path : this.path + suffix;
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

  /** Does it in one transaction, with a second file beside this one under the name `schema`. */
  attached(path: string, schema: string, work: () => void): void {
    this.#guard((db) => db.prepare('ATTACH ? AS ?').run(path, schema));
    try {
      this.transaction(work);
    } finally {
      this.#guard((db) => db.prepare('DETACH ?').run(schema));
    }
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

const CORRUPTED = /^SQLITE_(CORRUPT|NOTADB)/;
/** https://www.sqlite.org/rescode.html: what a file gives that has become shorter than its pages. */
const UNREADABLE = /^SQLITE_IOERR_(READ|SHORT_READ|CORRUPTFS)/;

/** Whether a JOURNAL_FAILED means that the file does not give back what was written into it. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof EdgemuxError && error.details['unreadable'] === true;
}

/** Whether a JOURNAL_FAILED means that the file itself is damaged, so that only a new one helps. */
export function isCorrupted(error: unknown): boolean {
  return error instanceof EdgemuxError && error.details['corrupted'] === true;
}

/** A JOURNAL_FAILED that says whether the file is damaged. */
export function failed(what: string, error: unknown): EdgemuxError {
  if (error instanceof EdgemuxError) return error;
  const code = (error as { code?: unknown }).code;
  const said = typeof code === 'string' ? code : '';
  return new EdgemuxError('JOURNAL_FAILED', `${what}: ${messageOf(error)}`, {
    cause: error,
    details: { corrupted: CORRUPTED.test(said), unreadable: CORRUPTED.test(said) || UNREADABLE.test(said) },
  });
}
