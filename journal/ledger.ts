import type { JournalFile } from './file.js';
import { DELIVERED } from './record.js';
import { SeqSet } from './seq-set.js';

/** What a journal must hold by what was written into it, so that a file that was lost or cut can be compared with that. */
export class Ledger {
  /** Everything that is not delivered, in SQLite or on its way there. */
  readonly open = new SeqSet();
  /** Of these the ones that were in a file and are in none any more. */
  readonly missing = new SeqSet();
  /** Rows in SQLite. */
  rows = 0;
  /** Of `open` the ones that wait for the next run. */
  readonly #parked = new Set<number>();
  #recordsLost = 0;

  /** Delivered results whose record was in a file that was lost. */
  get recordsLost(): number {
    return this.#recordsLost;
  }

  /** Results that wait for delivery in this run. */
  get waiting(): number {
    return this.open.size - this.#parked.size;
  }

  /** It waits for the next run. */
  park(seq: number): void {
    if (this.open.has(seq)) this.#parked.add(seq);
  }

  /** It is delivered. */
  settle(seq: number): void {
    this.open.delete(seq);
    this.#parked.delete(seq);
  }

  /** Believes a file that was opened for the first time. */
  read(file: JournalFile): void {
    this.readOpen(file);
    this.rows = rowsIn(file);
  }

  /** Believes a file from which undelivered rows were removed, all else being in it. */
  readOpen(file: JournalFile): void {
    const before = [...this.#parked];
    this.open.clear();
    this.#parked.clear();
    for (const seq of openIn(file)) this.open.add(seq);
    for (const seq of before) this.park(seq);
  }

  /**
   * Compares a file that was opened again. Returns what is delivered and is not marked there; what is not in it and
   * does not wait to be brought there is `missing`.
   */
  compare(file: JournalFile, pending: ReadonlyMap<number, unknown>): number[] {
    const found = new SeqSet();
    const unmarked: number[] = [];
    for (const seq of openIn(file)) {
      found.add(seq);
      if (!this.open.has(seq)) unmarked.push(seq);
    }
    for (const seq of this.open) if (!found.has(seq) && !pending.has(seq)) this.missing.add(seq);
    const rows = rowsIn(file);
    this.#recordsLost += Math.max(0, this.rows - rows - this.missing.size);
    this.rows = rows;
    return unmarked;
  }

  /** What is missing is lost. Returns how many. */
  giveUpMissing(): number {
    const lost = this.missing.size;
    for (const seq of this.missing) this.settle(seq);
    this.missing.clear();
    return lost;
  }
}

function openIn(file: JournalFile): number[] {
  const select = `SELECT seq FROM results WHERE delivered <> ${DELIVERED} ORDER BY seq`;
  return file.all<{ seq: number }>(select).map(({ seq }) => seq);
}

function rowsIn(file: JournalFile): number {
  return Number(file.value('SELECT count(*) FROM results'));
}
