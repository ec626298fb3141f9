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
import { GROUP_MUX_ID } from '../mux/inference/inference-types.js';
import type { Vector } from '../mux/rules/probabilities.js';
import type { NetworkInput } from '../mux/zoo/input.js';
import { serverInputs } from '../mux/zoo/upload.js';
import type { Views } from '../mux/zoo/views.js';
import type { Zoo } from '../mux/zoo/zoo.js';
import { anySize, type BatchRule } from './batch-rule.js';
import { Batcher, type Row } from './batcher.js';
import type { CreateEngine, Engine, EngineFacts } from './engines/engine.js';

export interface LoadedGroupDeps {
  log: Log;
  clock: Clock;
  /** Told of every run: the network, its images, its duration in ms. */
  onBatch: (network: string, count: number, runMs: number) => void;
  createEngine: CreateEngine;
}

export interface LoadedGroupOptions {
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

/** One image, and what it is answered by. */
interface Asked {
  views: Views;
  policy: GroupPolicy;
  startedMs: number;
  expiresMs: number;
}

/** The group of one zoo, loaded and warm: answers images by a policy, in batches with whatever else waits for the same model. */
export class LoadedGroup {
  readonly zoo: Zoo;
  /** What its networks take, each kind once. */
  readonly inputs: readonly NetworkInput[];
  readonly #group: Group;
  readonly #clock: Clock;
  readonly #onBatch: LoadedGroupDeps['onBatch'];
  readonly #engine: Engine;
  readonly #batcher: Batcher;
  readonly #rule: BatchRule;
  /** Sizes that have been warmed up. */
  readonly #sizes: readonly number[];
  #facts: EngineFacts | null = null;
  #users = 0;
  #unused: (() => void) | null = null;

  constructor(deps: LoadedGroupDeps, { zoo, inference, batching }: LoadedGroupOptions) {
    const { clock, log, onBatch } = deps;
    this.zoo = zoo;
    this.inputs = serverInputs(zoo);
    this.#group = groupOf(zoo);
    this.#clock = clock;
    this.#onBatch = onBatch;
    this.#sizes = batching.sizes;
    this.#engine = deps.createEngine(
      { log, onFacts: (facts) => this.#learn(facts) },
      { zoo, models: this.#group.ids, inference, batchSizes: batching.sizes },
    );
    this.#rule = { ...batching };
    this.#batcher = new Batcher({ clock, infer: (batch) => this.#engine.infer(batch), onBatch }, this.#rule);
  }

  /** Ids of the models, as the group's rule numbers them. */
  get models(): readonly string[] {
    return this.#group.ids;
  }

  /** What really computes. */
  get provider(): string {
    return this.#facts?.provider ?? 'none';
  }

  /** Loads and proves all networks. @throws EdgemuxError PROVIDER_UNAVAILABLE, MODEL_UNUSABLE, INFERENCE_STOPPED */
  async start(): Promise<void> {
    this.#learn(await this.#engine.start());
  }

  /** Runs `work` while this group stays: `retire` waits for it. */
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
    await this.#engine.stop();
  }

  /**
   * One image by the policy; null where `expiresMs` (monotonic clock) passed before a network that it needs could run.
   *
   * @param views the picture: what a network sees of it is made when the policy asks that network
   * @throws EdgemuxError INFERENCE_FAILED, INFERENCE_STOPPED, IMAGE_UNDECODABLE
   */
  async answer(views: Views, policy: GroupPolicy, expiresMs: number): Promise<Verdict | null> {
    const [input, ...others] = this.inputs;
    const pixels = input && others.length === 0 ? await views.as(input) : null;
    const startedMs = this.#clock.monotonicMs();
    if (startedMs > expiresMs) return null;
    const asked = { views, policy, startedMs, expiresMs };
    const lone = this.#batcher.idle && this.#rule.delayMs === 0;
    if (pixels && this.#engine.inferGroup && (lone || this.#rule.sizes.at(-1) === 1)) {
      return this.#alone(asked, pixels, this.#engine.inferGroup);
    }
    return this.#inSteps(asked);
  }

  /** One network after the other, each in a batch with what else waits for it. */
  async #inSteps({ views, policy, startedMs, expiresMs }: Asked): Promise<Verdict | null> {
    const preparedMs = views.spentMs;
    const run = async (network: string): Promise<Row | null> =>
      this.#batcher.run(network, await views.as(this.zoo.inputOf(network)), expiresMs);
    const mux = needsGroupMux(policy) ? await run(GROUP_MUX_ID) : null;
    if (!mux && needsGroupMux(policy)) return null;
    const outputs = new Map<string, Vector>();
    let inferenceMs = 0;
    let batchSize = 1;
    let step = nextStep(this.#group, policy, readingOf(mux), outputs);
    while (step.kind === 'run') {
      const { models } = step;
      const rows = await Promise.all(models.map(run));
      for (const [i, row] of rows.entries()) {
        if (!row) return null;
        outputs.set(models[i] ?? '', row.probabilities);
        inferenceMs += row.runMs;
        batchSize = row.batchSize;
      }
      step = nextStep(this.#group, policy, readingOf(mux), outputs);
    }
    const muxMs = mux?.runMs ?? 0;
    const workMs = muxMs + inferenceMs + views.spentMs - preparedMs;
    const waitMs = Math.max(0, this.#clock.monotonicMs() - startedMs - workMs);
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

  /** Where nobody is there to share a run with, or nobody is to, one hop does all that looks at the same pixels. */
  async #alone(
    { policy, startedMs, expiresMs }: Asked,
    pixels: Uint8Array,
    inferGroup: NonNullable<Engine['inferGroup']>,
  ): Promise<Verdict | null> {
    const hop = () => inferGroup.call(this.#engine, pixels, this.#group, policy);
    const outcome = await this.#batcher.alone(hop, expiresMs);
    if (!outcome) return null;
    const { models, muxMs, probabilities, runMs: inferenceMs, weights } = outcome;
    if (muxMs > 0) this.#onBatch(GROUP_MUX_ID, 1, muxMs);
    for (const model of models) this.#onBatch(model, 1, inferenceMs / models.length);
    const waitMs = Math.max(0, this.#clock.monotonicMs() - startedMs - muxMs - inferenceMs);
    return { probabilities, weights, models, muxMs, inferenceMs, waitMs, batchSize: 1 };
  }

  #learn(facts: EngineFacts): void {
    this.#facts = facts;
    this.#rule.sizes = facts.anyBatchSize ? anySize(this.#sizes) : this.#sizes;
  }
}

function readingOf(mux: Row | null): GroupReading | null {
  return mux?.correct && mux.weights ? { correct: mux.correct, weights: mux.weights } : null;
}
