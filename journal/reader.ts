import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EdgemuxError } from '../common/errors.js';
import { failed, JOURNAL_FILE } from './file.js';

/** A result as it was recorded. */
export interface RecordedResult<T> {
  createdAtMs: number;
  result: T;
}

/**
 * The one reader of a journal, also of one that a daemon writes to. What a payload means is its caller's to say; a
 * row that the caller cannot read (of another version, damaged) is passed over and counted.
 */
export class JournalReader<T> {
  readonly file: string;
  readonly #db: Database.Database;
  readonly #parse: (payload: Uint8Array) => T;
  #unreadable = 0;

  /**
   * @param path the folder of the journal, or the file
   * @param parse makes a result of its bytes; throws an EdgemuxError where they are none
   * @throws EdgemuxError JOURNAL_FAILED where there is no journal
   */
  constructor(path: string, parse: (payload: Uint8Array) => T) {
    this.file = path.endsWith('.sqlite') ? path : join(path, JOURNAL_FILE);
    this.#parse = parse;
    try {
      this.#db = new Database(this.file, { readonly: true, fileMustExist: true });
      this.#db.prepare('SELECT 1 FROM results LIMIT 1').get();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** Rows that were passed over so far. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** Time of the first and the last row between two times (ms since the epoch), and how many; null: none. */
  span(sinceMs: number, untilMs: number): { firstMs: number; lastMs: number; rows: number } | null {
    const select = `SELECT min(createdAtMs) firstMs, max(createdAtMs) lastMs, count(*) rows
      FROM results WHERE createdAtMs >= ? AND createdAtMs < ?`;
    try {
      const found = this.#db
        .prepare<[number, number], { firstMs: number; lastMs: number; rows: number }>(select)
        .get(sinceMs, untilMs);
      return found && found.rows > 0 ? found : null;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /**
   * Results between two times (ms since the epoch; all without them), in the order of recording, one at a time.
   * @throws EdgemuxError JOURNAL_FAILED where the file is damaged
   */
  *results(sinceMs = 0, untilMs = Number.MAX_SAFE_INTEGER): Generator<RecordedResult<T>, void, undefined> {
    const select = `SELECT createdAtMs, payload FROM results WHERE createdAtMs >= ? AND createdAtMs < ?
      ORDER BY seq`;
    for (const { createdAtMs, payload } of this.#rows(select, sinceMs, untilMs)) {
      const result = this.#read(payload);
      if (result !== null) yield { createdAtMs, result };
    }
  }

  close(): void {
    this.#db.close();
  }

  *#rows(
    select: string,
    ...range: [number, number]
  ): Generator<{ createdAtMs: number; payload: string }, void> {
    try {
      yield* this.#db
        .prepare<[number, number], { createdAtMs: number; payload: string }>(select)
        .iterate(...range);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #read(payload: string): T | null {
    try {
      return this.#parse(Buffer.from(payload));
    } catch (error) {
      if (!(error instanceof EdgemuxError)) throw error;
      this.#unreadable += 1;
      return null;
    }
  }

  #failed(error: unknown): EdgemuxError {
    return failed(`cannot read the journal ${this.file}`, error);
  }
}
