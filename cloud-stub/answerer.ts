import { isEdgemuxError, messageOf, type ErrorCode } from '../common/errors.js';
import type { Clock } from '../common/clock.js';
import type { Log } from '../common/log.js';
import { wholePixels } from '../mux/image/decode-cost.js';
import type { ImageLimits } from '../mux/image/image-check.js';
import { decodePicture } from '../mux/image/prepare.js';
import { argmax } from '../mux/rules/probabilities.js';
import { PictureViews, refit } from '../mux/zoo/views.js';
import type { Connection } from '../protocol/connection/connection.js';
import type { Message } from '../protocol/messages/message.js';
import { encodeMessage, type Answer, type ErrorAnswer } from '../protocol/messages.js';
import type { ServerCounters } from './counters.js';
import { FairQueue } from './fair-queue.js';
import { Pace } from './pace.js';
import { addressRequest, checkRequestImage, grantResponseTopic, type Request } from './request.js';
import type { Served } from './serving.js';

export interface AnswererDeps {
  log: Log;
  clock: Clock;
  connection: Pick<Connection, 'publish'>;
  /** What answers at this moment. */
  served: () => Served;
  counters: ServerCounters;
}

export interface AnswererOptions {
  base: string;
  server: string;
  images: { maxBytes: number; maxPixels: number; maxWholePixels: number | null };
  queue: { maxRequests: number; maxBytes: number; depth: number };
}

/** Answers offload requests; what cannot be answered in time is refused at once. */
export class Answerer {
  readonly #deps: AnswererDeps;
  readonly #options: AnswererOptions;
  readonly #queue: FairQueue<Request>;
  readonly #pace = new Pace();
  #working = 0;
  #draining = false;
  #idle: (() => void) | null = null;

  constructor(deps: AnswererDeps, options: AnswererOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#queue = new FairQueue(options.queue);
  }

