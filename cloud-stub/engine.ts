import type { Clock } from '../common/clock.js';
import type { Log } from '../common/log.js';
import type { InferenceConfig } from '../mux/config.js';
import {
  needsGroupMux,
  nextStep,
  type Group,
  type GroupPolicy,
  type GroupReading,
} from '../mux/rules/group.js';
import { groupOf } from '../mux/rules/group-settings.js';
import { Inference, type InferenceReady } from '../mux/inference/inference.js';
import type { Vector } from '../mux/rules/probabilities.js';
import type { Zoo } from '../mux/zoo/zoo.js';
import { anySize, type BatchRule } from './batch-rule.js';
import { Batcher, MUX, type Row } from './batcher.js';

export interface EngineDeps {
  log: Log;
  clock: Clock;
  onBatch: (network: string, count: number, runMs: number) => void;
}

export interface EngineOptions {
  zoo: Zoo;
  inference: InferenceConfig;
  batching: BatchRule;
}

/** What the models of a group say about one image. */
export interface Verdict {
  probabilities: Vector;
  /** Part of each model in the answer. */
  weights: Record<string, number>;
  /** Every model that ran. */
  models: string[];
  /** Durations in ms: of the mux's run, of the models' runs together, and of all waiting in between. */
  muxMs: number;
  inferenceMs: number;
  waitMs: number;
  /** Images in the last model's run. */
  batchSize: number;
}

/** One zoo, loaded and warm: answers images by a policy, in batches with whatever else waits for the same model. */
export class Engine {
  readonly zoo: Zoo;
  readonly group: Group;
  readonly #clock: Clock;
  readonly #onBatch: EngineDeps['onBatch'];
  readonly #inference: Inference;
  readonly #batcher: Batcher;
  readonly #rule: BatchRule;
  /** Sizes that have been warmed up. */
  readonly #sizes: readonly number[];
  #ready: InferenceReady | null = null;
  #users = 0;
  #unused: (() => void) | null = null;

  constructor({ log, clock, onBatch }: EngineDeps, { zoo, inference, batching }: EngineOptions) {
    this.zoo = zoo;
    this.group = groupOf(zoo);
    this.#clock = clock;
    this.#onBatch = onBatch;
    this.#inference = new Inference(
      { log, onRestart: ({ ready }) => this.#isReady(ready) },
      {
        ...inference,
        zoo,
        models: this.group.ids,
        mux: null,
        groupMux: zoo.manifest.mux?.group !== undefined,
        warmupBatches: batching.sizes,
      },
    );
    this.#sizes = batching.sizes;
    this.#rule = { ...batching };
    this.#batcher = new Batcher({ clock, infer: (job) => this.#inference.infer(job), onBatch }, this.#rule);
  }

  /** Execution provider in use. */
  get provider(): string {
    return this.#ready?.provider ?? 'none';
  }

  /** Loads and proves all networks. @throws EdgemuxError PROVIDER_UNAVAILABLE, MODEL_UNUSABLE, INFERENCE_STOPPED */
  async start(): Promise<void> {
    this.#isReady(await this.#inference.start());
  }

  /** Runs `work` while this engine stays: `retire` waits for it. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      return await work();
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#unused?.();
    }
  }

  /** Waits until nobody uses it, then releases everything. */
  async retire(): Promise<void> {
    if (this.#users > 0) await new Promise<void>((resolve) => (this.#unused = resolve));
    await this.stop();
  }

  async stop(): Promise<void> {
    this.#batcher.stop();
    await this.#inference.stop();
  }

  /**
   * One image by the policy; null where `expiresMs` (monotonic clock) passed before a network that it needs could run.
   *
   * @param pixels uint8 HWC of the zoo's input
   * @throws EdgemuxError INFERENCE_FAILED, INFERENCE_STOPPED
   */
  async answer(pixels: Uint8Array, policy: GroupPolicy, expiresMs: number): Promise<Verdict | null> {
    const startedMs = this.#clock.monotonicMs();
    if (startedMs > expiresMs) return null;
    const lone = this.#batcher.idle && this.#rule.delayMs === 0;
    if (lone || this.#rule.sizes.at(-1) === 1) return this.#alone(pixels, policy, startedMs, expiresMs);
    const run = (network: string): Promise<Row | null> => this.#batcher.run(network, pixels, expiresMs);
    const mux = needsGroupMux(policy) ? await run(MUX) : null;
    if (!mux && needsGroupMux(policy)) return null;
    const outputs = new Map<string, Vector>();
    let inferenceMs = 0;
    let batchSize = 1;
    let step = nextStep(this.group, policy, readingOf(mux), outputs);
    while (step.kind === 'run') {
      const { models } = step;
      const rows = await Promise.all(models.map(run));
      for (const [i, row] of rows.entries()) {
        if (!row) return null;
        outputs.set(models[i] ?? '', row.probabilities);
        inferenceMs += row.runMs;
        batchSize = row.batchSize;
      }
      step = nextStep(this.group, policy, readingOf(mux), outputs);
    }
    const muxMs = mux?.runMs ?? 0;
    const waitMs = Math.max(0, this.#clock.monotonicMs() - startedMs - muxMs - inferenceMs);
    const weights = Object.fromEntries(step.weights);
    return {
      probabilities: step.probabilities,
      weights,
      models: [...outputs.keys()],
      muxMs,
      inferenceMs,
      waitMs,
      batchSize,
    };
  }

  /** Where nobody is there to share a run with, or nobody is to, one hop to the worker does all. */
  async #alone(
    pixels: Uint8Array,
    policy: GroupPolicy,
    startedMs: number,
    expiresMs: number,
  ): Promise<Verdict | null> {
    const { group } = this;
    const job = { kind: 'group', pixels, group, policy } as const;
    const outcome = await this.#batcher.alone(() => this.#inference.infer(job), expiresMs);
    if (!outcome) return null;
    const { models, ms: inferenceMs, muxMs, probabilities, weights } = outcome;
    if (muxMs > 0) this.#onBatch(MUX, 1, muxMs);
    for (const model of models) this.#onBatch(model, 1, inferenceMs / models.length);
    const waitMs = Math.max(0, this.#clock.monotonicMs() - startedMs - muxMs - inferenceMs);
    return { probabilities, weights, models, muxMs, inferenceMs, waitMs, batchSize: 1 };
  }

  #isReady(ready: InferenceReady): void {
    this.#ready = ready;
    this.#rule.sizes = ready.provider === 'cpu' ? anySize(this.#sizes) : this.#sizes;
  }
}

function readingOf(mux: Row | null): GroupReading | null {
  return mux?.correct && mux.weights ? { correct: mux.correct, weights: mux.weights } : null;
}
