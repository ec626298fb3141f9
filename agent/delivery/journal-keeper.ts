import { existsSync } from 'node:fs';
import type { Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import type { Counters } from '../counters.js';
import { isCorrupted } from '../../journal/file.js';
import { Journal, type JournalRow, type LastStop } from '../../journal/journal.js';

export interface JournalKeeperDeps {
  log: Log;
  clock: Clock;
  counters: Counters;
  journal: Journal;
}

/** A journal that failed is opened again this often at most. */
const REOPEN_MS = 5000;
const PRUNE_INTERVAL_MS = 60_000;

/**
 * Keeps the journal going whatever the disk does, and never throws: a full or read-only disk costs durability, a
 * damaged file is set aside and a new one begun, what is given up is counted. The device answers all the while.
 */
export class JournalKeeper {
  readonly #deps: JournalKeeperDeps;
  readonly #limits: { maxAgeMs: number; maxBytes: number };
  #problem: string | null = null;
  #lastStop: LastStop = 'unknown';
  #lastSeq = 0;
  #openedMs = -Infinity;
  #stopped = true;
  #timer: NodeJS.Timeout | null = null;

  /** @param limits.maxAgeMs in running time of the device */
  constructor(deps: JournalKeeperDeps, limits: { maxAgeMs: number; maxBytes: number }) {
    this.#deps = deps;
    this.#limits = limits;
  }

  /** Why results are not journaled now; null while they are. */
  get problem(): string | null {
    return this.#problem;
  }

  /** How the run before this one ended. */
  get lastStop(): LastStop {
    return this.#lastStop;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    const { counters, journal, log } = this.#deps;
    this.#try(() => {
      if (this.#lastStop === 'unclean') journal.tally('uncleanRestarts');
      counters.uncleanRestarts = journal.tallied('uncleanRestarts');
    });
    if (this.#lastStop === 'unclean') {
      log.warn(
        { uncleanRestarts: counters.uncleanRestarts },
        'the last run did not stop: the frames it had not finished have no result; nobody knows how many',
      );
    }
    this.#prune();
    this.#timer = setInterval(() => this.#prune(), PRUNE_INTERVAL_MS);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#deps.journal.stop();
  }

  /** Records a result. Returns its sequence number, or null where the journal does not take it. */
  append(row: Parameters<Journal['append']>[0]): number | null {
    const seq = this.#try(() => this.#deps.journal.append(row));
    if (seq === null) return null;
    this.#lastSeq = seq;
    if (this.#problem !== null) this.#deps.log.info('the journal takes results again');
    this.#problem = null;
    return seq;
  }

  /** As the journal's own; null where it cannot be read now. */
  undelivered(afterSeq: number, limit: number): JournalRow[] | null {
    return this.#try(() => this.#deps.journal.undelivered(afterSeq, limit));
  }

  /** Results that wait in the journal, as far as it can be asked. */
  countUndelivered(): number {
    return this.#deps.journal.file.isOpen ? (this.#try(() => this.#deps.journal.countUndelivered()) ?? 0) : 0;
  }

  /** False where the journal does not take it now. */
  markDelivered(seqs: readonly number[]): boolean {
    return this.#try(() => this.#deps.journal.markDelivered(seqs)) !== null;
  }

  /** Leaves a result to the next run. */
  park(seq: number): void {
    this.#try(() => this.#deps.journal.park(seq));
  }

  get #reopenDue(): boolean {
    return this.#deps.clock.monotonicMs() - this.#openedMs >= REOPEN_MS;
  }

  /** Whether the journal is open; opens it where that is due. @throws EdgemuxError JOURNAL_FAILED */
  #ensureOpen(): boolean {
    const { clock, journal } = this.#deps;
    if (journal.file.isOpen) return true;
    if (this.#stopped || !this.#reopenDue) return false;
    this.#openedMs = clock.monotonicMs();
    const lastStop = journal.start(this.#lastSeq);
    if (lastStop !== 'unknown') this.#lastStop = lastStop;
    return true;
  }

  /** Does it; after finding the file damaged, once more with a new one. null where it failed. */
  #try<T>(work: () => T): T | null {
    try {
      if (this.#ensureOpen()) return work();
      this.#deps.counters.journalErrors += 1;
      return null;
    } catch (error) {
      this.#failed(error);
      if (!isCorrupted(error)) return null;
    }
    try {
      this.#beginAnew();
      return work();
    } catch (error) {
      this.#failed(error);
      return null;
    }
  }

  #failed(error: unknown): void {
    const why = messageOf(error);
    this.#deps.counters.journalErrors += 1;
    if (this.#problem === null)
      this.#deps.log.error({ error: why }, 'the journal fails; results are sent unjournaled');
    this.#problem = why;
    if (this.#reopenDue) this.#deps.journal.file.close();
  }

  /** Sequence numbers go on where those of the damaged file ended: results on their way keep theirs. */
  #beginAnew(): void {
    const { clock, counters, journal, log } = this.#deps;
    const stamp = new Date(clock.wallMs()).toISOString().replaceAll(/[-:]/g, '');
    let suffix = `.damaged-${stamp}`;
    for (let n = 2; existsSync(journal.file.path + suffix); n += 1) suffix = `.damaged-${stamp}-${n}`;
    const kept = journal.file.setAside(suffix);
    counters.journalsSetAside += 1;
    log.error({ kept }, 'the journal is damaged: it is kept under another name and a new one begun');
    journal.start(this.#lastSeq);
  }

  #prune(): void {
    const { counters, journal, log } = this.#deps;
    if (!journal.file.isOpen) return;
    const pruned = this.#try(() => journal.prune(this.#limits.maxAgeMs, this.#limits.maxBytes));
    if (!pruned || pruned.tooOld + pruned.tooMany === 0) return;
    counters.giveUp('too-old', pruned.tooOld);
    counters.giveUp('journal-full', pruned.tooMany);
    log.warn({ ...pruned }, 'undelivered results were given up: older or more than the journal may hold');
  }
}

const HOUR_MS = 3_600_000;

/** The journal as configured, in `dir`; nothing is opened yet. */
export function createJournalKeeper(
  deps: Omit<JournalKeeperDeps, 'journal'>,
  dir: string,
  config: { sync: 'normal' | 'full'; maxAgeH: number; maxBytes: number },
): JournalKeeper {
  const journal = new Journal({ dir, sync: config.sync, clock: deps.clock });
  const limits = { maxAgeMs: config.maxAgeH * HOUR_MS, maxBytes: config.maxBytes };
  return new JournalKeeper({ ...deps, journal }, limits);
}
