import { messageOf } from '../../common/errors.js';
import type { Clock } from '../../common/clock.js';
import type { Log } from '../../common/log.js';
import type { JournalClient, JournaledResult } from '../../journal/client.js';
import type { JournalRow } from '../../journal/journal.js';
import type { Connection } from '../../protocol/connection/connection.js';
import { isRefusal } from '../../protocol/connection/failure.js';
import type { Counters } from '../counters.js';

export interface OutboxDeps {
  log: Log;
  clock: Clock;
  counters: Counters;
  connection: Connection;
  journal: JournalClient;
}

/** Results held in memory for sending; what lies behind them waits in the journal. */
const WINDOW = 256;
/** Results that the journal could not take: no more of them are held in memory. */
const UNJOURNALED = 4096;
/** The cause of `givenUp` where neither broker nor journal take results. */
const MEMORY_FULL = 'memory-full';
const REFILL_RETRY_MS = 2000;
/** Acknowledged results are marked in the journal together, this often at most. */
const MARK_INTERVAL_MS = 200;

/**
 * A broker that hangs up so soon after a result, so often in a row, does not take it. MQTT 3.1.1 has no other way to
 * say that a message is too large.
 */
const STRIKE_MS = 2000;
const STRIKES = 5;

/** A result in memory, with what has been tried. */
interface Pending {
  readonly result: JournaledResult;
  /** The connection on which it was sent last. */
  sentOn: number;
  sentMs: number;
  /** Connections that ended soon after it was sent, alone. */
  strikes: number;
  /** Given up for want of memory, perhaps while it was on its way. */
  forgotten: boolean;
}

/**
 * Sends results in order, at least once: the only retransmitter. What is not acknowledged when a connection ends is
 * sent again on the next one; what does not fit in memory is read back from the journal. A result that the broker
 * does not take is parked in the journal for the next run, so that the others get by.
 */
