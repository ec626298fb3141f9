import { messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { Connection } from '../protocol/connection.js';
import { isRefusal } from '../protocol/failure.js';
import type { Journal } from './journal.js';

interface Pending {
  /** Journal sequence, or null where the journal could not take the result. */
  seq: number | null;
  topic: string;
  payload: string;
}

/** Results held in memory for sending; what lies behind them waits in the journal. */
const WINDOW = 256;
/** Acknowledged results are marked in the journal together, this often at most. */
const MARK_INTERVAL_MS = 200;

/**
 * Sends results in order, at least once: the only retransmitter. What is not acknowledged when a connection ends is
 * sent again on the next one; what does not fit in memory is read back from the journal.
 */
export class Outbox {
  readonly #deps: { log: Log; connection: Connection; journal: Journal };
  readonly #queue: Pending[] = [];
  #sending = 0;
  #behind = false;
  #lastSeq = 0;
  #acknowledged: number[] = [];
  #marking: NodeJS.Timeout | null = null;
  #epoch = 0;

  constructor(deps: { log: Log; connection: Connection; journal: Journal }) {
    this.#deps = deps;
  }

  /** Takes up what an earlier run left undelivered and follows the connection. */
  start(): void {
    this.#refill();
    this.#deps.connection.onState((state) => {
      this.#epoch += 1;
      this.#sending = 0;
      if (state === 'online') this.#pump();
    });
  }

  /** Queues a result that the journal holds under `seq` (null: the journal failed, memory is all there is). */
  send(result: Pending): void {
    if (this.#queue.length >= WINDOW && result.seq !== null) {
      this.#behind = true;
      return;
    }
    if (this.#behind && result.seq !== null) return;
    if (this.#queue.length >= WINDOW) this.#queue.shift();
    this.#queue.push(result);
    this.#lastSeq = Math.max(this.#lastSeq, result.seq ?? 0);
    this.#pump();
  }

  /** Waits until everything is acknowledged or the connection is away, at most `timeoutMs`; then records the rest. */
  async stop(timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (this.#queue.length > 0 && this.#deps.connection.state === 'online' && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#mark();
  }

  /** Results not yet acknowledged in memory; more may wait in the journal. */
  get backlog(): number {
    return this.#queue.length;
  }

  #pump(): void {
    while (this.#sending < this.#queue.length && this.#deps.connection.state === 'online') {
      const result = this.#queue[this.#sending];
      if (!result) return;
      this.#sending += 1;
      void this.#publish(result, this.#epoch);
    }
  }

  async #publish(result: Pending, epoch: number): Promise<void> {
    try {
      await this.#deps.connection.publish(result.topic, result.payload, { qos: 1 });
    } catch (error) {
      this.#unsent(result, epoch, error);
      return;
    }
    const at = this.#queue.indexOf(result);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    if (epoch === this.#epoch) this.#sending -= 1;
    if (result.seq !== null) this.#acknowledge(result.seq);
    if (this.#behind && this.#queue.length < WINDOW / 2) this.#refill();
  }

  /** A result that a lost connection swallowed is sent again; one that the broker does not take stays in the journal. */
  #unsent(result: Pending, epoch: number, error: unknown): void {
    const entry = { topic: result.topic, error: messageOf(error) };
    const lost = epoch !== this.#epoch || this.#deps.connection.state !== 'online' || !isRefusal(error);
    if (lost) {
      this.#deps.log.debug(entry, 'result not acknowledged, will be sent again');
      return;
    }
    this.#deps.log.error(entry, 'the broker does not take a result; it stays in the journal');
    this.#queue.splice(this.#queue.indexOf(result), 1);
    this.#sending -= 1;
  }

  #acknowledge(seq: number): void {
    this.#acknowledged.push(seq);
    this.#marking ??= setTimeout(() => {
      this.#mark();
    }, MARK_INTERVAL_MS);
  }

  #mark(): void {
    if (this.#marking) clearTimeout(this.#marking);
    this.#marking = null;
    if (this.#acknowledged.length === 0) return;
    try {
      this.#deps.journal.markDelivered(this.#acknowledged);
    } catch (error) {
      this.#deps.log.warn(
        { error: messageOf(error) },
        'delivered results could not be marked; they may be sent twice',
      );
    }
    this.#acknowledged = [];
  }

  #refill(): void {
    this.#mark();
    try {
      const rows = this.#deps.journal.undelivered(this.#lastSeq, WINDOW);
      this.#behind = rows.length === WINDOW;
      for (const row of rows) this.#queue.push(row);
      this.#lastSeq = rows.at(-1)?.seq ?? this.#lastSeq;
    } catch (error) {
      this.#deps.log.error(
        { error: messageOf(error) },
        'the journal cannot be read; undelivered results wait there',
      );
      this.#behind = false;
    }
    this.#pump();
  }
}
