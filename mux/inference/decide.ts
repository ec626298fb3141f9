/** One frame inside the inference worker: mux, rule, local model where the frame may stay. */
import { enterStage, leaveStage, postWork, type Stage, type StageSpan } from '../../common/activity.js';
import type { Clock } from '../../common/clock.js';
import { EdgemuxError } from '../../common/errors.js';
import type { DecideOutcome } from './inference-types.js';
// only types of policy-settings.js: its schemas would double the start-up time of the worker
import { needsMux } from '../rules/policies/needs.js';
import { afterLocal, beforeLocal, type MuxReading } from '../rules/policy-rules.js';
import type { DevicePolicy } from '../rules/policy-settings.js';
import { allFinite } from '../rules/probabilities.js';
import type { Outputs, Session } from './runtime.js';

export interface DecideDeps {
  clock: Clock;
  mux: Session | null;
  local: Session | null;
  board: Int32Array<SharedArrayBuffer> | null;
}

type Decided = Omit<DecideOutcome, 'queueMs'>;

/** What the rule said of a frame, and what was computed for it. */
export type Choice = Omit<Decided, 'kind' | 'spans' | 'muxMs' | 'localMs'>;

/** The two networks of a device, each of which looks at the same picture when it is asked. */
export interface Networks {
  mux: () => Promise<MuxReading & { probabilities: Float32Array }>;
  /** K probabilities. */
  local: () => Promise<Float32Array>;
}

/**
 * Follows a device's policy: asks the networks that it needs and no other.
 *
 * @param alone runs the local model even where the rule offloads at once: no server can be asked
 */
export async function follow(networks: Networks, policy: DevicePolicy, alone: boolean): Promise<Choice> {
  const mux = needsMux(policy) ? await networks.mux() : null;
  const nothing = { probabilities: null, localProbabilities: null, fallbackProbabilities: null };
  const seen = { ...nothing, muxScore: mux?.score ?? null, muxProbabilities: mux?.probabilities ?? null };
  const before = beforeLocal(policy, mux);
  if (before.step === 'answer' && mux) {
    return { ...seen, decision: 'mux', reason: before.reason, probabilities: mux.probabilities };
  }
  if (before.step === 'offload' && !alone) return { ...seen, decision: 'offload', reason: before.reason };
  const local = await networks.local();
  const after = afterLocal(policy, mux, local, before);
  const fused = asFloats(after.probabilities);
  const { decision, reason } = before.step === 'offload' ? offloaded(before.reason) : after;
  return {
    ...seen,
    decision,
    reason,
    probabilities: decision === 'local' ? fused : null,
    localProbabilities: local,
    fallbackProbabilities: fused,
  };
}

/**
 * Decides one frame and answers it where it may stay.
 *
 * @param pixels uint8 HWC of the input that mux and local model share
 * @param alone see `follow`
 * @throws EdgemuxError INFERENCE_FAILED: a run failed, gave NaN or infinity, or the policy needs what is not loaded
 */
export async function decide(
  deps: DecideDeps,
  pixels: Uint8Array,
  policy: DevicePolicy,
  alone = false,
): Promise<Decided> {
  const spans: StageSpan[] = [];
  const networks: Networks = {
    mux: async () => {
      const { score, probabilities } = await timedRun(deps, 'mux', pixels, 1, spans);
      return { score: score?.[0] ?? Number.NaN, probabilities };
    },
    local: async () => (await timedRun(deps, 'local', pixels, 1, spans)).probabilities,
  };
  return decided(await follow(networks, policy, alone), spans);
}

function offloaded(reason: DecideOutcome['reason']): Pick<DecideOutcome, 'decision' | 'reason'> {
  return { decision: 'offload', reason };
}

/** A choice with the durations of its runs. */
export function decided(choice: Choice, spans: StageSpan[]): Decided {
  const [muxMs, localMs] = [durationMs(spans, 'mux'), durationMs(spans, 'local')];
  return { kind: 'decide', ...choice, muxMs, localMs, spans };
}

/**
 * Runs the mux or a model, counted on the activity board, its span kept, its outputs checked.
 *
 * @param stage `mux`, or `local` for any model of this machine
 * @throws EdgemuxError INFERENCE_FAILED
 */
export async function timedRun(
  deps: DecideDeps,
  stage: Extract<Stage, 'mux' | 'local'>,
  pixels: Uint8Array,
  count: number,
  spans: StageSpan[],
): Promise<Outputs> {
  const session = deps[stage];
  if (!session)
    throw new EdgemuxError('INFERENCE_FAILED', `no ${stage} network is loaded, and the job needs it`);
  const { board, clock } = deps;
  if (board) enterStage(board, stage);
  const startMs = clock.monotonicMs();
  if (board) postWork(board, { kind: 'macs', amount: (session.spec.macs ?? 0) * count, atMs: startMs });
  try {
    const outputs = await session.run(pixels, count);
    if (Object.values(outputs).every((values: Float32Array | null) => values === null || allFinite(values)))
      return outputs;
    throw new EdgemuxError('INFERENCE_FAILED', `${session.spec.id} computed NaN or infinity for this input`);
  } finally {
    spans.push({ stage, startMs, endMs: clock.monotonicMs() });
    if (board) leaveStage(board, stage);
  }
}

/** Sum of the spans of a stage in ms. */
export function durationMs(spans: readonly StageSpan[], stage: Stage): number {
  return spans.reduce((sum, span) => (span.stage === stage ? sum + span.endMs - span.startMs : sum), 0);
}

function asFloats(vector: ArrayLike<number>): Float32Array {
  return vector instanceof Float32Array ? vector : Float32Array.from(vector);
}
