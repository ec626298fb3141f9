import type { Clock } from '../common/clock.js';
import { isEdgemuxError, messageOf } from '../common/errors.js';
import { noCounts } from './counts.js';
import { isCorrupted } from './file.js';
import type { Finding } from './file-watch.js';
import type { Journal, JournalRow, LastStop, NewResult } from './journal.js';

/** Where lines of the log go, as with pino. */
export type JournalLog = Record<
  'info' | 'warn' | 'error',
  (fields: Record<string, unknown>, text: string) => void
>;

export interface JournalKeeperDeps {
  log: JournalLog;
  clock: Clock;
  journal: Journal;
  /** Results are in no file any more: `restore` is waited for, with what memory still has. */
  onMissing: () => void;
}

export interface JournalKeeperOptions {
  /** In running time of the device. */
  maxAgeMs: number;
  maxBytes: number;
  /** SQLite takes what has been recorded this often. */
  commitMs: number;
  /** The files are looked at this often. */
  checkMs?: number;
}

/** A journal that failed is opened again this often at most. */
const REOPEN_MS = 5000;
const PRUNE_INTERVAL_MS = 60_000;
const CHECK_MS = 400;
/** What was lost is a warning for so long; the counts keep it. */
const NOTICE_MS = 3_600_000;

/**
 * Keeps the journal going whatever the disk does, and never throws but at the start: a full or read-only disk costs
 * durability, a damaged file is set aside and a new one begun, what is given up is counted. The device answers all the
 * while.
 */
export class JournalKeeper {
  readonly #deps: JournalKeeperDeps;
  readonly #options: JournalKeeperOptions;
  readonly counts = noCounts();
  /** Why the journal failed last, until it works again. */
  #failure: string | null = null;
  /** The last result was not recorded. */
  #isUnjournaled = false;
  #lastStop: LastStop = 'unknown';
  #lastSeq = 0;
  #openedMs = -Infinity;
  /** What was lost last, and when. */
  #notice: { text: string; atMs: number } | null = null;
  /** Files are known to be lost, and it is not mended. */
  #isLost = false;
  #recoverTriedMs = -Infinity;
  #stopped = true;
  #timers: NodeJS.Timeout[] = [];

