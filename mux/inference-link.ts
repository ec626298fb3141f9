/** One life of the inference worker, seen from the main thread: jobs out, outcomes back, and its end. */
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { systemClock } from '../common/clock.js';
import { EdgemuxError, messageOf } from '../common/errors.js';
import {
  fromWireError,
  type FromWorker,
  type InferenceJob,
  type InferenceOutcome,
  type InferencePlan,
  type InferenceReady,
  type OutcomeOf,
  type ToWorker,
} from './inference-types.js';

export type CreateWorker = (url: URL, options: WorkerOptions) => Worker;
export const createWorker: CreateWorker = (url, options) => new Worker(url, options);

interface Pending {
  resolve(outcome: InferenceOutcome): void;
  reject(error: Error): void;
}

export class InferenceLink {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #sequence = 0;
  /** Why the worker died, as far as it said. */
  #cause = 'it ended';
  /** Settles when all sessions are proved, or cannot be. */
  readonly ready: Promise<InferenceReady>;
  /** Resolves with the cause once the thread is gone and all its jobs are rejected. Never rejects. */
  readonly ended: Promise<string>;

  constructor(deps: { createWorker: CreateWorker }, plan: InferencePlan) {
    const url = new URL('./inference-worker.js', import.meta.url);
    this.#worker = deps.createWorker(url, { workerData: plan, name: 'edgemux-inference' });
    let settle: { resolve(ready: InferenceReady): void; reject(error: Error): void };
    this.ready = new Promise((resolve, reject) => (settle = { resolve, reject }));
    this.ready.catch(() => undefined);
    this.#worker.on('message', (message: FromWorker) => {
      if (message.type === 'ready') settle.resolve(message.ready);
      else if (message.type === 'unable') settle.reject(fromWireError(message.error));
      else this.#settle(message);
    });
    this.#worker.on('error', (error) => (this.#cause = messageOf(error)));
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (exitCode) => {
        const cause = `${this.#cause} (exit code ${exitCode})`;
        const stopped = stoppedError(cause);
        settle.reject(stopped);
        for (const { reject } of this.#pending.values()) reject(stopped);
        this.#pending.clear();
        resolve(cause);
      });
    });
  }

  /** Jobs sent and not answered yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** @throws EdgemuxError INFERENCE_FAILED, INFERENCE_STOPPED */
  send<J extends InferenceJob>(job: J): Promise<OutcomeOf<J>> {
    const sequence = (this.#sequence += 1);
    const { pixels } = job;
    const given =
      job.kind !== 'decide' && job.handOver === true && pixels.byteLength === pixels.buffer.byteLength;
    return new Promise((resolve, reject) => {
      this.#pending.set(sequence, { resolve: (outcome) => resolve(outcome as OutcomeOf<J>), reject });
      // the system's clock and no other: the worker compares it with its own
      const message: ToWorker = { type: 'job', sequence, sentMs: systemClock.monotonicMs(), job };
      try {
        this.#worker.postMessage(message, given ? [pixels.buffer as ArrayBuffer] : []);
      } catch (cause) {
        this.#pending.delete(sequence);
        reject(
          new EdgemuxError('INFERENCE_FAILED', `the job cannot be sent: ${messageOf(cause)}`, { cause }),
        );
      }
    });
  }

  /** Lets the worker finish what it has been sent, for at most `drainMs`, then ends it. */
  async stop(drainMs: number): Promise<void> {
    const message: ToWorker = { type: 'stop' };
    this.#worker.postMessage(message);
    const timer = setTimeout(() => {
      this.#cause = `it was stopped with ${this.#pending.size} jobs unanswered`;
      void this.#worker.terminate();
    }, drainMs);
    await this.ended;
    clearTimeout(timer);
  }

  #settle(message: Extract<FromWorker, { sequence: number }>): void {
    const pending = this.#pending.get(message.sequence);
    this.#pending.delete(message.sequence);
    if (message.type === 'done') pending?.resolve(message.outcome);
    else pending?.reject(fromWireError(message.error));
  }
}

export function stoppedError(cause: string): EdgemuxError {
  return new EdgemuxError('INFERENCE_STOPPED', `the inference worker does not answer: ${cause}`);
}
