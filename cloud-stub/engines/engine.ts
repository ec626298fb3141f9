/**
 * What the server asks of an inference engine, wherever its networks run: in a thread of this program, or behind a
 * protocol on another machine. Batches, policies, deadlines of requests and reloads are not its business.
 */
import type { Log } from '../../common/log.js';
import type { InferenceConfig } from '../../mux/config.js';
import type { Group, GroupPolicy } from '../../mux/rules/group.js';
import type { Zoo } from '../../mux/zoo/zoo.js';

/** What an engine found out about itself by running its networks. */
export interface EngineFacts {
  /** What really computes, for status and log: an execution provider, or a name for what is behind a protocol. */
  provider: string;
  /** Whether a batch of any size up to the largest costs no tuning; else only the sizes that were warmed up are run. */
  anyBatchSize: boolean;
  /** Duration of the last warm-up run of one image in ms, by network; empty where none was made. */
  warmupMs: Record<string, number>;
}

/** Images for one network, side by side. */
export interface EngineBatch {
  /** Id of a model of the zoo, or `GROUP_MUX_ID`. */
  network: string;
  /** count · H · W · C bytes of the network's input; the engine may give the buffer away. */
  pixels: Uint8Array;
  count: number;
  /** On the monotonic clock, in ms: after this nobody waits for any of them. */
  expiresMs: number;
}

export interface EngineOutput {
  /** count × K, row by row. */
  probabilities: Float32Array;
  /** Of the group's mux only, count × M: that model i of the group is right, and its weight; else null. */
  correct: Float32Array | null;
  weights: Float32Array | null;
  /** Wait before the run and duration of the run in ms. */
  queueMs: number;
  runMs: number;
}

/** What the whole of a group says about one image. */
export interface GroupOutput {
  /** K probabilities. */
  probabilities: Float32Array;
  /** Part of each model in the answer. */
  weights: Record<string, number>;
  /** Every model that ran, in order. */
  models: string[];
  /** Durations in ms of the mux's run, 0 without one, and of the models' together. */
  muxMs: number;
  runMs: number;
}

/** The networks of one zoo, which one engine runs. */
export interface Engine {
  /**
   * Loads, or finds, all networks and proves them.
   * @throws EdgemuxError PROVIDER_UNAVAILABLE, MODEL_UNUSABLE, INFERENCE_STOPPED (stopped meanwhile)
   */
  start(): Promise<EngineFacts>;

  /** Ends what is in work in a short time, then releases everything. Safe before `start` and to call twice. */
  stop(): Promise<void>;

  /**
   * One batch through one network; null where its time was over before it could run.
   * @throws EdgemuxError INFERENCE_FAILED (this batch only), INFERENCE_STOPPED
   */
  infer(batch: EngineBatch): Promise<EngineOutput | null>;

  /**
   * One image by the group's rule in one hop, where all networks take the same input. Absent where the engine cannot follow the rule by itself: the server
   * then asks it one network after the other.
   * @throws EdgemuxError INFERENCE_FAILED (this image only), INFERENCE_STOPPED
   */
  readonly inferGroup?: (pixels: Uint8Array, group: Group, policy: GroupPolicy) => Promise<GroupOutput>;
}

export interface EngineDeps {
  log: Log;
  /** Told when an engine that came back by itself found other facts than at its start. */
  onFacts: (facts: EngineFacts) => void;
}

export interface EngineOptions {
  zoo: Zoo;
  /** Ids of the models to run. */
  models: readonly string[];
  inference: InferenceConfig;
  /** Sizes that a batch may have, rising. */
  batchSizes: readonly number[];
}

/** Makes an engine; nothing runs before `start`. */
export type CreateEngine = (deps: EngineDeps, options: EngineOptions) => Engine;
