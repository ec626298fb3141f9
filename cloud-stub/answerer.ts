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
import { FairQueue, type Work } from './fair-queue.js';
import { InWork } from './in-work.js';
import { Paces } from './pace.js';
import {
  addressRequest,
  checkRequestImage,
  grantResponseTopic,
  type CheckedRequest,
  type Request,
} from './request.js';
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

/** The least that a request takes: its image has not been looked at. */
const UNSEEN: Work = { decodeMs: 0, costly: false };

/** Answers offload requests; what cannot be answered in time is refused at once. */
export class Answerer {
  readonly #deps: AnswererDeps;
  readonly #options: AnswererOptions;
  readonly #queue: FairQueue<CheckedRequest>;
  readonly #paces = new Paces();
  readonly #inWork = new InWork();
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
      const busy = this.#tooMuch(granted, UNSEEN); // before the image: a refusal has to cost next to nothing then
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
  #tooMuch({ device, expiresMs, receivedMs }: Request, work: Work): { code: ErrorCode; why: string } | null {
    if (this.#draining) return { code: 'SERVER_STOPPING', why: 'this server is stopping' };
    if (this.#queue.full(device)) return { code: 'QUEUE_FULL', why: this.#fullText() };
    const ahead = this.#queue.ahead(device);
    if (this.#paces.canKeep(expiresMs - receivedMs, work, ahead, this.#inWork)) return null;
    const before = ahead.requests + this.#working;
    return { code: 'BUDGET_TOO_SHORT', why: `${before} requests would be answered before this one` };
  }

  #imageLimits(): ImageLimits {
    const { images } = this.#options;
    return {
      ...images,
      maxWholePixels: wholePixels(this.#deps.served().group.inputs, images.maxWholePixels),
    };
  }

  #enqueue(request: CheckedRequest): void {
    const { device, payload, work } = request;
    const busy = work.costly ? this.#tooMuch(request, work) : null;
    if (busy) {
      void this.#refuse(request, busy.code, busy.why);
      return;
    }
    const { admitted, evicted } = this.#queue.offer(device, request, { bytes: payload.length, work });
    for (const gone of evicted) void this.#refuse(gone, 'QUEUE_FULL', this.#fullText());
    if (admitted) this.#pump();
    else void this.#refuse(request, 'QUEUE_FULL', this.#fullText());
  }

  #fullText(): string {
    return `this server has ${this.#queue.length} requests waiting`;
  }

  #pump(): void {
    while (this.#working < this.#options.queue.depth) {
      const request = this.#queue.take((device, work) => this.#inWork.allows(device, work));
      if (!request) break;
      this.#working += 1;
      this.#inWork.begin(request.device, request.work);
      this.#paces.begin(this.#deps.clock.monotonicMs(), request.work);
      void this.#work(request).finally(() => {
        this.#working -= 1;
        this.#pump();
      });
    }
    if (this.#working + this.#queue.length === 0) this.#idle?.();
  }

  async #work(request: CheckedRequest): Promise<void> {
    const { counters, served } = this.#deps;
    try {
      const now = served();
      const answer = await now.group.use(() => this.#answer(request, now));
      this.#worked(request);
      if (answer) await this.#publish(request, answer);
      else counters.expired += 1;
    } catch (error) {
      this.#worked(request);
      await this.#fail(request, error);
    }
  }

  /** Its answer is ready to be sent, and others may be worked at. */
  #worked({ device, work }: CheckedRequest): void {
    this.#inWork.end(device, work);
    this.#paces.end(this.#deps.clock.monotonicMs(), work, this.#inWork);
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