  /** Waiting requests, for the status. */
  queue(): { length: number; limit: number; bytes: number } {
    return { length: this.#queue.length, limit: this.#options.queue.maxRequests, bytes: this.#queue.bytes };
  }

  /** Requests taken in and not ended. */
  get pending(): number {
    return this.#queue.length + this.#working;
  }

  /** Takes in a message of an offload topic. */
  receive(message: Message): void {
    const { clock, counters, log, served } = this.#deps;
    counters.requests += 1;
    const { base, server } = this.#options;
    const zoo = served().group.zoo.name;
    const request = addressRequest({ base, server, zoo }, message, clock.monotonicMs());
    if (!request) {
      counters.unanswerable += 1;
      log.warn({ topic: message.topic.slice(0, 128) }, 'request with an unusable topic ignored');
      return;
    }
    if (request.asked === 'shared') counters.tookShared(request.device);
    if (request.asked === 'legacy' && counters.tookLegacy(request.device))
      log.warn(
        { device: request.device },
        'this device speaks protocol 1 (edgemux 0.1.0): upgrade it. It is answered, but its requests can be taken by others',
      );
    try {
      const granted = grantResponseTopic(base, request, message);
      const busy = this.#tooMuch(granted); // before the image: a refusal has to cost next to nothing then
      if (busy) void this.#refuse(granted, busy.code, busy.why);
      else this.#enqueue(checkRequestImage(granted, this.#imageLimits()));
    } catch (error) {
      void this.#fail(request, error);
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

  /** Why a request cannot be taken now, whatever it holds; null where it can. */
  #tooMuch({ device, expiresMs, receivedMs }: Request): { code: ErrorCode; why: string } | null {
    if (this.#draining) return { code: 'SERVER_STOPPING', why: 'this server is stopping' };
    if (this.#queue.full(device)) return { code: 'QUEUE_FULL', why: this.#fullText() };
    const before = this.#queue.ahead(device) + this.#working;
    if (this.#pace.canKeep(expiresMs - receivedMs, before)) return null;
    return { code: 'BUDGET_TOO_SHORT', why: `${before} requests would be answered before this one` };
  }

  #imageLimits(): ImageLimits {
    const { images } = this.#options;
    return {
      ...images,
      maxWholePixels: wholePixels(this.#deps.served().group.inputs, images.maxWholePixels),
    };
  }

  #enqueue(request: Request): void {
    const { admitted, evicted } = this.#queue.offer(request.device, request, request.payload.length);
    for (const gone of evicted) void this.#refuse(gone, 'QUEUE_FULL', this.#fullText());
    if (admitted) this.#pump();
    else void this.#refuse(request, 'QUEUE_FULL', this.#fullText());
  }

  #fullText(): string {
    return `this server has ${this.#queue.length} requests waiting`;
  }

  #pump(): void {
    while (this.#working < this.#options.queue.depth) {
      const request = this.#queue.take();
      if (!request) break;
      this.#working += 1;
      this.#pace.begin(this.#deps.clock.monotonicMs());
      void this.#work(request).finally(() => {
        this.#working -= 1;
        this.#pump();
      });
    }
    if (this.#working + this.#queue.length === 0) this.#idle?.();
  }

  async #work(request: Request): Promise<void> {
    const { clock, counters, served } = this.#deps;
    try {
      const now = served();
      const answer = await now.group.use(() => this.#answer(request, now));
      this.#pace.end(clock.monotonicMs(), this.#working > 1);
      if (answer) await this.#publish(request, answer);
      else counters.expired += 1;
    } catch (error) {
      this.#pace.end(clock.monotonicMs(), this.#working > 1);
      await this.#fail(request, error);
    }
  }

  /** The answer, or null where the budget ran out before the model ran: nobody waits for it any more. */
  async #answer(request: Request, { group, policy }: Served): Promise<Answer | null> {
    const { clock, counters } = this.#deps;
    const startedMs = clock.monotonicMs();
    if (startedMs > request.expiresMs) return null;
    const views = await this.#look(request, group);
    const decodedMs = clock.monotonicMs();
    const verdict = await group.answer(views, policy, request.expiresMs);
    if (!verdict) return null;
    const decodeMs = decodedMs - startedMs + views.spentMs;
    const residence = clock.monotonicMs() - request.receivedMs;
    const queueMs = startedMs - request.receivedMs;
    counters.answered(residence);
    counters.metrics.answered(verdict, queueMs, decodeMs);
    const probabilities = Array.from(verdict.probabilities);
    const classIndex = argmax(probabilities);
    const { models, weights, batchSize, muxMs: mux, inferenceMs: inference } = verdict;
    return {
      frameId: request.frameId,
      server: this.#options.server,
      zooHash: group.zoo.hash,
      models,
      weights,
      classIndex,
      probabilities,
      batchSize,
      label: group.zoo.labels[classIndex] ?? `class-${classIndex}`,
      latencyMs: { residence, queue: queueMs + verdict.waitMs, decode: decodeMs, mux, inference },
    };
  }

  /** Decodes what came, as far as the networks need it. @throws EdgemuxError IMAGE_UNDECODABLE */
  async #look({ payload, prepared }: Request, { inputs }: Served['group']): Promise<PictureViews> {
    const wanted = inputs.map((input) => refit(input, prepared));
    const picture = await decodePicture(payload, this.#options.images, wanted);
    return new PictureViews(this.#deps, picture, prepared);
  }

  #fail(request: Request, error: unknown): Promise<void> {
    return this.#refuse(request, isEdgemuxError(error) ? error.code : 'INFERENCE_FAILED', messageOf(error));
  }

  async #refuse(request: Request, code: ErrorCode, why: string): Promise<void> {
    const { device, frameId } = request;
    this.#deps.counters.refuse(code);
    this.#deps.log.debug({ device, frameId, code, why }, 'request refused');
    const message = why.slice(0, 1024);
    await this.#publish(request, { frameId, server: this.#options.server, error: { code, message } });
  }

  async #publish(request: Request, answer: Answer | ErrorAnswer): Promise<void> {
    const { correlationData, topic } = request;
    try {
      await this.#deps.connection.publish(topic, encodeMessage(answer), {
        qos: 0,
        ...(correlationData === null ? {} : { properties: { correlationData } }),
      });
    } catch (error) {
      this.#deps.log.warn({ topic, error: messageOf(error) }, 'answer not sent');
    }
  }
}
