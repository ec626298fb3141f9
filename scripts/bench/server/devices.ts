/** Many devices that ask a server, over one connection: closed loop (one request outstanding each) or at a rate. */
import { systemClock } from '../../../common/clock.js';
import { EdgemuxError } from '../../../common/errors.js';
import type { Connection } from '../../../protocol/connection/connection.js';
import { offloadTopic, parseAnswerTopic } from '../../../protocol/topics/topics.js';

/** A request that has had no answer for so long will have none. */
const PATIENCE_MS = 30_000;

/** One request's way, from the call of publish to its answer. */
export interface Answered {
  /** Index of the image asked about. */
  image: number;
  latencyMs: number;
  atMs: number;
  payload: Uint8Array;
}

export interface DevicesOptions {
  base: string;
  server: string;
  zoo: string;
  images: readonly Uint8Array[];
}

export interface Loop {
  /** Devices, one request outstanding each. */
  devices: number;
  /** Answers before the first that counts. */
  warmup: number;
  /** Answers that count. */
  requests: number;
  /** Image of the first request; the others follow in order. */
  firstImage: number;
}

export class Devices {
  readonly #connection: Connection;
  readonly #options: DevicesOptions;
  readonly #sent = new Map<string, { image: number; sentMs: number; device: number }>();
  #next = 0;
  #onAnswer: (device: number, answered: Answered) => void = () => undefined;

  constructor(connection: Connection, options: DevicesOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** @throws EdgemuxError BROKER_UNREACHABLE */
  async start(): Promise<void> {
    const { base } = this.#options;
    await this.#connection.subscribe(
      `${base}/answer/${this.#options.server}/+/+`,
      { qos: 0 },
      ({ topic, payload }) => {
        const atMs = systemClock.monotonicMs();
        const frameId = parseAnswerTopic(base, topic)?.frameId ?? '';
        const sent = this.#sent.get(frameId);
        if (!sent) return;
        this.#sent.delete(frameId);
        this.#onAnswer(sent.device, { image: sent.image, latencyMs: atMs - sent.sentMs, atMs, payload });
      },
    );
  }

  /** @returns the answers that count, and the time from the last that does not to the last that does */
  async closed({
    devices,
    warmup,
    requests,
    firstImage,
  }: Loop): Promise<{ answered: Answered[]; durationMs: number }> {
    const answered: Answered[] = [];
    const wanted = warmup + requests;
    let image = firstImage;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new EdgemuxError('MESSAGE_INVALID', `${this.#sent.size} requests have had no answer`));
      }, PATIENCE_MS);
      this.#onAnswer = (device, one) => {
        timer.refresh();
        answered.push(one);
        if (answered.length < wanted) this.#ask(device, image++);
        else if (this.#sent.size === 0) {
          clearTimeout(timer);
          resolve();
        }
      };
      for (let device = 0; device < devices; device += 1) this.#ask(device, image++);
    });
    const counted = answered.slice(warmup, wanted);
    const startMs = answered[warmup - 1]?.atMs ?? NaN;
    return { answered: counted, durationMs: (counted.at(-1)?.atMs ?? NaN) - startMs };
  }

  /**
   * Asks `requests` times at a rate, whatever comes back, then waits `budgetMs` more.
   * @returns what came within; `unanswered` are those that the server dropped because nobody waited any more; `tookMs` is for asking
   */
  async open(plan: {
    devices: number;
    requests: number;
    ratePerS: number;
    budgetMs: number;
  }): Promise<{ answered: Answered[]; unanswered: number; tookMs: number }> {
    const answered: Answered[] = [];
    this.#onAnswer = (_device, one) => void answered.push(one);
    const startMs = systemClock.monotonicMs();
    for (let n = 0; n < plan.requests;) {
      const due = Math.min(plan.requests, ((systemClock.monotonicMs() - startMs) * plan.ratePerS) / 1000);
      for (; n < due; n += 1) this.#ask(n % plan.devices, n, plan.budgetMs);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const tookMs = systemClock.monotonicMs() - startMs;
    const endMs = startMs + tookMs + 2 * plan.budgetMs;
    while (this.#sent.size > 0 && systemClock.monotonicMs() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const unanswered = this.#sent.size;
    this.#sent.clear();
    return { answered, unanswered, tookMs };
  }

  #ask(device: number, number: number, budgetMs = PATIENCE_MS): void {
    const { base, images, server, zoo } = this.#options;
    const image = number % images.length;
    const bytes = images[image];
    if (!bytes) throw new RangeError('devices without images');
    const frameId = `f${(this.#next += 1)}`;
    this.#sent.set(frameId, { image, sentMs: systemClock.monotonicMs(), device });
    const topic = offloadTopic(base, {
      server,
      zoo,
      device: `bench-${device + 1}`,
      frameId,
      budgetMs,
      prepared: null,
    });
    this.#connection.publish(topic, bytes, { qos: 0 }).catch(() => this.#sent.delete(frameId));
  }
}