export class Outbox {
  readonly #deps: OutboxDeps;
  #queue: Pending[] = [];
  /** Results wait in the journal that are not in memory. */
  #behind = false;
  /** All that the journal holds up to this number has been in memory. */
  #lastSeq = 0;
  /** The journal is being asked for more. */
  #refilling = false;
  #stopped = false;
  readonly #receipts: Receipts;
  #refillTimer: NodeJS.Timeout | null = null;
  /** Counts connections. */
  #epoch = 0;
  /** Whether this connection has taken a result. */
  #takes = false;
  /** Results go one at a time: the last connection ended before it took any. */
  #careful = false;
  #offState: () => void = () => undefined;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#receipts = new Receipts(deps.journal);
  }

  /** Takes up what an earlier run left undelivered and follows the connection. */
  start(): void {
    this.#deps.journal.heldRows = () => this.#rows();
    void this.#refill();
    this.#offState = this.#deps.connection.onState((state) => {
      if (state === 'online') this.#pump();
      else this.#connectionEnded();
    });
  }

  /** Queues a result. */
  send(result: JournaledResult): void {
    if (result.isRecorded && (this.#behind || this.#refilling || this.#queue.length >= WINDOW)) {
      this.#behind = true;
      return;
    }
    if (this.#queue.length >= UNJOURNALED) this.#forgetOldest();
    this.#enqueue(result);
    this.#pump();
  }

  /** Waits until everything is acknowledged or the connection is away, at most `timeoutMs`; then records the rest. */
  async stop(timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    await this.#deps.journal.flush(timeoutMs / 2);
    while (this.#queue.length > 0 && this.#deps.connection.state === 'online' && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#stopped = true;
    this.#offState();
    if (this.#refillTimer) clearTimeout(this.#refillTimer);
    this.#receipts.stop();
    const lost = this.#queue.filter(({ result }) => !result.isRecorded).length;
    if (lost === 0) return;
    this.#deps.counters.giveUp('unjournaled-at-stop', lost);
    this.#deps.log.error({ lost }, 'results that the journal could not take are lost with this stop');
  }

  /** Results not delivered yet, in memory and in the journal. */
  get backlog(): number {
    const { journal } = this.#deps;
    if (!this.#behind) return journal.held + this.#queue.length;
    return journal.held + Math.max(this.#queue.length, journal.waiting - this.#receipts.length, 1);
  }

  /** What the journal may ask for once more. */
  #rows(): JournalRow[] {
    return this.#queue.flatMap(({ result: { isRecorded, seq, ...row } }) =>
      seq === null || !isRecorded ? [] : [{ ...row, seq }],
    );
  }

  #enqueue(result: JournaledResult): void {
    this.#queue.push({ result, sentOn: -1, sentMs: 0, strikes: 0, forgotten: false });
    if (!this.#behind && !this.#refilling) this.#lastSeq = Math.max(this.#lastSeq, result.seq ?? 0);
  }

  #pump(): void {
    if (this.#deps.connection.state !== 'online') return;
    for (const pending of [...this.#queue]) {
      if (pending.sentOn === this.#epoch) {
        if (this.#careful) return;
        continue;
      }
      pending.sentOn = this.#epoch;
      pending.sentMs = this.#deps.clock.monotonicMs();
      void this.#publish(pending);
      if (this.#careful) return;
    }
  }

  async #publish(pending: Pending): Promise<void> {
    const { result } = pending;
    try {
      await this.#deps.connection.publish(result.topic, result.payload, { qos: 1 });
    } catch (error) {
      this.#unsent(pending, error);
      return;
    }
    this.#takes = true;
    if (!this.#remove(pending)) {
      if (pending.forgotten) this.#deps.counters.takeBack(MEMORY_FULL);
      return;
    }
    if (result.seq !== null) this.#receipts.add(result.seq);
    if (this.#behind && this.#queue.length < WINDOW / 2) void this.#refill();
    if (!this.#careful) return;
    this.#careful = false;
    this.#pump();
  }

  /** What a lost connection swallowed is sent again; what the broker does not take is parked. */
  #unsent(pending: Pending, error: unknown): void {
    if (isRefusal(error)) {
      this.#park(pending, messageOf(error));
      this.#pump();
    } else {
      this.#deps.log.debug(
        { topic: pending.result.topic, error: messageOf(error) },
        'result not acknowledged',
      );
    }
  }

  #connectionEnded(): void {
    const underWay = this.#queue.filter(({ sentOn }) => sentOn === this.#epoch);
    const [only] = underWay;
    if (only && !this.#takes) {
      this.#careful = true;
      if (underWay.length === 1 && isRefused(only, this.#deps.clock.monotonicMs()))
        this.#park(only, `the broker hung up on it ${only.strikes} times`);
    }
    this.#epoch += 1;
    this.#takes = false;
  }

  #park(pending: Pending, why: string): void {
    if (!this.#remove(pending)) return;
    const { counters, journal, log } = this.#deps;
    const { result } = pending;
    if (result.seq === null || !result.isRecorded) {
      counters.giveUp('refused');
      log.error({ topic: result.topic, why }, 'the broker does not take a result that no journal holds');
      return;
    }
    counters.parked += 1;
    journal.park(result.seq);
    log.error({ topic: result.topic, why }, 'the broker does not take a result; the next run tries again');
  }

  #forgetOldest(): void {
    const at = this.#queue.findIndex(({ result }) => !result.isRecorded);
    const [oldest] = this.#queue.splice(Math.max(at, 0), 1);
    if (oldest) oldest.forgotten = true;
    this.#deps.counters.giveUp(MEMORY_FULL);
    if (this.#deps.counters.givenUp[MEMORY_FULL] === 1)
      this.#deps.log.error('neither broker nor journal take results: the oldest are given up');
  }

  #remove(pending: Pending): boolean {
    const at = this.#queue.indexOf(pending);
    if (at >= 0) this.#queue.splice(at, 1);
    return at >= 0;
  }

  /** Results that come while the journal is asked are in it, too: it is asked again for them. */
  async #refill(): Promise<void> {
    if (this.#refilling || this.#stopped) return;
    this.#receipts.mark();
    this.#refilling = true;
    this.#behind = false;
    const rows = await this.#deps.journal.undelivered(this.#lastSeq, WINDOW);
    this.#refilling = false;
    if (this.#stopped) return;
    if (rows === null) {
      this.#behind = true;
      this.#refillTimer ??= setTimeout(() => {
        this.#refillTimer = null;
        void this.#refill();
      }, REFILL_RETRY_MS);
      return;
    }
    this.#take(rows);
    if (this.#behind && this.#queue.length < WINDOW / 2) void this.#refill();
  }

  #take(rows: readonly JournalRow[]): void {
    const known = new Set(this.#queue.map(({ result }) => result.seq));
    this.#behind ||= rows.length === WINDOW;
    for (const row of rows) {
      this.#lastSeq = Math.max(this.#lastSeq, row.seq);
      if (!known.has(row.seq)) this.#enqueue({ ...row, isRecorded: true });
    }
    this.#pump();
  }
}

/** Counts a connection that ended while `result` alone was under way; true when it is time to leave it. */
function isRefused(result: Pending, nowMs: number): boolean {
  if (nowMs - result.sentMs < STRIKE_MS) result.strikes += 1;
  return result.strikes >= STRIKES;
}

/** Marks acknowledged results as delivered, some at a time. */
class Receipts {
  readonly #journal: JournalClient;
  #unmarked: number[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(journal: JournalClient) {
    this.#journal = journal;
  }

  /** Acknowledged and not yet marked; after a crash these are sent twice. */
  get length(): number {
    return this.#unmarked.length;
  }

  add(seq: number): void {
    this.#unmarked.push(seq);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.mark();
    }, MARK_INTERVAL_MS);
  }

  /** Marks them now. */
  mark(): void {
    if (this.#unmarked.length === 0) return;
    this.#journal.markDelivered(this.#unmarked);
    this.#unmarked = [];
  }

  stop(): void {
    this.mark();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
