/** What the two sides of the inference worker say to each other: plain data, safe to clone between threads. */
import type { StageSpan } from '../../common/activity.js';
import { EdgemuxError, messageOf, type ErrorCode } from '../../common/errors.js';
import type { Provider } from '../config.js';
import type { Group, GroupPolicy } from '../rules/group.js';
import type { Needs } from '../zoo/manifest.js';
import type { NetworkInput } from '../zoo/input.js';
import type { Decision, DecisionReason } from '../rules/policy-rules.js';
import type { DevicePolicy } from '../rules/policy-settings.js';

/** One network to load. `id` of the mux is `MUX_ID`, that of the group's `GROUP_MUX_ID`. */
export interface SessionSpec {
  id: string;
  kind: 'model' | 'mux' | 'group-mux';
  /** Absolute path of the ONNX file. */
  path: string;
  /** What the file asks of ONNX Runtime; absent where its zoo does not say. */
  needs?: Needs | undefined;
  input: NetworkInput;
  /** Number of classes K. */
  classes: number;
  /** Multiply-accumulates of one image, for the load of simulated rails. */
  macs?: number;
  /** Number of models M that a group mux judges. */
  models?: number;
}

export { GROUP_MUX_ID, MUX_ID } from '../zoo/input.js';

/** Everything the worker needs to know, sent when it starts. */
export interface InferencePlan {
  specs: SessionSpec[];
  /** Id of the local model that `decide` runs, or null. */
  local: string | null;
  providers: readonly Provider[];
  requireProvider: boolean;
  deviceId: number;
  threads: number;
  warmupRuns: number;
  /** Batch sizes that are warmed up (CUDA tunes itself anew for each). */
  warmupBatches: readonly number[];
  board: SharedArrayBuffer | null;
}

/** What one worker is started with. */
export interface WorkerStart {
  plan: InferencePlan;
  /** Buffer of its RunLock. */
  lock: SharedArrayBuffer;
}

export interface ProviderAttempt {
  provider: Provider;
  ok: boolean;
  error?: string;
}

/** What really runs, once warm-up runs have proved it. */
export interface InferenceReady {
  provider: Provider;
  /** Version of the onnxruntime-node that is loaded. */
  runtime: string;
  attempts: ProviderAttempt[];
  /** Duration of the last warm-up run of one image, by model id (`MUX_ID` for the mux), in ms. */
  warmupMs: Record<string, number>;
  /** Duration of the very first run, in ms: on a GPU it holds the tuning. */
  firstRunMs: Record<string, number>;
}

/** One image: mux, rule and, where the frame may stay, local model in one hop. Both must take the same input. */
export interface DecideJob {
  kind: 'decide';
  /** uint8 HWC of that input; copied to the worker, so the caller keeps its own. */
  pixels: Uint8Array;
  policy: DevicePolicy;
  /** No server can be asked: the local model runs in the same hop even where the rule offloads, for the fallback. */
  alone?: boolean;
}

/** `count` images through one model. */
export interface ClassifyJob {
  kind: 'classify';
  model: string;
  /** count · H · W · C bytes. */
  pixels: Uint8Array;
  count: number;
  /** Give the buffer away instead of copying it; the caller's view is empty afterwards. */
  handOver?: boolean;
}

/** `count` images through the pair's mux. */
export interface MuxJob {
  kind: 'mux';
  pixels: Uint8Array;
  count: number;
  handOver?: boolean;
}

/** `count` images through the group's mux. */
export interface GroupMuxJob {
  kind: 'group-mux';
  pixels: Uint8Array;
  count: number;
  handOver?: boolean;
}

/** One image through the group's mux, its rule and the models that this asks for, which must all take the same input. */
export interface GroupJob {
  kind: 'group';
  pixels: Uint8Array;
  group: Group;
  policy: GroupPolicy;
}

/** On its way to the worker: as the job before it, which had the same group and policy. */
export type SameGroupJob = Omit<GroupJob, 'kind' | 'group' | 'policy'> & { kind: 'same-group' };

export type InferenceJob = DecideJob | ClassifyJob | MuxJob | GroupMuxJob | GroupJob;

export interface Timed {
  /** Wait from the call until the worker took the job, in ms. */
  queueMs: number;
  /** Stages on the monotonic clock, comparable across threads. */
  spans: StageSpan[];
}

export interface DecideOutcome extends Timed {
  kind: 'decide';
  /** null where the policy does not ask the mux. */
  muxScore: number | null;
  muxProbabilities: Float32Array | null;
  decision: Decision;
  reason: DecisionReason;
  /** K probabilities of the answer where the frame is kept; null where it is to be offloaded. */
  probabilities: Float32Array | null;
  /** K probabilities of the local model where it ran. */
  localProbabilities: Float32Array | null;
  /** What the device would answer if the server does not, where that is known without another run. */
  fallbackProbabilities: Float32Array | null;
  muxMs: number;
  localMs: number;
}

export interface ClassifyOutcome extends Timed {
  kind: 'classify';
  /** count × K, row by row. */
  probabilities: Float32Array;
  /** Duration of the run in ms. */
  ms: number;
}

export interface MuxOutcome extends Timed {
  kind: 'mux';
  /** count scores in [0, 1]. */
  scores: Float32Array;
  /** count × K, row by row. */
  probabilities: Float32Array;
  ms: number;
}

export interface GroupMuxOutcome extends Timed {
  kind: 'group-mux';
  /** count × M: p_i, that model i of the group is right. */
  correct: Float32Array;
  /** count × M: w_i of eq. 6. */
  weights: Float32Array;
  /** count × K, row by row. */
  probabilities: Float32Array;
  ms: number;
}

export interface GroupOutcome extends Timed {
  kind: 'group';
  /** K probabilities. */
  probabilities: Float32Array;
  /** Part of each model in the answer. */
  weights: Record<string, number>;
  /** Every model that ran, in order. */
  models: string[];
  /** Durations in ms of the mux's run, 0 without one, and of the models' together. */
  muxMs: number;
  ms: number;
}

export type InferenceOutcome = DecideOutcome | ClassifyOutcome | MuxOutcome | GroupMuxOutcome | GroupOutcome;
/** The outcome that belongs to a job. */
export type OutcomeOf<J extends InferenceJob> = Extract<InferenceOutcome, { kind: J['kind'] }>;

/** An EdgemuxError as plain data. */
export interface WireError {
  code: ErrorCode;
  message: string;
  details: Record<string, unknown>;
}

/** `stop`: finish what came before, then end. */
export type ToWorker =
  { type: 'job'; sequence: number; sentMs: number; job: InferenceJob | SameGroupJob } | { type: 'stop' };
export type FromWorker =
  | { type: 'ready'; ready: InferenceReady }
  | { type: 'unable'; error: WireError }
  | { type: 'done'; sequence: number; outcome: InferenceOutcome }
  | { type: 'failed'; sequence: number; error: WireError };

export function toWireError(error: unknown, fallback: ErrorCode): WireError {
  if (!(error instanceof EdgemuxError)) return { code: fallback, message: messageOf(error), details: {} };
  return { code: error.code, message: error.message, details: { ...error.details } };
}

export function fromWireError({ code, message, details }: WireError): EdgemuxError {
  return new EdgemuxError(code, message, { details });
}
