import { messageOf } from '../../common/errors.js';
import type { Clock } from '../../common/clock.js';
import type { Log } from '../../common/log.js';
import type { Connection, Message } from '../../protocol/connection/connection.js';
import type { Upload } from '../../mux/zoo/upload.js';
import { parseAnswer, type Answer, type Reason } from '../../protocol/messages.js';
import { answerTopic, offloadTopic, parseAnswerTopic } from '../../protocol/topics/topics.js';
import type { Counters } from '../counters.js';
import type { Servers } from './servers.js';
import { verdictOf, type Entry, type Limiter, type Ticket, type Verdict } from './limiter.js';

/** What became of asking a server: its answer, or the reason why the device has to answer. */
export type OffloadOutcome =
  | { kind: 'answer'; answer: Answer; roundTripMs: number; bytesUp: number; bytesDown: number }
  | { kind: 'failed'; reason: Reason; bytesUp: number; bytesDown: number };

interface InFlight {
  sentMs: number;
  bytesUp: number;
  settle: (outcome: OffloadOutcome, verdict: Verdict) => void;
}

export interface OffloadRequest {
  frameId: string;
  image: Upload;
  budgetMs: number;
  capturedAtMs: number;
  /** From `enter`; goes back to the limiter when the request settles. */
  ticket: Ticket;
  /** Called when the request has been handed to the network: upload ends, waiting begins. */
  onSent: () => void;
}

export interface OffloaderDeps {
  log: Log;
  clock: Clock;
  connection: Connection;
  servers: Servers;
  counters: Counters;
  limiter: Limiter;
}

export interface OffloaderOptions {
  base: string;
  device: string;
  zoo: { name: string; hash: string; classes: number };
  /** Whether topics say how a picture was prepared; servers of zoos of version 1 may be too old to understand it. */
  saysPrepared: boolean;
}

/** Asks servers for hard frames, with a budget each; every request settles exactly once. */
export class Offloader {
  readonly #deps: OffloaderDeps;
  readonly #options: OffloaderOptions;
  readonly #inFlight = new Map<string, InFlight>();

  constructor(deps: OffloaderDeps, options: OffloaderOptions) {
    this.#deps = deps;
    this.#options = options;
    deps.servers.onAway(() => this.#failAll('broken'));
    deps.servers.onCame(() => deps.limiter.serverCame());
  }

  /** The reason why no frame can wait for a server now, or null. */
  obstacle(): Reason | null {
    return this.#away ? 'server-away' : this.#deps.limiter.obstacle();
  }

  /** A place in flight, or the reason why there is none. A ticket goes back by `ask` or `cancel`. */
  enter(): Entry {
    return this.#away ? { reason: 'server-away' } : this.#deps.limiter.enter();
  }

  /** Gives back a ticket with which nothing was asked. */
  cancel(ticket: Ticket): void {
    this.#deps.limiter.leave(ticket, 'unknown');
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Publishes a request and waits for its answer, at most `budgetMs`. Never rejects. */
  ask(request: OffloadRequest): Promise<OffloadOutcome> {
    const { frameId, image, budgetMs, ticket } = request;
    const bytesUp = image.bytes.length;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#fail(frameId, 'timeout', 'timeout'), budgetMs);
      this.#inFlight.set(frameId, {
        sentMs: this.#deps.clock.monotonicMs(),
        bytesUp,
        settle: (outcome, verdict) => {
          clearTimeout(timer);
          this.#deps.limiter.leave(ticket, verdict);
          resolve(outcome);
        },
      });
      void this.#publish(request);
    });
  }

  /** Takes in a message of an answer topic; late, doubled and malformed ones are counted and cost nothing else. */
  receive(message: Message): void {
    const address = parseAnswerTopic(this.#options.base, message.topic);
    const own = address?.device === this.#options.device; // only that is subscribed to, but brokers err too
    const waiting = own ? this.#inFlight.get(address.frameId) : undefined;
    if (!address || !waiting) {
      this.#deps.counters.lateAnswers += 1;
      return;
    }
    const bytesDown = message.payload.length;
    const { hash: zooHash, classes } = this.#options.zoo;
    try {
      const answer = parseAnswer(message.payload, { frameId: address.frameId, classes, zooHash });
      if ('error' in answer) {
        this.#deps.log.debug({ frameId: address.frameId, error: answer.error }, 'server refused a frame');
        this.#fail(address.frameId, 'refused', verdictOf(answer.error.code), bytesDown);
      } else {
        const roundTripMs = this.#deps.clock.monotonicMs() - waiting.sentMs;
        const { bytesUp } = waiting;
        this.#settle(
          address.frameId,
          { kind: 'answer', answer, roundTripMs, bytesUp, bytesDown },
          'answered',
        );
      }
    } catch (error) {
      this.#deps.counters.badAnswers += 1;
      this.#deps.log.warn({ frameId: address.frameId, error: messageOf(error) }, 'bad answer from a server');
      this.#fail(address.frameId, 'bad-answer', 'broken', bytesDown);
    }
  }

  /** Ends all waiting, as when the program stops; the device answers those frames. */
  stop(): void {
    this.#failAll('unknown');
  }

  get #away(): boolean {
    return this.#deps.connection.state !== 'online' || !this.#deps.servers.available;
  }

  async #publish(request: OffloadRequest): Promise<void> {
    const { base, device, zoo } = this.#options;
    const { budgetMs, frameId, image } = request;
    const prepared = this.#options.saysPrepared ? image.prepared : null;
    const topic = offloadTopic(base, zoo.name, device, frameId, Math.floor(budgetMs), prepared);
    try {
      await this.#deps.connection.publish(topic, request.image.bytes, {
        qos: 0,
        properties: {
          responseTopic: answerTopic(base, device, request.frameId),
          correlationData: Buffer.from(request.frameId),
          messageExpiryS: Math.max(1, Math.ceil(request.budgetMs / 1000)),
          contentType: image.type,
          userProperties: { 'captured-at': String(request.capturedAtMs) },
        },
      });
      if (this.#inFlight.has(request.frameId)) request.onSent();
    } catch (error) {
      this.#deps.log.debug({ frameId: request.frameId, error: messageOf(error) }, 'request not sent');
      const waiting = this.#inFlight.get(request.frameId);
      if (waiting) waiting.bytesUp = 0;
      this.#fail(request.frameId, 'server-away', 'broken');
    }
  }

  #fail(frameId: string, reason: Reason, verdict: Verdict, bytesDown = 0): void {
    const bytesUp = this.#inFlight.get(frameId)?.bytesUp ?? 0;
    this.#settle(frameId, { kind: 'failed', reason, bytesUp, bytesDown }, verdict);
  }

  #settle(frameId: string, outcome: OffloadOutcome, verdict: Verdict): void {
    const waiting = this.#inFlight.get(frameId);
    if (!waiting) return;
    this.#inFlight.delete(frameId);
    waiting.settle(outcome, verdict);
  }

  #failAll(verdict: Verdict): void {
    for (const frameId of [...this.#inFlight.keys()]) this.#fail(frameId, 'server-away', verdict);
  }
}
