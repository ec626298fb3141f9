import { isEdgemuxError, messageOf } from '../../common/errors.js';
import type { Clock } from '../../common/clock.js';
import type { Log } from '../../common/log.js';
import type { Connection, Message } from '../../protocol/connection/connection.js';
import type { Upload } from '../../mux/zoo/upload.js';
import { parseAnswer, type Answer, type ErrorAnswer, type Reason } from '../../protocol/messages.js';
import { ANY_SERVER, answerTopic, offloadTopic, parseAnswerTopic } from '../../protocol/topics/topics.js';
import type { Counters } from '../counters.js';
import type { Servers } from './servers.js';
import type { Balancer } from './balancer.js';
import { verdictOf, type Entry, type Ticket, type Verdict } from './limiter.js';

/** What became of asking a server: its answer, or the reason why the device has to answer. */
export type OffloadOutcome =
  | { kind: 'answer'; answer: Answer; roundTripMs: number; bytesUp: number; bytesDown: number }
  | { kind: 'failed'; reason: Reason; bytesUp: number; bytesDown: number };

interface InFlight {
  /** Who was asked, and which models it had announced; `ANY_SERVER` has none. */
  server: string;
  models: readonly string[];
  frameId: string;
  sentMs: number;
  bytesUp: number;
  settle: (outcome: OffloadOutcome, verdict: Verdict, roundTripMs: number | null) => void;
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
  balancer: Balancer;
}

export interface OffloaderOptions {
  base: string;
  device: string;
  zoo: { name: string; hash: string; classes: number; labels?: readonly string[] };
  /** Whether topics say how a picture was prepared; servers of zoos of version 1 may be too old to understand it. */
  saysPrepared: boolean;
}

/** Asks servers for hard frames, one server and one budget each; every request settles exactly once. */
export class Offloader {
  readonly #deps: OffloaderDeps;
  readonly #options: OffloaderOptions;
  /** By server and frame. */
  readonly #inFlight = new Map<string, InFlight>();

