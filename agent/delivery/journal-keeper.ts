import { existsSync } from 'node:fs';
import type { Clock } from '../../common/clock.js';
import { isEdgemuxError, messageOf } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import type { Counters } from '../counters.js';
import { isCorrupted } from '../../journal/file.js';
import { Journal, type JournalRow, type LastStop } from '../../journal/journal.js';

export interface JournalKeeperDeps {
  log: Log;
  clock: Clock;
  counters: Counters;
  /** Null: results are not recorded at all. */
  journal: Journal | null;
}

export interface JournalKeeperOptions {
  /** In running time of the device. */
  maxAgeMs: number;
  maxBytes: number;
  /** SQLite takes what has been recorded this often. */
  commitMs: number;
}

/** A journal that failed is opened again this often at most. */
const REOPEN_MS = 5000;
const PRUNE_INTERVAL_MS = 60_000;

/**
 * Keeps the journal going whatever the disk does, and never throws but at the start: a full or read-only disk costs
 * durability, a damaged file is set aside and a new one begun, what is given up is counted. The device answers all the
 * while.
 */
export class JournalKeeper {
  readonly #deps: JournalKeeperDeps;
  readonly #options: JournalKeeperOptions;
  /** Why the journal failed last, until it works again. */
  #failure: string | null = null;
  /** The last result was not recorded. */
  #isUnjournaled = false;
  #lastStop: LastStop = 'unknown';
  #lastSeq = 0;
  #openedMs = -Infinity;
  #stopped = true;
  #timers: NodeJS.Timeout[] = [];

  constructor(deps: JournalKeeperDeps, options: JournalKeeperOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** What is wrong with the journal now, for people; null where nothing is. */
  get problem(): string | null {
    if (this.#failure === null) return null;
    return this.#isUnjournaled || this.#deps.journal?.takesResults !== true
      ? `results are sent unjournaled: ${this.#failure}`
      : `results are in the journal's append file only, which survives a crash: ${this.#failure}`;
  }

  /** How the run before this one ended. */
  get lastStop(): LastStop {
    return this.#lastStop;
  }

  /** @throws EdgemuxError DATA_DIR_IN_USE */
  start(): void {
    if (!this.#stopped) return;
    const { counters, journal, log } = this.#deps;
    if (!journal) return;
    lock(journal);
    this.#stopped = false;
    this.#try(() => {
      if (this.#lastStop === 'unclean') journal.tally('uncleanRestarts');
      counters.uncleanRestarts = journal.tallied('uncleanRestarts');
    });
    counters.tornRecords = journal.tornRecords;
    if (this.#lastStop === 'unclean') {
      log.warn(
        { uncleanRestarts: counters.uncleanRestarts, tornRecords: counters.tornRecords },
        'the last run did not stop: the frames it had not finished have no result; nobody knows how many',
      );
    }
    this.#prune();
    this.#timers = [
      setInterval(() => this.commit(), this.#options.commitMs),
      setInterval(() => this.#prune(), PRUNE_INTERVAL_MS),
    ];
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    this.#deps.journal?.stop();
  }

  /** Records a result. Returns its sequence number, or null where the journal does not take it. */
  append(row: Parameters<Journal['append']>[0]): number | null {
    const { journal } = this.#deps;
    if (!journal) return null;
    const seq = this.#try(
      () => journal.append(row),
      () => journal.takesResults,
    );
    this.#isUnjournaled = seq === null;
    if (seq !== null) this.#lastSeq = seq;
    return seq;
  }

  /** SQLite takes what has been recorded since the last time. False where it does not. */
  commit(): boolean {
    const { journal, log } = this.#deps;
    const taken = journal ? this.#try(() => journal.commit()) : 0;
    if (journal && this.#failure !== null && taken !== null && (taken > 0 || this.#takesAgain(journal))) {
      this.#failure = null;
      this.#isUnjournaled = false;
      log.info('the journal takes results again');
    }
    return taken !== null;
  }

  /** Whether a disk that failed takes a write: without frames nobody would notice that it does. */
  #takesAgain(journal: Journal): boolean {
    if (!journal.takesResults) return false;
    return this.#try(() => journal.tally('recoveries')) !== null;
  }

  /** As the journal's own; null where it cannot be read now. */
  undelivered(afterSeq: number, limit: number): JournalRow[] | null {
    const { journal } = this.#deps;
    return journal ? this.#try(() => journal.undelivered(afterSeq, limit)) : [];
  }

  /** Results that wait in the journal, as far as it can be asked. */
  countUndelivered(): number {
    const { journal } = this.#deps;
    return journal?.file.isOpen ? (this.#try(() => journal.countUndelivered()) ?? 0) : 0;
  }

  /** Marks results as delivered. */
  markDelivered(seqs: readonly number[]): void {
    this.#deps.journal?.markDelivered(seqs);
  }

  /** Leaves a result to the next run. */
  park(seq: number): void {
    this.#deps.journal?.park(seq);
  }

  get #reopenDue(): boolean {
    return this.#deps.clock.monotonicMs() - this.#openedMs >= REOPEN_MS;
  }

  /** Does it where the journal is open for it; after finding the file damaged, once more with a new one. null: failed. */
  #try<T>(work: () => T, isReady: () => boolean = () => this.#deps.journal?.file.isOpen === true): T | null {
    const errors = this.#deps.counters.journalErrors;
    this.#openWhereDue();
    if (!isReady()) {
      this.#deps.counters.journalErrors = Math.max(errors + 1, this.#deps.counters.journalErrors);
      return null;
    }
    return this.#guarded(work);
  }

