import type { JournalKeeper } from './journal-keeper.js';

/** Acknowledged results are marked in the journal together, this often at most. */
const MARK_INTERVAL_MS = 200;
const RETRY_INTERVAL_MS = 2000;

/** Marks acknowledged results as delivered; what the journal does not take now is marked later. */
export class Receipts {
  readonly #journal: JournalKeeper;
  #unmarked: number[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(journal: JournalKeeper) {
    this.#journal = journal;
  }

  /** Acknowledged and not yet marked; after a crash these are sent twice. */
  get length(): number {
    return this.#unmarked.length;
  }

  add(seq: number): void {
    this.#unmarked.push(seq);
    this.#later(MARK_INTERVAL_MS);
  }

  /** Marks them now. */
  mark(): void {
    if (this.#unmarked.length === 0) return;
    if (this.#journal.markDelivered(this.#unmarked)) this.#unmarked = [];
    else this.#later(RETRY_INTERVAL_MS);
  }

  stop(): void {
    this.mark();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #later(delayMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.mark();
    }, delayMs);
  }
}
