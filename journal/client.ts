/** The journal as the main thread sees it: what it asks of the journal's thread, and never waits for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import type { Clock } from '../common/clock.js';
import { EdgemuxError, messageOf } from '../common/errors.js';
import { noCounts, sumOf, type JournalCounts } from './counts.js';
import type { JournalLog } from './keeper.js';
import type { JournalRow, LastStop } from './journal.js';
import type { FromThread, JournalStatus, ThreadStart, ToThread } from './messages.js';

export interface JournalClientDeps {
  log: JournalLog;
  clock: Clock;
  /** Told where any of the counts changes. */
  onCounts: (counts: ClientCounts) => void;
  createWorker?: (url: URL, options: WorkerOptions) => Worker;
}

/** `unjournaled`: results that were handed out while no file held them. */
export type ClientCounts = JournalCounts & { unjournaled: number };

export type JournalClientOptions = Omit<ThreadStart, 'afterSeq'>;

/** A result on its way through the journal. */
export type JournaledResult = Omit<JournalRow, 'seq'> & {
  /** Null: the journal never hears of it. */
  seq: number | null;
  /** It is in the journal; may become so late, when a disk that hung goes on. */
  isRecorded: boolean;
};

interface Waiting {
  result: JournaledResult;
  sinceMs: number;
  /** Null once it has been handed out. */
  handOut: ((result: JournaledResult) => void) | null;
}

/** A disk that has not taken a result for so long hangs, until it has. */
const HANG_MS = 2000;
/** Results that the thread has not answered for; more are not sent to it. */
const MOST_WAITING = 4096;
const MOST_WAITING_BYTES = 8 * 1024 * 1024;
/** A start does not wait longer for the disk. */
const START_MS = 5000;
const QUERY_MS = 2000;
const STOP_MS = 3000;
const RESTART_MS = 5000;
const POLL_MS = 5;

/**
 * Hands results out once they are in a file, in order. A result that the journal does not take, or has not taken within
 * a second, is handed out all the same and counted: a disk costs durability, never a frame.
 */
export class JournalClient {
  readonly #deps: JournalClientDeps;
  readonly #options: JournalClientOptions | null;
  #worker: Worker | null = null;
  #status: JournalStatus | null = null;
  /** Of threads that ended. */
  #before = noCounts();
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #waitingInJournal = 0;
  readonly #queries = new Map<number, (rows: JournalRow[] | null) => void>();
  #queryId = 0;
  #lastSeq = 0;
  #unjournaled = 0;
  #isHanging = false;
  #hangTimer: NodeJS.Timeout | null = null;
  #restart: NodeJS.Timeout | null = null;
  #cause = '';
  /** Why the thread ended that should not have. */
  #ended: string | null = null;
  #startTimer: NodeJS.Timeout | null = null;
  #started: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #stopped: (() => void) | null = null;
  #stopping = false;
  #heldRows: () => readonly JournalRow[] = () => [];

  /** @param options null: results are not recorded at all, which is no failure */
  constructor(deps: JournalClientDeps, options: JournalClientOptions | null) {
    this.#deps = deps;
    this.#options = options;
  }