  #openWhereDue(): void {
    const { clock, journal } = this.#deps;
    if (!journal || journal.file.isOpen || this.#stopped || !this.#reopenDue) return;
    this.#openedMs = clock.monotonicMs();
    this.#guarded(() => {
      if (journal.file.isOpen) return; // begun anew
      const lastStop = journal.start(this.#lastSeq);
      if (lastStop !== 'unknown') this.#lastStop = lastStop;
    });
  }

  #guarded<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      this.#failed(error);
      if (!isCorrupted(error)) return null;
    }
    try {
      this.#beginAnew();
      const done = work();
      this.#failure = null;
      return done;
    } catch (error) {
      this.#failed(error);
      return null;
    }
  }

  #failed(error: unknown): void {
    const { counters, journal, log } = this.#deps;
    const why = messageOf(error);
    counters.journalErrors += 1;
    if (this.#failure === null) log.error({ error: why }, 'the journal fails');
    this.#failure = why;
    if (this.#reopenDue) journal?.file.close();
  }

  /** Sequence numbers go on where those of the damaged file ended: results on their way keep theirs. */
  #beginAnew(): void {
    const { clock, counters, journal, log } = this.#deps;
    if (!journal) return;
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
    if (!journal?.file.isOpen) return;
    const pruned = this.#try(() => journal.prune(this.#options.maxAgeMs, this.#options.maxBytes));
    if (!pruned || pruned.tooOld + pruned.tooMany === 0) return;
    counters.giveUp('too-old', pruned.tooOld);
    counters.giveUp('journal-full', pruned.tooMany);
    log.warn({ ...pruned }, 'undelivered results were given up: older or more than the journal may hold');
  }
}

/** A folder that cannot be locked for another reason fails the journal too, which says so. */
function lock(journal: Journal): void {
  try {
    journal.lock();
  } catch (error) {
    if (isEdgemuxError(error, 'DATA_DIR_IN_USE')) throw error;
  }
}

const HOUR_MS = 3_600_000;
/** No journal in memory grows beyond this. */
const MOST_MEMORY_BYTES = 64 * 1024 * 1024;

export interface JournalConfig {
  mode: 'off' | 'memory' | 'disk';
  sync: 'normal' | 'full';
  commitMs: number;
  maxAgeH: number;
  maxBytes: number;
}

/** The journal as configured, in `dir`; nothing is opened yet. */
export function createJournalKeeper(
  deps: Omit<JournalKeeperDeps, 'journal'>,
  dir: string,
  { mode, sync, commitMs, maxAgeH, maxBytes }: JournalConfig,
): JournalKeeper {
  const { log, clock, counters } = deps;
  const journal = mode === 'off' ? null : new Journal({ dir, mode, sync, clock });
  return new JournalKeeper(
    { log, clock, counters, journal },
    {
      maxAgeMs: maxAgeH * HOUR_MS,
      maxBytes: mode === 'memory' ? Math.min(maxBytes, MOST_MEMORY_BYTES) : maxBytes,
      commitMs,
    },
  );
}
