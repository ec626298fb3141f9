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

/** How long a single run may still take once everything behind it is refused, in ms. */
const LEAST_GRACE_MS = 2000;

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
    this.#worker = deps.createWorker(url, {
      workerData: plan,
      name: 'edgemux-inference',
      execArgv: [], // none of the program's own loaders or inspectors
    });
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
        this.#rejectAll(stopped);
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

  /**
   * Lets the worker finish what it has been sent for at most `drainMs`, then refuses the rest.
   *
   * The thread ends by itself: `terminate()` inside a run aborts the whole process, since the native call then
   * returns into a dead JavaScript. A run that hangs is left behind after another `drainMs`.
   */
  async stop(drainMs: number): Promise<void> {
    this.#post({ type: 'stop' });
    if (await this.#endsWithin(drainMs)) return;
    this.#post({ type: 'abort' });
    if (await this.#endsWithin(Math.max(drainMs, LEAST_GRACE_MS))) return;
    this.#rejectAll(stoppedError('a run hangs'));
    this.#worker.unref();
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  async #endsWithin(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)));
    const ended = await Promise.race([this.ended.then(() => true), late]);
    clearTimeout(timer);
    return ended;
  }

  #rejectAll(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
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
