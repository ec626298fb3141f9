import { messageOf } from '../common/errors.js';
import type { Clock } from '../common/clock.js';
import type { Log } from '../common/log.js';
import type { Connection, Message } from '../protocol/connection.js';
import { parseAnswer, type Answer, type Reason } from '../protocol/messages.js';
import { answerTopic, offloadTopic, parseAnswerTopic } from '../protocol/topics.js';
import type { Counters } from './counters.js';
import type { Servers } from './servers.js';

/** What became of asking a server: its answer, or the reason why the device has to answer. */
export type OffloadOutcome =
  | { kind: 'answer'; answer: Answer; roundTripMs: number; bytesUp: number; bytesDown: number }
  | { kind: 'failed'; reason: Reason; bytesUp: number; bytesDown: number };

interface InFlight {
  sentMs: number;
  bytesUp: number;
  settle: (outcome: OffloadOutcome) => void;
}

export interface OffloadRequest {
  frameId: string;
  image: { bytes: Uint8Array; type: string };
  budgetMs: number;
  capturedAtMs: number;
  /** Called when the request has been handed to the network: upload ends, waiting begins. */
  onSent: () => void;
}

export interface OffloaderDeps {
  log: Log;
  clock: Clock;
  connection: Connection;
  servers: Servers;
  counters: Counters;
}

export interface OffloaderOptions {
  base: string;
  device: string;
  zoo: { name: string; hash: string; classes: number };
  /** Most requests in flight. */
  window: number;
}

/** Asks servers for hard frames, with a budget each; every request settles exactly once. */
export class Offloader {
  readonly #deps: OffloaderDeps;
  readonly #options: OffloaderOptions;
  readonly #inFlight = new Map<string, InFlight>();

  constructor(deps: OffloaderDeps, options: OffloaderOptions) {
    this.#deps = deps;
    this.#options = options;
    deps.servers.onAway(() => {
      this.#failAll('server-away');
    });
  }

  /** The reason why no request can be sent now, or null. */
  obstacle(): Reason | null {
    if (this.#deps.connection.state !== 'online' || !this.#deps.servers.available) return 'server-away';
    return this.#inFlight.size >= this.#options.window ? 'window-full' : null;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Publishes a request and waits for its answer, at most `budgetMs`. Never rejects. */
  ask(request: OffloadRequest): Promise<OffloadOutcome> {
    const { frameId, image, budgetMs } = request;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#settle(frameId, {
          kind: 'failed',
          reason: 'timeout',
          bytesUp: image.bytes.length,
          bytesDown: 0,
        });
      }, budgetMs);
      this.#inFlight.set(frameId, {
        sentMs: this.#deps.clock.monotonicMs(),
        bytesUp: image.bytes.length,
        settle: (outcome) => {
          clearTimeout(timer);
          resolve(outcome);
        },
      });
      void this.#publish(request);
    });
  }

  /** Takes in a message of an answer topic; late, doubled and malformed ones are counted and cost nothing else. */
  receive(message: Message): void {
    const address = parseAnswerTopic(this.#options.base, message.topic);
    const waiting = address && this.#inFlight.get(address.frameId);
    if (!address || !waiting) {
      this.#deps.counters.lateAnswers += 1;
      return;
    }
    const sizes = { bytesUp: waiting.bytesUp, bytesDown: message.payload.length };
    const { hash: zooHash, classes } = this.#options.zoo;
    try {
      const answer = parseAnswer(message.payload, { frameId: address.frameId, classes, zooHash });
      if ('error' in answer) {
        this.#deps.log.debug({ frameId: address.frameId, error: answer.error }, 'server refused a frame');
        this.#settle(address.frameId, { kind: 'failed', reason: 'refused', ...sizes });
      } else {
        const roundTripMs = this.#deps.clock.monotonicMs() - waiting.sentMs;
        this.#settle(address.frameId, { kind: 'answer', answer, roundTripMs, ...sizes });
      }
    } catch (error) {
      this.#deps.counters.badAnswers += 1;
      this.#deps.log.warn({ frameId: address.frameId, error: messageOf(error) }, 'bad answer from a server');
      this.#settle(address.frameId, { kind: 'failed', reason: 'bad-answer', ...sizes });
    }
  }

  /** Ends all waiting, as when the program stops; the device answers those frames. */
  stop(): void {
    this.#failAll('server-away');
  }

  async #publish(request: OffloadRequest): Promise<void> {
    const { base, device, zoo } = this.#options;
    const topic = offloadTopic(base, zoo.name, device, request.frameId, Math.floor(request.budgetMs));
    try {
      await this.#deps.connection.publish(topic, request.image.bytes, {
        qos: 0,
        properties: {
          responseTopic: answerTopic(base, device, request.frameId),
          correlationData: Buffer.from(request.frameId),
          messageExpiryS: Math.max(1, Math.ceil(request.budgetMs / 1000)),
          contentType: `image/${request.image.type}`,
          userProperties: { 'captured-at': String(request.capturedAtMs) },
        },
      });
      if (this.#inFlight.has(request.frameId)) request.onSent();
    } catch (error) {
      this.#deps.log.debug({ frameId: request.frameId, error: messageOf(error) }, 'request not sent');
      this.#settle(request.frameId, { kind: 'failed', reason: 'server-away', bytesUp: 0, bytesDown: 0 });
    }
  }

  #settle(frameId: string, outcome: OffloadOutcome): void {
    const waiting = this.#inFlight.get(frameId);
    if (!waiting) return;
    this.#inFlight.delete(frameId);
    waiting.settle(outcome);
  }

  #failAll(reason: Reason): void {
    for (const [frameId, { bytesUp }] of [...this.#inFlight]) {
      this.#settle(frameId, { kind: 'failed', reason, bytesUp, bytesDown: 0 });
    }
  }
}
