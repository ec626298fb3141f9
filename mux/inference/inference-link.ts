/** One life of the inference worker, seen from the main thread: jobs out, outcomes back, and its end. */
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { systemClock } from '../../common/clock.js';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import {
  fromWireError,
  type FromWorker,
  type GroupJob,
  type InferenceJob,
  type InferenceOutcome,
  type InferencePlan,
  type InferenceReady,
  type OutcomeOf,
  type SameGroupJob,
  type ToWorker,
  type WorkerStart,
} from './inference-types.js';
import { RunDeadline } from './run-deadline.js';
import { RunLock } from './run-lock.js';

export type CreateWorker = (url: URL, options: WorkerOptions) => Worker;
export const createWorker: CreateWorker = (url, options) => new Worker(url, options);

/** How long a run may still take once everything behind it is refused, in ms. */
const GRACE_MS = 5000;
const STOP: ToWorker = { type: 'stop' };

interface Pending {
  resolve(outcome: InferenceOutcome): void;
  reject(error: Error): void;
}

export class InferenceLink {
  readonly #deps: { createWorker: CreateWorker };
  readonly #plan: InferencePlan;
  readonly #lock = new RunLock();
  readonly #pending = new Map<number, Pending>();
  readonly #deadline: RunDeadline;
  /** The thread is inside native code that does not come back. */
  hung = false;
  #worker: Worker | null = null;
  #sequence = 0;
  /** Of the last group job, as the worker knows it. */
  #rule: Pick<GroupJob, 'group' | 'policy'> | null = null;
  /** Why the worker died, as far as it said. */
  #cause = 'it ended';
  #end: (cause: string) => void = () => undefined;
  /** Resolves with the cause once the thread is gone, or hangs, and all its jobs are rejected. Never rejects. */
  readonly ended = new Promise<string>((resolve) => (this.#end = resolve));

  /** @param runTimeoutMs a run that has not come back after so long hangs; null: never */
  constructor(deps: { createWorker: CreateWorker }, plan: InferencePlan, runTimeoutMs: number | null = null) {
    this.#deps = deps;
    this.#plan = plan;
    this.#deadline = new RunDeadline(runTimeoutMs, () =>
      this.#leaveBehind(`a run has not come back for ${runTimeoutMs} ms`),
    );
  }

  /**
   * Starts the thread, once; resolves when all sessions are proved.
   *
   * @throws EdgemuxError PROVIDER_UNAVAILABLE, MODEL_UNUSABLE, INFERENCE_STOPPED
   */
  start(): Promise<InferenceReady> {
    const start: WorkerStart = { plan: this.#plan, lock: this.#lock.buffer };
    const worker = this.#deps.createWorker(new URL('./inference-worker.js', import.meta.url), {
      workerData: start,
      name: 'edgemux-inference',
      execArgv: [], // none of the program's own loaders or inspectors
    });
    this.#worker = worker;
    process.once('exit', this.#beforeExit);
    worker.on('error', (error) => (this.#cause = messageOf(error)));
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') resolve(message.ready);
        else if (message.type === 'unable') reject(fromWireError(message.error));
        else this.#settle(message);
      });
      worker.once('exit', (exitCode) => {
        process.off('exit', this.#beforeExit);
        const cause = `${this.#cause} (exit code ${exitCode})`;
        reject(stoppedError(cause));
        this.#rejectAll(stoppedError(cause));
        this.#end(cause);
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
    return new Promise((resolve, reject) => {
      this.#pending.set(sequence, { resolve: (outcome) => resolve(outcome as OutcomeOf<J>), reject });
      if (this.#pending.size === 1) this.#deadline.restart();
      try {
        this.#post(sequence, job);
      } catch (cause) {
        this.#pending.delete(sequence);
        reject(
          new EdgemuxError('INFERENCE_FAILED', `the job cannot be sent: ${messageOf(cause)}`, { cause }),
        );
      }
    });
  }

  /**
   * Sends a copy of the pixels, or the pixels themselves where the job gives them away. Never a view as it is: of a
   * view the whole buffer behind it would be copied, of one test image all 10,000.
   */
  #post(sequence: number, job: InferenceJob): void {
    const post = (sent: InferenceJob | SameGroupJob): void => {
      // the system's clock and no other: the worker compares it with its own
      const message: ToWorker = { type: 'job', sequence, sentMs: systemClock.monotonicMs(), job: sent };
      this.#worker?.postMessage(message, [sent.pixels.buffer as ArrayBuffer]);
    };
    const { pixels } = job;
    if ('handOver' in job && job.handOver === true && pixels.byteLength === pixels.buffer.byteLength) {
      try {
        post(job);
        return;
      } catch {
        // memory of a native library, such as sharp's, cannot change hands
      }
    }
    post({ ...this.#abridged(job), pixels: new Uint8Array(pixels) });
  }

  /** Group and policy seldom change: the worker remembers them, and to clone them anew costs as much as the pixels. */
  #abridged(job: InferenceJob): InferenceJob | SameGroupJob {
    if (job.kind !== 'group') return job;
    const { group, pixels, policy } = job;
    if (this.#rule?.group === group && this.#rule.policy === policy) return { kind: 'same-group', pixels };
    this.#rule = { group, policy };
    return job;
  }

  /**
   * Lets the worker finish what it has been sent for at most `drainMs`, then refuses the rest. The thread ends by
   * itself: see RunLock. A run that hangs is left behind.
   */
  async stop(drainMs: number): Promise<void> {
    if (this.hung) return;
    this.#worker?.postMessage(STOP);
    if (await this.#endsWithin(drainMs)) return;
    this.#lock.close();
    if (await this.#endsWithin(GRACE_MS)) return;
    this.#leaveBehind('a run hangs');
  }

  /** The process is about to end its threads, whatever they do. */
  readonly #beforeExit = (): void => {
    this.#lock.close();
    if (this.#lock.waitUntilIdle(this.hung ? 0 : GRACE_MS)) return;
    process.kill(process.pid, 'SIGKILL'); // its end would wait for this thread, for ever
  };

  /** No thread can be ended inside native code: this one is left to itself, and ends if it ever comes back. */
  #leaveBehind(cause: string): void {
    this.hung = true;
    this.#lock.close();
    this.#worker?.postMessage(STOP);
    this.#worker?.unref();
    this.#rejectAll(stoppedError(cause));
    this.#end(cause);
  }

  async #endsWithin(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)));
    const ended = await Promise.race([this.ended.then(() => true), late]);
    clearTimeout(timer);
    return ended;
  }

  #rejectAll(error: Error): void {
    this.#deadline.stop();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #settle(message: Extract<FromWorker, { sequence: number }>): void {
    const pending = this.#pending.get(message.sequence);
    this.#pending.delete(message.sequence);
    if (this.#pending.size > 0) this.#deadline.restart();
    else this.#deadline.stop();
    if (message.type === 'done') pending?.resolve(message.outcome);
    else pending?.reject(fromWireError(message.error));
  }
}

export function stoppedError(cause: string): EdgemuxError {
  return new EdgemuxError('INFERENCE_STOPPED', `the inference worker does not answer: ${cause}`);
}
