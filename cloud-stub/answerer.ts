import { EdgemuxError, isEdgemuxError, messageOf } from '../common/errors.js';
import type { Clock } from '../common/clock.js';
import type { Log } from '../common/log.js';
import { decodeImage } from '../mux/image.js';
import type { Inference } from '../mux/inference.js';
import { argmax } from '../mux/probabilities.js';
import type { Zoo } from '../mux/zoo.js';
import type { Connection } from '../protocol/connection.js';
import type { Message } from '../protocol/message.js';
import { encodeMessage, type Answer, type ErrorAnswer } from '../protocol/messages.js';
import type { ServerCounters } from './counters.js';
import { BoundedQueue } from './queue.js';
import { addressRequest, checkRequestImage, grantResponseTopic, type Request } from './request.js';

export interface AnswererDeps {
  log: Log;
  clock: Clock;
  connection: Connection;
  inference: Inference;
  zoo: Zoo;
  counters: ServerCounters;
}

export interface AnswererOptions {
  base: string;
  server: string;
  images: { maxBytes: number; maxPixels: number };
  queue: { maxRequests: number; maxBytes: number; depth: number };
}

/** Answers offload requests with the zoo's largest model; what cannot be answered is refused at once. */
export class Answerer {
  readonly #deps: AnswererDeps;
  readonly #options: AnswererOptions;
  readonly #queue: BoundedQueue<Request>;
  #working = 0;
  #draining = false;
  #idle: (() => void) | null = null;

  constructor(deps: AnswererDeps, options: AnswererOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#queue = new BoundedQueue(options.queue);
  }

  /** Waiting requests, for the status. */
  queue(): { length: number; limit: number; bytes: number } {
    return { length: this.#queue.length, limit: this.#options.queue.maxRequests, bytes: this.#queue.bytes };
  }

  /** Takes in a message of an offload topic. */
  receive(message: Message): void {
    const { clock, counters, log, zoo } = this.#deps;
    counters.requests += 1;
    const request = addressRequest(this.#options.base, zoo.name, message, clock.monotonicMs());
    if (!request) {
      counters.unanswerable += 1;
      log.warn({ topic: message.topic.slice(0, 128) }, 'request with an unusable topic ignored');
      return;
    }
    try {
      const granted = grantResponseTopic(this.#options.base, request, message);
      this.#enqueue(checkRequestImage(granted, this.#options.images));
    } catch (error) {
      void this.#refuse(request, error);
    }
  }

  /** Answers what is queued, refuses what comes, at most `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    if (this.#working + this.#queue.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #enqueue(request: Request): void {
    if (this.#draining) throw new EdgemuxError('SERVER_STOPPING', 'this server is stopping');
    if (!this.#queue.offer(request, request.payload.length)) {
      throw new EdgemuxError('QUEUE_FULL', `this server has ${this.#queue.length} requests waiting`);
    }
    this.#pump();
  }

  #pump(): void {
    while (this.#working < this.#options.queue.depth) {
      const request = this.#queue.take();
      if (!request) break;
      this.#working += 1;
      void this.#work(request).finally(() => {
        this.#working -= 1;
        this.#pump();
      });
    }
    if (this.#working + this.#queue.length === 0) this.#idle?.();
  }

  async #work(request: Request): Promise<void> {
    try {
      const answer = await this.#answer(request);
      if (answer) await this.#publish(request, answer);
    } catch (error) {
      await this.#refuse(request, error);
    }
  }

  /** The answer, or null where the budget ran out before the model ran: nobody waits for it any more. */
  async #answer(request: Request): Promise<Answer | null> {
    const { clock, inference, zoo, counters } = this.#deps;
    const startedMs = clock.monotonicMs();
    if (this.#expired(request, startedMs)) return null;
    const pixels = await decodeImage(request.payload, zoo.input, this.#options.images);
    const decodedMs = clock.monotonicMs();
    if (this.#expired(request, decodedMs)) return null;
    const model = zoo.largest.id;
    const run = await inference.classify(model, pixels, 1);
    const residence = clock.monotonicMs() - request.receivedMs;
    counters.answered(residence);
    const probabilities = [...run.probabilities];
    const classIndex = argmax(probabilities);
    return {
      frameId: request.frameId,
      server: this.#options.server,
      zooHash: zoo.hash,
      models: [model],
      weights: { [model]: 1 },
      classIndex,
      label: zoo.labels[classIndex] ?? `class-${classIndex}`,
      probabilities,
      latencyMs: {
        residence,
        queue: startedMs - request.receivedMs + run.queueMs,
        decode: decodedMs - startedMs,
        mux: 0,
        inference: run.ms,
      },
      batchSize: 1,
    };
  }

  #expired(request: Request, nowMs: number): boolean {
    if (nowMs <= request.expiresMs) return false;
    this.#deps.counters.expired += 1;
    return true;
  }

  async #refuse(request: Request, error: unknown): Promise<void> {
    const code = isEdgemuxError(error) ? error.code : 'INFERENCE_FAILED';
    const { device, frameId } = request;
    this.#deps.counters.refuse(code);
    this.#deps.log.warn({ device, frameId, code, why: messageOf(error) }, 'request refused');
    const message = messageOf(error).slice(0, 1024);
    await this.#publish(request, { frameId, server: this.#options.server, error: { code, message } });
  }

  async #publish(request: Request, answer: Answer | ErrorAnswer): Promise<void> {
    const { correlationData, topic } = request;
    try {
      await this.#deps.connection.publish(topic, encodeMessage(answer), {
        qos: 0,
        properties: {
          contentType: 'application/json',
          ...(correlationData === null ? {} : { correlationData }),
        },
      });
    } catch (error) {
      this.#deps.log.warn({ topic, error: messageOf(error) }, 'answer not sent');
    }
  }
}
