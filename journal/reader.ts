import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EdgemuxError, messageOf } from '../common/errors.js';

const JOURNAL_FILE = 'journal.sqlite';

/** A result as it was recorded. */
export interface RecordedResult {
  createdAtMs: number;
  payload: string;
}

/** A journal as a reader sees it, also while a daemon writes to it. */
export class JournalReader {
  readonly file: string;
  readonly #db: Database.Database;

  /**
   * @param path the folder of the journal, or the file
   * @throws EdgemuxError JOURNAL_FAILED where there is none
   */
  constructor(path: string) {
    this.file = path.endsWith('.sqlite') ? path : join(path, JOURNAL_FILE);
    try {
      this.#db = new Database(this.file, { readonly: true, fileMustExist: true });
      this.#db.prepare('SELECT 1 FROM results LIMIT 1').get();
    } catch (error) {
      throw new EdgemuxError('JOURNAL_FAILED', `cannot read the journal ${this.file}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Time of the first and the last result between two times (ms since the epoch), and how many; null: none. */
  span(sinceMs: number, untilMs: number): { firstMs: number; lastMs: number; results: number } | null {
    const select = `SELECT min(createdAtMs) firstMs, max(createdAtMs) lastMs, count(*) results
      FROM results WHERE createdAtMs >= ? AND createdAtMs < ?`;
    const found = this.#db
      .prepare<[number, number], { firstMs: number; lastMs: number; results: number }>(select)
      .get(sinceMs, untilMs);
    return found && found.results > 0 ? found : null;
  }

  /** Results between two times, in the order of recording, one at a time. */
  results(sinceMs: number, untilMs: number): IterableIterator<RecordedResult> {
    const select = `SELECT createdAtMs, payload FROM results WHERE createdAtMs >= ? AND createdAtMs < ?
      ORDER BY seq`;
    return this.#db.prepare<[number, number], RecordedResult>(select).iterate(sinceMs, untilMs);
  }

  close(): void {
    this.#db.close();
  }
}
