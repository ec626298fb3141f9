import { messageOf } from '../../common/errors.js';
import type { Clock } from '../../common/clock.js';
import type { Log } from '../../common/log.js';
import type { Connection } from '../../protocol/connection/connection.js';
import { isRefusal } from '../../protocol/connection/failure.js';
import type { Counters } from '../counters.js';
import type { JournalKeeper } from './journal-keeper.js';

/** A result to send; `seq` is its number in the journal, null where memory is all there is. */
export interface OutgoingResult {
  seq: number | null;
  topic: string;
  payload: string;
}

export interface OutboxDeps {
  log: Log;
  clock: Clock;
  counters: Counters;
  connection: Connection;
  journal: JournalKeeper;
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
interface Pending extends OutgoingResult {
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
  #behind = false;
  #lastSeq = 0;
  readonly #receipts: Receipts;
  #refilling: NodeJS.Timeout | null = null;
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
    this.#refill();
    this.#offState = this.#deps.connection.onState((state) => {
      if (state === 'online') this.#pump();
      else this.#connectionEnded();
    });
  }

  /** Queues a result. */
  send(result: OutgoingResult): void {
    if (result.seq !== null && (this.#behind || this.#queue.length >= WINDOW)) {
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
    while (this.#queue.length > 0 && this.#deps.connection.state === 'online' && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#offState();
    if (this.#refilling) clearTimeout(this.#refilling);
    this.#receipts.stop();
    const lost = this.#queue.filter(({ seq }) => seq === null).length;
    if (lost === 0) return;
    this.#deps.counters.giveUp('unjournaled-at-stop', lost);
    this.#deps.log.error({ lost }, 'results that the journal could not take are lost with this stop');
  }

  /** Results not delivered yet, in memory and in the journal. */
  get backlog(): number {
    if (!this.#behind) return this.#queue.length;
    return Math.max(this.#queue.length, this.#deps.journal.countUndelivered() - this.#receipts.length);
  }

  #enqueue(result: OutgoingResult): void {
    this.#queue.push(pending(result));
    this.#lastSeq = Math.max(this.#lastSeq, result.seq ?? 0);
  }

  #pump(): void {
    if (this.#deps.connection.state !== 'online') return;
    for (const result of [...this.#queue]) {
      if (result.sentOn === this.#epoch) {
        if (this.#careful) return;
        continue;
      }
      result.sentOn = this.#epoch;
      result.sentMs = this.#deps.clock.monotonicMs();
      void this.#publish(result);
      if (this.#careful) return;
    }
  }

  async #publish(result: Pending): Promise<void> {
    try {
      await this.#deps.connection.publish(result.topic, result.payload, { qos: 1 });
    } catch (error) {
      this.#unsent(result, error);
      return;
    }
    this.#takes = true;
    if (!this.#remove(result)) {
      if (result.forgotten) this.#deps.counters.takeBack(MEMORY_FULL);
      return;
    }
    if (result.seq !== null) this.#receipts.add(result.seq);
    if (this.#behind && this.#queue.length < WINDOW / 2) this.#refill();
    if (!this.#careful) return;
    this.#careful = false;
    this.#pump();
  }

  /** What a lost connection swallowed is sent again; what the broker does not take is parked. */
  #unsent(result: Pending, error: unknown): void {
    if (isRefusal(error)) {
      this.#park(result, messageOf(error));
      this.#pump();
    } else {
      this.#deps.log.debug({ topic: result.topic, error: messageOf(error) }, 'result not acknowledged');
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

  #park(result: Pending, why: string): void {
    if (!this.#remove(result)) return;
    const { counters, journal, log } = this.#deps;
    if (result.seq === null) {
      counters.giveUp('refused');
      log.error({ topic: result.topic, why }, 'the broker does not take a result that no journal holds');
      return;
    }
    counters.parked += 1;
    journal.park(result.seq);
    log.error({ topic: result.topic, why }, 'the broker does not take a result; the next run tries again');
  }

  #forgetOldest(): void {
    const at = this.#queue.findIndex(({ seq }) => seq === null);
    const [oldest] = this.#queue.splice(Math.max(at, 0), 1);
    if (oldest) oldest.forgotten = true;
    this.#deps.counters.giveUp(MEMORY_FULL);
    if (this.#deps.counters.givenUp[MEMORY_FULL] === 1)
      this.#deps.log.error('neither broker nor journal take results: the oldest are given up');
  }

  #remove(result: Pending): boolean {
    const at = this.#queue.indexOf(result);
    if (at >= 0) this.#queue.splice(at, 1);
    return at >= 0;
  }

  #refill(): void {
    this.#receipts.mark();
    const rows = this.#deps.journal.undelivered(this.#lastSeq, WINDOW);
    if (rows === null) {
      this.#behind = true;
      this.#refillLater();
      return;
    }
    this.#behind = rows.length === WINDOW;
    for (const row of rows) this.#enqueue(row);
    this.#pump();
  }

  #refillLater(): void {
    this.#refilling ??= setTimeout(() => {
      this.#refilling = null;
      this.#refill();
    }, REFILL_RETRY_MS);
  }
}

function pending(result: OutgoingResult): Pending {
  return { ...result, sentOn: -1, sentMs: 0, strikes: 0, forgotten: false };
}

/** Counts a connection that ended while `result` alone was under way; true when it is time to leave it. */
function isRefused(result: Pending, nowMs: number): boolean {
  if (nowMs - result.sentMs < STRIKE_MS) result.strikes += 1;
  return result.strikes >= STRIKES;
}

/** Marks acknowledged results as delivered, some at a time. */
class Receipts {
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
