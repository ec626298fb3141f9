import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { EdgemuxError } from '../common/errors.js';
import { failed } from './file.js';

/** The lock's name in `dataDir`. */
export const LOCK_FILE = 'edgemux.lock';

/** Where an SQLite file keeps `user_version`, a big-endian 32-bit number: https://www.sqlite.org/fileformat.html 1.3 */
const USER_VERSION_AT = 60;

/**
 * One daemon a folder. The lock is SQLite's own on a file of its own, so the kernel releases it with its process,
 * however that ends; the file stays and locks nobody out. It holds the number of the process.
 */
export class FolderLock {
  readonly #path: string;
  #db: Database.Database | null = null;

  constructor(dir: string) {
    this.#path = join(dir, LOCK_FILE);
  }

  /** Takes the lock, or keeps it. @throws EdgemuxError DATA_DIR_IN_USE, or JOURNAL_FAILED where no file can be made */
  acquire(): void {
    if (this.#db) return;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      if (!existsSync(this.#path)) closeSync(openSync(this.#path, 'a', 0o600));
      this.#db = this.#lockedOrEmptied();
    } catch (error) {
      throw isBusy(error) ? this.#inUse() : failed(`cannot lock ${this.#path}`, error);
    }
  }

  /** Releases it; safe to call twice. */
  release(): void {
    this.#db?.close();
    this.#db = null;
  }

  /** A file of nonsense (a power cut while it was made) is emptied: who could read it as far holds no lock on it. */
  #lockedOrEmptied(): Database.Database {
    try {
      return this.#locked();
    } catch (error) {
      if (!/^SQLITE_(NOTADB|CORRUPT)/.test(codeOf(error))) throw error;
      const fd = openSync(this.#path, 'r+');
      ftruncateSync(fd, 0);
      closeSync(fd);
      return this.#locked();
    }
  }

  #locked(): Database.Database {
    const db = new Database(this.#path, { timeout: 0 });
    try {
      db.pragma('journal_mode = MEMORY');
      db.pragma('locking_mode = EXCLUSIVE'); // what is locked from here on stays so until the file is closed
      db.exec(`BEGIN EXCLUSIVE; PRAGMA user_version = ${process.pid}; COMMIT`);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  }

  #inUse(): EdgemuxError {
    const dir = resolve(dirname(this.#path));
    const pid = pidIn(this.#path);
    const holder = pid === null ? 'another daemon' : `the daemon with process number ${pid}`;
    return new EdgemuxError(
      'DATA_DIR_IN_USE',
      `dataDir ${dir} is in use by ${holder}: stop that one, or give this one a dataDir of its own`,
      { details: { pid } },
    );
  }
}

/** Who holds a lock: nobody (null), or a process, whose number may be unknown. */
export type LockHolder = { pid: number | null } | null | 'unknown';

/** Looks who holds the lock of a folder, and neither takes nor makes anything. */
export function lockHolder(dir: string): LockHolder {
  const path = join(dir, LOCK_FILE);
  if (!existsSync(path)) return null;
  try {
    const db = new Database(path, { readonly: true, timeout: 0 });
    try {
      db.pragma('user_version');
      return null;
    } finally {
      db.close();
    }
  } catch (error) {
    return isBusy(error) ? { pid: pidIn(path) } : 'unknown';
  }
}

/** Never called by who holds the lock: closing any descriptor of the file would release it. */
function pidIn(path: string): number | null {
  const bytes = Buffer.alloc(4);
  const fd = openSync(path, 'r');
  try {
    const pid = readSync(fd, bytes, 0, 4, USER_VERSION_AT) === 4 ? bytes.readUInt32BE() : 0;
    return pid > 0 ? pid : null;
  } finally {
    closeSync(fd);
  }
}

function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_BUSY');
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