  /**
   * Starts the thread; resolves once the journal is open, or fails and is tried again, or its disk hangs.
   * @throws EdgemuxError DATA_DIR_IN_USE
   */
  async start(): Promise<void> {
    if (this.#options === null || this.#worker) return;
    const started = new Promise<void>((resolve, reject) => (this.#started = { resolve, reject }));
    this.#startThread(this.#options);
    await started.finally(() => (this.#started = null));
  }

  /** What is wrong with the journal now, for people; null where nothing is. */
  get problem(): string | null {
    if (this.#options === null || this.#stopping) return null;
    if (this.#ended !== null)
      return `results are sent unjournaled: the journal's thread ended: ${this.#ended}`;
    if (this.#isHanging)
      return `results are sent unjournaled: the disk of ${this.#options.dir} has not answered for ${HANG_MS} ms`;
    return this.#status?.problem ?? null;
  }

  /** What was lost with the journal's files lately, for people; null where nothing was. */
  get notice(): string | null {
    return this.#status?.notice ?? null;
  }

  /** How the run before this one ended. */
  get lastStop(): LastStop {
    return this.#status?.lastStop ?? 'unknown';
  }

  /** Results in the journal that no broker has acknowledged, as last heard. */
  get waiting(): number {
    return this.#waitingInJournal;
  }

  /** Results that have not been handed out. */
  get held(): number {
    return this.#waiting.reduce((sum, { handOut }) => sum + (handOut === null ? 0 : 1), 0);
  }

  /** Who may still have results that a file has lost. */
  set heldRows(rows: () => readonly JournalRow[]) {
    this.#heldRows = rows;
  }

  /** Records a result and hands it out then. */
  record(row: Omit<JournalRow, 'seq'>, handOut: (result: JournaledResult) => void): void {
    const result: JournaledResult = { ...row, seq: null, isRecorded: false };
    const isFull = this.#waiting.length >= MOST_WAITING || this.#waitingBytes >= MOST_WAITING_BYTES;
    if (this.#worker === null || this.#status?.takes !== true || isFull) {
      this.#handOutUnjournaled(result, handOut);
      return;
    }
    const seq = this.#lastSeq + 1;
    this.#lastSeq = seq;
    result.seq = seq;
    this.#post({ type: 'append', row: { ...row, seq } });
    const sinceMs = this.#deps.clock.monotonicMs();
    this.#waiting.push({ result, sinceMs, handOut: this.#isHanging ? null : handOut });
    this.#waitingBytes += row.payload.length;
    if (this.#isHanging) this.#handOutUnjournaled(result, handOut);
    else if (this.#hangTimer === null) this.#lookForHang(HANG_MS);
  }

  /** Waits until everything is handed out; after `timeoutMs` what is left is, unjournaled. */
  async flush(timeoutMs: number): Promise<void> {
    const endMs = this.#deps.clock.monotonicMs() + timeoutMs;
    while (this.held > 0 && this.#deps.clock.monotonicMs() < endMs) await sleep(POLL_MS);
    if (this.held > 0) this.#hang();
  }

  /** The oldest undelivered results after `afterSeq`, in order; null where they cannot be read now. */
  async undelivered(afterSeq: number, limit: number): Promise<JournalRow[] | null> {
    if (this.#options === null) return [];
    if (this.#worker === null || this.#isHanging) return null;
    const id = (this.#queryId += 1);
    this.#post({ type: 'undelivered', id, afterSeq, limit });
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(id, null), QUERY_MS).unref();
      this.#queries.set(id, (rows) => {
        clearTimeout(timer);
        resolve(rows);
      });
    });
  }

  /** Marks results as delivered. */
  markDelivered(seqs: readonly number[]): void {
    this.#post({ type: 'delivered', seqs });
  }

  /** Leaves a result to the next run. */
  park(seq: number): void {
    this.#post({ type: 'parked', seq });
  }

  /** Closes the journal's files and ends the thread; one whose disk hangs is left behind. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#restart) clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === null) return;
    const stopped = new Promise<boolean>((resolve) => (this.#stopped = () => resolve(true)));
    this.#post({ type: 'stop' });
    const late = sleep(STOP_MS, false, { ref: false });
    if (await Promise.race([stopped, late])) return;
    this.#isHanging = true;
    this.#deps.log.error({}, 'the disk of the journal hangs: its last results are where they are');
    worker.unref();
  }

  #startThread(options: JournalClientOptions): void {
    const start: ThreadStart = { ...options, afterSeq: this.#lastSeq };
    const { createWorker = (url, its) => new Worker(url, its) } = this.#deps;
    const worker = createWorker(new URL('./journal-thread.js', import.meta.url), {
      workerData: start,
      name: 'edgemux-journal',
      execArgv: [], // none of the program's own loaders or inspectors
    });
    this.#worker = worker;
    this.#cause = 'it ended';
    worker.on('error', (error) => (this.#cause = messageOf(error)));
    worker.on('message', (message: FromThread) => this.#take(message));
    const beforeExit = (): void => {
      if (this.#isHanging) process.kill(process.pid, 'SIGKILL'); // its end would wait for this thread, for ever
    };
    process.once('exit', beforeExit);
    worker.once('exit', () => {
      process.off('exit', beforeExit);
      this.#worker = null;
      this.#threadEnded(options);
    });
  }

  #threadEnded(options: JournalClientOptions): void {
    this.#stopped?.();
    this.#endStart();
    for (const id of [...this.#queries.keys()]) this.#answer(id, null);
    this.#handOutAll();
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#isHanging = false;
    if (this.#stopping) return;
    this.#before = sumOf(this.#before, this.#status?.counts);
    this.#status = null;
    this.#ended = this.#cause;
    this.#deps.log.error({ cause: this.#cause, retryInMs: RESTART_MS }, "the journal's thread ended");
    this.#started?.resolve();
    this.#restart = setTimeout(() => this.#startThread(options), RESTART_MS).unref();
  }

  #beginStart(): void {
    this.#startTimer = setTimeout(() => {
      this.#hang();
      this.#started?.resolve();
    }, START_MS);
  }

  #endStart(): void {
    if (this.#startTimer) clearTimeout(this.#startTimer);
    this.#startTimer = null;
  }

  #take(message: FromThread): void {
    switch (message.type) {
      case 'opening':
        return this.#beginStart();
      case 'started':
        this.#endStart();
        this.#ended = null;
        this.#isHanging = false;
        return this.#started?.resolve();
      case 'in-use': {
        const { message: text, details } = message;
        this.#endStart();
        this.#cause = text;
        this.#stopping = this.#started !== null;
        return this.#started?.reject(new EdgemuxError('DATA_DIR_IN_USE', text, { details }));
      }
      case 'status':
        this.#status = message.status;
        this.#lastSeq = Math.max(this.#lastSeq, message.status.lastSeq);
        return this.#tellCounts();
      case 'recorded':
        this.#waitingInJournal = message.waiting;
        return this.#recorded(message.done);
      case 'waiting':
        this.#waitingInJournal = message.waiting;
        return;
      case 'rows':
        return this.#answer(message.id, message.rows);
      case 'missing':
        return this.#post({ type: 'held', rows: this.#heldRows() });
      case 'log':
        return this.#deps.log[message.level](message.fields, message.text);
      case 'stopped':
        this.#isHanging = false;
        return this.#stopped?.();
    }
  }

  /** The thread answers in order: this is the oldest. */
  #recorded(done: boolean): void {
    const oldest = this.#waiting.shift();
    if (!oldest) return;
    const { handOut, result } = oldest;
    this.#waitingBytes -= result.payload.length;
    result.isRecorded = done;
    if (handOut !== null) {
      if (done) handOut(result);
      else this.#handOutUnjournaled({ ...result, seq: null }, handOut);
    }
    const next = this.#waiting[0];
    if (!this.#isHanging || (next && this.#ageMs(next) >= HANG_MS)) return;
    this.#isHanging = false;
    this.#deps.log.info({}, 'the disk of the journal answers again');
  }

  /** Looks in a while, after what has come from the thread meanwhile, however late this loop is itself. */
  #lookForHang(inMs: number): void {
    this.#hangTimer = setTimeout(() => {
      setImmediate(() => {
        this.#hangTimer = null;
        const oldest = this.#waiting[0];
        if (!oldest || this.#isHanging) return;
        const leftMs = HANG_MS - this.#ageMs(oldest);
        if (leftMs <= 0) this.#hang();
        else this.#lookForHang(leftMs);
      });
    }, inMs).unref();
  }

  #hang(): void {
    if (!this.#isHanging)
      this.#deps.log.error({ waiting: this.#waiting.length }, 'the disk of the journal hangs');
    this.#isHanging = true;
    this.#handOutAll();
  }

  #handOutAll(): void {
    for (const waiting of this.#waiting) {
      const { handOut, result } = waiting;
      waiting.handOut = null;
      if (handOut !== null) this.#handOutUnjournaled(result, handOut);
    }
  }

  #handOutUnjournaled(result: JournaledResult, handOut: (result: JournaledResult) => void): void {
    if (this.#options?.mode === 'disk') {
      this.#unjournaled += 1;
      this.#tellCounts();
    }
    handOut(result);
  }

  #tellCounts(): void {
    const counts = sumOf(this.#before, this.#status?.counts);
    this.#deps.onCounts({ ...counts, unjournaled: this.#unjournaled });
  }

  #answer(id: number, rows: JournalRow[] | null): void {
    this.#queries.get(id)?.(rows);
    this.#queries.delete(id);
  }

  #ageMs({ sinceMs }: Waiting): number {
    return this.#deps.clock.monotonicMs() - sinceMs;
  }

  #post(message: ToThread): void {
    this.#worker?.postMessage(message);
  }
}
