import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { EdgemuxError } from '../common/errors.js';
import { APPEND_FILE, scan } from './append-log.js';
import { failed, JOURNAL_FILE } from './file.js';
import { readBody, type StoredResult } from './record.js';

/** A result as it was recorded. */
export interface RecordedResult<T> {
  createdAtMs: number;
  result: T;
}

type Row = Pick<StoredResult, 'frameId' | 'createdAtMs' | 'payload'>;

interface Span {
  firstMs: number | null;
  lastMs: number | null;
  rows: number;
}

/**
 * The one reader of a journal, also of one that a daemon writes to: results of its append file come behind those of
 * SQLite. What a payload means is its caller's to say; a row that the caller cannot read (of another version, damaged)
 * is passed over and counted.
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
    const select = `SELECT min(createdAtMs) firstMs, max(createdAtMs) lastMs, count(*) rows FROM results
      WHERE createdAtMs >= ? AND createdAtMs < ?`;
    const appended = this.#appended(sinceMs, untilMs);
    try {
      const known = this.#db.prepare<[string]>('SELECT 1 FROM results WHERE frameId = ?');
      const more = [...appended.values()].filter(({ frameId }) => known.get(frameId) === undefined);
      const times = more.map(({ createdAtMs }) => createdAtMs);
      const found = this.#db.prepare<[number, number], Span>(select).get(sinceMs, untilMs);
      const rows = (found?.rows ?? 0) + times.length;
      if (rows === 0) return null;
      return {
        firstMs: Math.min(found?.firstMs ?? Infinity, ...times),
        lastMs: Math.max(found?.lastMs ?? -Infinity, ...times),
        rows,
      };
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /**
   * Results between two times (ms since the epoch; all without them), in the order of recording, one at a time.
   * @throws EdgemuxError JOURNAL_FAILED where the file is damaged
   */
  *results(sinceMs = 0, untilMs = Number.MAX_SAFE_INTEGER): Generator<RecordedResult<T>, void, undefined> {
    for (const { createdAtMs, payload } of this.#rows(sinceMs, untilMs)) {
      const result = this.#read(payload);
      if (result !== null) yield { createdAtMs, result };
    }
  }

  close(): void {
    this.#db.close();
  }

  /** The append file is read first: what is moved into SQLite meanwhile is seen there, and taken once. */
  *#rows(sinceMs: number, untilMs: number): Generator<Row, void> {
    const select = `SELECT frameId, createdAtMs, payload FROM results WHERE createdAtMs >= ? AND createdAtMs < ?
      ORDER BY seq`;
    const appended = this.#appended(sinceMs, untilMs);
    try {
      for (const row of this.#db.prepare<[number, number], Row>(select).iterate(sinceMs, untilMs)) {
        appended.delete(row.frameId);
        yield row;
      }
    } catch (error) {
      throw this.#failed(error);
    }
    yield* appended.values();
  }

  /** By frame. A record that is being written just now is not there yet. */
  #appended(sinceMs: number, untilMs: number): Map<string, Row> {
    const rows = new Map<string, Row>();
    const path = join(dirname(this.file), APPEND_FILE);
    for (const body of scan(this.#contentOf(path)).records) {
      const record = readBody(body);
      if (record?.kind !== 'result') continue;
      const { frameId, createdAtMs, payload } = record.result;
      if (createdAtMs >= sinceMs && createdAtMs < untilMs)
        rows.set(frameId, { frameId, createdAtMs, payload });
    }
    return rows;
  }

  #contentOf(path: string): Buffer {
    try {
      return readFileSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
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