  constructor(deps: JournalKeeperDeps, options: JournalKeeperOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** What is wrong with the journal now, for people; null where nothing is. */
  get problem(): string | null {
    if (this.#failure === null) return null;
    return this.#isUnjournaled || !this.#deps.journal.takesResults
      ? `results are sent unjournaled: ${this.#failure}`
      : `results are in the journal's append file only, which survives a crash: ${this.#failure}`;
  }

  /** What was lost lately, for people; null where nothing was. */
  get notice(): string | null {
    if (this.#notice === null || this.#deps.clock.monotonicMs() - this.#notice.atMs > NOTICE_MS) return null;
    return this.#notice.text;
  }

  /** Whether results can be recorded. */
  get takes(): boolean {
    return !this.#stopped && this.#deps.journal.takesResults;
  }

  /** How the run before this one ended. */
  get lastStop(): LastStop {
    return this.#lastStop;
  }

  /**
   * @param afterSeq numbers of results begin behind it
   * @throws EdgemuxError DATA_DIR_IN_USE
   */
  start(afterSeq = 0): void {
    if (!this.#stopped) return;
    const { counts } = this;
    const { journal, log } = this.#deps;
    lock(journal);
    this.#stopped = false;
    this.#lastSeq = afterSeq;
    this.#try(() => {
      if (this.#lastStop === 'unclean') journal.tally('uncleanRestarts');
      counts.uncleanRestarts = journal.tallied('uncleanRestarts');
    });
    counts.tornRecords = journal.tornRecords;
    if (this.#lastStop === 'unclean') {
      const { uncleanRestarts, tornRecords } = counts;
      log.warn(
        { uncleanRestarts, tornRecords },
        'the last run did not stop: the frames it had not finished have no result; nobody knows how many',
      );
    }
    this.#prune();
    this.#timers = [
      setInterval(() => this.commit(), this.#options.commitMs),
      setInterval(() => this.#prune(), PRUNE_INTERVAL_MS),
      setInterval(() => this.check(), this.#options.checkMs ?? CHECK_MS),
    ];
  }

  stop(): void {
    this.#recoverTriedMs = -Infinity;
    this.check();
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    this.#deps.journal.stop();
  }

  /** Looks whether the files are still ours, and begins new ones where they are not. */
  check(): void {
    const { clock, journal } = this.#deps;
    if (this.#stopped || clock.monotonicMs() - this.#recoverTriedMs < REOPEN_MS) return;
    this.#openWhereDue();
    this.#guarded(() => {
      const found = journal.check();
      if (found.length === 0) return;
      this.#recoverTriedMs = clock.monotonicMs();
      this.#recover(found);
      this.#recoverTriedMs = -Infinity;
    });
  }

  /** Takes what memory still has of the results that are in no file any more; the others are lost. */
  restore(rows: readonly JournalRow[]): void {
    const { journal } = this.#deps;
    const missing = journal.missing;
    if (missing === 0) return;
    const lost = journal.restore(rows);
    this.counts.givenUp['journal-lost'] += lost;
    this.commit();
    if (lost === 0) return;
    const text = `${lost} results that waited for the broker are lost with the journal's files`;
    this.#deps.log.error({ lost, restored: missing - lost }, text);
    this.#say(text);
  }

  /** Records a result. Returns its sequence number, or null where the journal does not take it. */
  append(row: NewResult): number | null {
    const { journal } = this.#deps;
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
    this.check(); // before the file is as long again as it was before it was cut
    const taken = this.#try(() => journal.commit());
    if (this.#failure !== null && taken !== null && (taken > 0 || this.#takesAgain(journal))) {
      this.#failure = null;
      this.#isUnjournaled = false;
      log.info({}, 'the journal takes results again');
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
    return this.#try(() => this.#deps.journal.undelivered(afterSeq, limit));
  }

  /** Results that wait in the journal. */
  countUndelivered(): number {
    return this.#deps.journal.countUndelivered();
  }

  /** Marks results as delivered. */
  markDelivered(seqs: readonly number[]): void {
    this.#deps.journal.markDelivered(seqs);
  }

  /** Leaves a result to the next run. */
  park(seq: number): void {
    this.#deps.journal.park(seq);
  }

  get #reopenDue(): boolean {
    return this.#deps.clock.monotonicMs() - this.#openedMs >= REOPEN_MS;
  }

  /** Does it where the journal is open for it; after finding the file damaged, once more with a new one. null: failed. */
  #try<T>(work: () => T, isReady: () => boolean = () => this.#deps.journal.file.isOpen): T | null {
    const errors = this.counts.journalErrors;
    this.#openWhereDue();
    if (!isReady()) {
      this.counts.journalErrors = Math.max(errors + 1, this.counts.journalErrors);
      return null;
    }
    return this.#guarded(work);
  }

  #openWhereDue(): void {
    const { clock, journal } = this.#deps;
    if (journal.file.isOpen || this.#stopped || !this.#reopenDue) return;
    this.#openedMs = clock.monotonicMs();
    this.#guarded(() => {
      if (journal.file.isOpen) return; // begun anew
      const lastStop = journal.start(this.#lastSeq);
      if (lastStop !== 'unknown') this.#lastStop = lastStop;
      this.#askForMissing();
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
    const { journal, log } = this.#deps;
    const why = messageOf(error);
    this.counts.journalErrors += 1;
    if (this.#failure === null) log.error({ error: why }, 'the journal fails');
    this.#failure = why;
    if (this.#reopenDue && !this.#isLost) journal.file.close(); // of lost files the open ones are all there is
  }

  #recover(found: readonly Finding[]): void {
    const { journal, log } = this.#deps;
    const files = found.map(({ path, what }) => `${path} ${what}`).join(', ');
    if (!this.#isLost) {
      this.counts.journalsLost += 1;
      log.error({ files }, 'files of the journal were lost under the running program');
      this.#isLost = true;
    }
    journal.recover(found);
    this.#isLost = false;
    this.#failure = null;
    const gone = journal.recordsLost - this.counts.recordsLost;
    this.counts.recordsLost = journal.recordsLost;
    const { missing } = journal;
    this.#say(
      `files of the journal were lost under the running program (${files}): new ones are in use; ` +
        `${journal.countUndelivered() - missing} results that wait are in them, records of ${gone} delivered ones are gone`,
    );
    log.warn(
      { waiting: journal.countUndelivered() - missing, recordsLost: gone },
      'the journal has files again',
    );
    this.#askForMissing();
  }

  #askForMissing(): void {
    if (this.#deps.journal.missing > 0) this.#deps.onMissing();
  }

  #say(text: string): void {
    this.#notice = { text, atMs: this.#deps.clock.monotonicMs() };
  }

  /** Sequence numbers go on where those of the damaged file ended: results on their way keep theirs. */
  #beginAnew(): void {
    const { journal, log } = this.#deps;
    const kept = journal.setAside('damaged');
    this.counts.journalsSetAside += 1;
    log.error({ kept }, 'the journal is damaged: it is kept under another name and a new one begun');
    journal.start(this.#lastSeq);
    this.#isLost = false;
    this.#askForMissing();
  }

  #prune(): void {
    const { journal, log } = this.#deps;
    if (!journal.file.isOpen) return;
    const pruned = this.#try(() => journal.prune(this.#options.maxAgeMs, this.#options.maxBytes));
    if (!pruned || pruned.tooOld + pruned.tooMany === 0) return;
    const { tooOld, tooMany } = pruned;
    this.counts.givenUp['too-old'] += tooOld;
    this.counts.givenUp['journal-full'] += tooMany;
    log.warn(
      { tooOld, tooMany },
      'undelivered results were given up: older or more than the journal may hold',
    );
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
