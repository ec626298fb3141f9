/**
 * Inference for the main thread: a worker that is started, supervised and stopped, and a queue of jobs to it.
 *
 * ONNX Runtime blocks the thread that calls `run()`, hence the worker. The binding is loaded on the main thread
 * too, though nothing runs there: otherwise the worker's exit unloads it and the next worker cannot register it.
 */
import { leaveStage, framesIn, openBoard } from '../../common/activity.js';
import { systemClock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import { decideInHops, type DevicePixels } from './hops.js';
import { inferencePlan, type InferenceOptions } from './inference-plan.js';
import { createWorker, InferenceLink, stoppedError, type CreateWorker } from './inference-link.js';
import type {
  ClassifyOutcome,
  DecideOutcome,
  InferenceJob,
  InferenceReady,
  OutcomeOf,
} from './inference-types.js';
import type { DevicePolicy } from '../rules/policy-settings.js';
import { livedMs, RestartBackoff, STABLE_MS, troubleOf, type Trouble } from './restart-backoff.js';
import { checkZooFiles } from '../zoo/zoo.js';

export * from './inference-types.js';
export type { DevicePixels } from './hops.js';
export type { InferenceOptions } from './inference-plan.js';

export interface RestartEvent {
  /** Restarts since `start()`. */
  restarts: number;
  /** Why the last worker ended. */
  cause: string;
  ready: InferenceReady;
}

export interface InferenceDeps {
  log?: Log;
  createWorker?: CreateWorker;
  /** Called when a worker that died has been replaced; the provider may be another one now. */
  onRestart?: (event: RestartEvent) => void;
}

const DEFAULTS = { drainMs: 5000, restart: { firstMs: 200, longestMs: 10_000 } };

export class Inference {
  readonly #deps: InferenceDeps;
  readonly #options: InferenceOptions;
  #started: Promise<InferenceReady> | null = null;
  /** The worker that answers; null while there is none that is proved. */
  #link: InferenceLink | null = null;
  /** The worker that was started last, ready or not. */
  #newest: InferenceLink | null = null;
  #running = false;
  #backoff: RestartBackoff;
  #readyMs = 0;
  #trouble: string | null = null;
  #restarts = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(deps: InferenceDeps, options: InferenceOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#backoff = new RestartBackoff(options.restart ?? DEFAULTS.restart);
  }

  /**
   * Starts the worker and waits until its models have run.
   *
   * @throws EdgemuxError PROVIDER_UNAVAILABLE, MODEL_UNUSABLE, INFERENCE_STOPPED (stopped meanwhile)
   */
  start(): Promise<InferenceReady> {
    this.#started ??= this.#begin();
    return this.#started;
  }

  /** Finishes what is queued within `drainMs`, rejects the rest (INFERENCE_STOPPED) and ends the worker. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#started = null;
    this.#link = null;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#newest?.stop(this.#options.drainMs ?? DEFAULTS.drainMs);
  }

  /** What is wrong with the worker: `down` while none answers; null where it runs and has not died lately. */
  get trouble(): Trouble | null {
    if (this.#trouble === null || (this.#link !== null && livedMs(this.#readyMs) >= STABLE_MS)) return null;
    return troubleOf(this.#link === null, this.#backoff.deaths, this.#trouble);
  }

  /** Jobs handed in and not answered yet. */
  get pending(): number {
    return this.#newest?.pending ?? 0;
  }

  /**
   * One job, first in first out.
   *
   * @throws EdgemuxError INFERENCE_FAILED (this job only), INFERENCE_STOPPED (no worker, or it died)
   */
  async infer<J extends InferenceJob>(job: J): Promise<OutcomeOf<J>> {
    if (!this.#link) throw stoppedError('it is not running');
    return this.#link.send(job);
  }

  /**
   * Mux, rule and, where the frame may stay, the local model: see `DecideJob`.
   *
   * @param pixels of the input that both take, or made for each when the rule asks for it
   * @throws EdgemuxError INFERENCE_FAILED, INFERENCE_STOPPED, and what making the pixels throws
   */
  async decide(
    pixels: Uint8Array | DevicePixels,
    policy: DevicePolicy,
    alone = false,
  ): Promise<DecideOutcome> {
    if (pixels instanceof Uint8Array) return this.infer({ kind: 'decide', pixels, policy, alone });
    const local = this.#options.zoo.local?.id ?? null;
    return decideInHops((job) => this.infer(job), local, pixels, policy, alone);
  }

  /** `count` images through one model: see `ClassifyJob`. */
  classify(model: string, pixels: Uint8Array, count = 1): Promise<ClassifyOutcome> {
    return this.infer({ kind: 'classify', model, pixels, count });
  }

  async #begin(): Promise<InferenceReady> {
    process.env['ORT_DISABLE_TELEMETRY'] = '1'; // read by the native library when it is loaded
    this.#running = true;
    this.#restarts = 0;
    try {
      await import('./runtime.js');
      return await this.#spawn();
    } catch (error) {
      this.#running = false;
      this.#started = null;
      throw error;
    }
  }

  /** A fresh worker, supervised once it is ready. */
  async #spawn(): Promise<InferenceReady> {
    if (!this.#running) throw stoppedError('it was stopped');
    const { createWorker: create = createWorker } = this.#deps;
    const { runTimeoutS } = this.#options;
    const limitMs = runTimeoutS === undefined ? null : 1000 * runTimeoutS;
    const link = new InferenceLink({ createWorker: create }, inferencePlan(this.#options), limitMs);
    this.#newest = link;
    const ready = await link.start();
    if (!this.#running) throw stoppedError('it was stopped while it started');
    this.#link = link;
    this.#readyMs = systemClock.monotonicMs();
    for (const { provider, error } of ready.attempts.filter((attempt) => !attempt.ok)) {
      this.#deps.log?.warn({ provider, error }, 'execution provider does not work here');
    }
    void link.ended.then((cause) => this.#ended(link, cause));
    return ready;
  }

  /** As `#spawn`, from the very files that were proved at the start: another model must not slip in. */
  async #respawn(): Promise<InferenceReady> {
    const { zoo } = this.#options;
    await checkZooFiles(
      zoo,
      inferencePlan(this.#options).specs.map(({ path }) => path),
    );
    return this.#spawn();
  }

  #ended(link: InferenceLink, cause: string): void {
    if (!this.#running || this.#link !== link) return;
    this.#link = null;
    this.#clearBoard();
    this.#trouble = cause;
    const retryMs = this.#backoff.pauseMs(livedMs(this.#readyMs), link.hung);
    this.#deps.log?.error({ cause, retryMs }, link.hung ? 'inference worker hangs' : 'inference worker died');
    this.#restartAfter(retryMs, cause);
  }

  #restartAfter(pauseMs: number, cause: string): void {
    this.#timer = setTimeout(() => {
      this.#restarts += 1;
      this.#respawn().then(
        (ready) => {
          this.#deps.log?.info(
            { provider: ready.provider, restarts: this.#restarts },
            'inference worker restarted',
          );
          this.#deps.onRestart?.({ restarts: this.#restarts, cause, ready });
        },
        (error: unknown) => {
          if (!this.#running) return;
          this.#deps.log?.error({ cause: messageOf(error) }, 'inference worker cannot be restarted');
          this.#trouble = `${cause}; ${messageOf(error)}`;
          this.#restartAfter(this.#backoff.pauseMs(0, false), cause);
        },
      );
    }, pauseMs);
  }

  /** A worker that died inside a run never counted itself out. */
  #clearBoard(): void {
    if (!this.#options.board) return;
    const board = openBoard(this.#options.board);
    for (const stage of ['mux', 'local'] as const)
      while (framesIn(board, stage) > 0) leaveStage(board, stage);
  }
}