  constructor(deps: OffloaderDeps, options: OffloaderOptions) {
    this.#deps = deps;
    this.#options = options;
    deps.servers.onGone((server) => this.#failAll('broken', server));
  }

  /** The reason why no frame can wait for a server now, or null. */
  obstacle(): Reason | null {
    return this.#away ? 'server-away' : this.#deps.balancer.obstacle();
  }

  /** A place in flight, or the reason why there is none. A ticket goes back by `ask` or `cancel`. */
  enter(): Entry {
    return this.#away ? { reason: 'server-away' } : this.#deps.balancer.enter();
  }

  /** Gives back a ticket with which nothing was asked. */
  cancel(ticket: Ticket): void {
    this.#deps.balancer.leave(ticket, 'unknown');
    if (ticket.aside) this.cancel(ticket.aside);
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Publishes a request and waits for its answer, at most `budgetMs`. Never rejects. */
  ask(request: OffloadRequest): Promise<OffloadOutcome> {
    const { frameId, image, budgetMs, ticket } = request;
    const { server } = ticket;
    if (ticket.aside) void this.ask({ ...request, ticket: ticket.aside, onSent: () => undefined });
    return new Promise((resolve) => {
      const waiting: InFlight = {
        server,
        models: this.#deps.servers.get(server)?.models ?? [],
        frameId,
        sentMs: this.#deps.clock.monotonicMs(),
        bytesUp: image.bytes.length,
        settle: (outcome, verdict, roundTripMs) => {
          clearTimeout(timer);
          this.#deps.balancer.leave(ticket, verdict, roundTripMs);
          resolve(outcome);
        },
      };
      const timer = setTimeout(() => this.#fail(waiting, 'timeout', 'timeout'), budgetMs);
      this.#inFlight.set(keyOf(server, frameId), waiting);
      void this.#publish(request, waiting);
    });
  }

  /** Takes in a message of an answer topic; late, foreign, doubled and malformed ones are counted and cost nothing else. */
  receive(message: Message): void {
    const address = parseAnswerTopic(this.#options.base, message.topic);
    const own = address?.device === this.#options.device; // only that is subscribed to, but brokers err too
    const server = address?.server ?? null;
    const waiting = own && server !== null ? this.#waitingFor(server, address.frameId) : undefined;
    if (!address || !waiting || server === null) {
      const foreign = own && [...this.#inFlight.values()].some(({ frameId }) => frameId === address.frameId);
      this.#deps.counters[foreign ? 'foreignAnswers' : 'lateAnswers'] += 1;
      return;
    }
    const roundTripMs = this.#deps.clock.monotonicMs() - waiting.sentMs;
    const { bytesUp } = waiting;
    const bytesDown = message.payload.length;
    try {
      const answer = this.#read(message.payload, server, waiting, roundTripMs);
      if ('error' in answer) {
        this.#deps.log.debug(
          { server, frameId: answer.frameId, error: answer.error },
          'server refused a frame',
        );
        this.#fail(waiting, 'refused', verdictOf(answer.error.code), bytesDown);
      } else {
        const outcome = {
          kind: 'answer',
          answer: { ...answer, server },
          roundTripMs,
          bytesUp,
          bytesDown,
        } as const;
        this.#settle(waiting, outcome, 'answered', roundTripMs);
      }
    } catch (error) {
      this.#deps.counters.badAnswers += 1;
      this.#deps.log.warn({ server, error: messageOf(error) }, 'bad answer from a server');
      const shared = waiting.server === ANY_SERVER;
      if (shared) this.#deps.balancer.blame(server);
      this.#fail(waiting, 'bad-answer', shared ? 'unknown' : 'broken', bytesDown);
    }
  }

  /** Ends all waiting, as when the program stops; the device answers those frames. */
  stop(): void {
    this.#failAll('unknown');
  }

  get #away(): boolean {
    return this.#deps.connection.state !== 'online' || !this.#deps.servers.available;
  }

  /** What this server was asked, or, where it is one of a group that has announced itself, what the group was. */
  #waitingFor(server: string, frameId: string): InFlight | undefined {
    const own = this.#inFlight.get(keyOf(server, frameId));
    if (own) return own;
    const isMember = this.#deps.servers.live(server)?.shared !== undefined;
    return isMember ? this.#inFlight.get(keyOf(ANY_SERVER, frameId)) : undefined;
  }

  /** @throws EdgemuxError MESSAGE_INVALID where it cannot be believed */
  #read(payload: Uint8Array, name: string, waiting: InFlight, roundTripMs: number): Answer | ErrorAnswer {
    const { frameId } = waiting;
    const { hash: zooHash, classes, labels } = this.#options.zoo;
    const announced = waiting.server === ANY_SERVER ? this.#deps.servers.live(name)?.models : waiting.models;
    const server = { name, models: announced ?? [] };
    return parseAnswer(payload, { frameId, classes, zooHash, server, labels, roundTripMs });
  }

  async #publish(request: OffloadRequest, waiting: InFlight): Promise<void> {
    const { base, device, zoo } = this.#options;
    const { budgetMs, frameId, image } = request;
    const { server } = waiting;
    const prepared = this.#options.saysPrepared ? image.prepared : null;
    const topic = offloadTopic(base, { server, zoo: zoo.name, device, frameId, budgetMs, prepared });
    try {
      await this.#deps.connection.publish(topic, request.image.bytes, {
        qos: 0,
        properties: {
          ...(server === ANY_SERVER ? {} : { responseTopic: answerTopic(base, { server, device, frameId }) }),
          correlationData: Buffer.from(frameId),
          messageExpiryS: Math.max(1, Math.ceil(budgetMs / 1000)),
          contentType: image.type,
          userProperties: { 'captured-at': String(request.capturedAtMs) },
        },
      });
      if (this.#inFlight.get(keyOf(server, frameId)) === waiting) request.onSent();
    } catch (error) {
      this.#deps.log.debug({ server, frameId, error: messageOf(error) }, 'request not sent');
      waiting.bytesUp = 0;
      const ours = isEdgemuxError(error, 'MESSAGE_INVALID'); // larger than the broker takes: no server's fault
      this.#fail(waiting, 'server-away', ours ? 'unknown' : 'broken');
    }
  }

  #fail(waiting: InFlight, reason: Reason, verdict: Verdict, bytesDown = 0): void {
    this.#settle(waiting, { kind: 'failed', reason, bytesUp: waiting.bytesUp, bytesDown }, verdict);
  }

  #settle(
    waiting: InFlight,
    outcome: OffloadOutcome,
    verdict: Verdict,
    roundTripMs: number | null = null,
  ): void {
    const key = keyOf(waiting.server, waiting.frameId);
    if (this.#inFlight.get(key) !== waiting) return;
    this.#inFlight.delete(key);
    waiting.settle(outcome, verdict, roundTripMs);
  }

  /** @param server null: whoever was asked */
  #failAll(verdict: Verdict, server: string | null = null): void {
    for (const waiting of [...this.#inFlight.values()])
      if (server === null || waiting.server === server) this.#fail(waiting, 'server-away', verdict);
  }
}

function keyOf(server: string, frameId: string): string {
  return `${server}/${frameId}`;
}
