/** The tables of a journal, and how what waits moves into a file of its own. */
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { failed, type JournalFile } from './file.js';
import { DELIVERED } from './record.js';

const RESULTS = `results (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    frameId TEXT NOT NULL UNIQUE,
    createdAtMs INTEGER NOT NULL,
    ranMs INTEGER NOT NULL,
    topic TEXT NOT NULL,
    payload TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0
  ) STRICT`;
const META = 'meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID';
const COLUMNS = 'seq, frameId, createdAtMs, ranMs, topic, payload, delivered';

export const INSERT = `INSERT OR IGNORE INTO results (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`;
export const MARK = 'UPDATE results SET delivered = ? WHERE seq = ?';

/** Makes the tables that are not there, and adds what an earlier version's lack. */
export function makeTables(file: JournalFile): void {
  const columns = file.all<{ name: string }>('PRAGMA table_info(results)');
  if (columns.length > 0 && !columns.some(({ name }) => name === 'ranMs'))
    file.exec('ALTER TABLE results ADD COLUMN ranMs INTEGER NOT NULL DEFAULT 0');
  file.exec(`CREATE TABLE IF NOT EXISTS ${RESULTS};
    CREATE INDEX IF NOT EXISTS undelivered ON results (seq) WHERE delivered = 0;
    DROP INDEX IF EXISTS byRunningTime;
    CREATE TABLE IF NOT EXISTS ${META};`);
}

/** No number up to this one is given to a new result. */
export function raiseSequence(file: JournalFile, seq: number): void {
  const before = file.value("SELECT seq FROM sqlite_sequence WHERE name = 'results'");
  if (before === null) file.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('results', ?)", seq);
  else if (Number(before) < seq) file.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'results'", seq);
}

/**
 * Copies what is not delivered into a new file. An open file that was deleted or moved can be read as if it were there:
 * Linux keeps it until it is closed.
 * @throws EdgemuxError JOURNAL_FAILED; nothing is left at `path` then
 */
export function salvage(file: JournalFile, path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(path, { force: true });
    closeSync(openSync(path, 'a', 0o600));
    file.attached(path, 'fresh', () => {
      file.exec(`CREATE TABLE fresh.${RESULTS}; CREATE TABLE fresh.${META};
        INSERT INTO fresh.results (${COLUMNS}) SELECT ${COLUMNS} FROM main.results WHERE delivered <> ${DELIVERED};
        INSERT INTO fresh.meta SELECT name, value FROM main.meta`);
    });
  } catch (error) {
    rmSync(path, { force: true });
    throw failed(`cannot make ${path}`, error);
  }
}
