/**
 * The device's rule: who answers a frame. Pure; runs inside the inference worker, between the runs of the two
 * networks, and in the evaluation.
 *
 * It has two phases because the networks cost something: `beforeLocal` decides on the mux alone, `afterLocal`
 * only where the local model has run.
 *
 * | mode        | kept as                            | reason      | offloaded when              | reason     |
 * |-------------|------------------------------------|-------------|-----------------------------|------------|
 * | mobile-only | local                              | `disabled`  | never                       |            |
 * | cloud-only  |                                    |             | always                      | `disabled` |
 * | mux         | local                              | `easy`      | score > mux                 | `hard`     |
 * | cascade     | local                              | `confident` | max local < confidence      | `unsure`   |
 * | two-stage   | local                              | `confident` | score > offload             | `hard`     |
 * |             |                                    |             | max local < confidence      | `unsure`   |
 * | three-tier  | mux, max mux ≥ answer              | `easy`      |                             |            |
 * |             | local fused with mux               | `confident` | max fused < confidence, or  | `unsure`   |
 * |             |                                    |             | where set need − harm > gain |            |
 *
 * `disabled` means that the choice was switched off: there is one way only. So it is also the reason of a frame
 * that `privacy: strict` kept on the device against the rule.
 */
import { gainOf } from './gate.js';
import { fuse, maximum, type Vector } from './probabilities.js';
import type { DevicePolicy } from './policy-settings.js';

/** What the mux said: `score` in [0, 1], higher = harder; class `probabilities` of its own head. */
export interface MuxReading {
  score: number;
  probabilities: Vector;
}

export type Decision = 'mux' | 'local' | 'offload';
export type DecisionReason = 'easy' | 'confident' | 'hard' | 'unsure' | 'disabled';
/** What to do after the mux: let it answer, run the local model, or offload at once. */
export type FirstStep = 'answer' | 'local' | 'offload';
export interface Before {
  step: FirstStep;
  /** Final for `answer` and `offload`; for `local` it is the reason unless `afterLocal` finds another. */
  reason: DecisionReason;
}
export interface After {
  decision: 'local' | 'offload';
  reason: DecisionReason;
  /** What the device would answer: the local probabilities, fused with the mux's in `three-tier`. */
  probabilities: Vector;
}

/** True where the rule asks the mux: the other modes save its run. */
export function needsMux(policy: DevicePolicy): boolean {
  return policy.mode === 'mux' || policy.mode === 'two-stage' || policy.mode === 'three-tier';
}

/** True where some frame may be answered by the local model without a failure of the server. */
export function needsLocal(policy: DevicePolicy): boolean {
  return policy.mode !== 'cloud-only' || policy.privacy === 'strict';
}

/**
 * First phase, on the mux alone.
 *
 * @param mux null in modes that do not run it; a mode that needs it then asks the local model
 */
export function beforeLocal(policy: DevicePolicy, mux: MuxReading | null): Before {
  const before = firstStep(policy, mux);
  if (before.step === 'offload' && policy.privacy === 'strict') return { step: 'local', reason: 'disabled' };
  return before;
}

function firstStep({ mode, thresholds }: DevicePolicy, mux: MuxReading | null): Before {
  switch (mode) {
    case 'mobile-only':
      return { step: 'local', reason: 'disabled' };
    case 'cloud-only':
      return { step: 'offload', reason: 'disabled' };
    case 'cascade':
      return { step: 'local', reason: 'confident' };
    case 'mux':
      return exceeds(mux, thresholds.mux)
        ? { step: 'offload', reason: 'hard' }
        : { step: 'local', reason: 'easy' };
    case 'two-stage':
      return exceeds(mux, thresholds.offload)
        ? { step: 'offload', reason: 'hard' }
        : { step: 'local', reason: 'confident' };
    case 'three-tier':
      return mux !== null && maximum(mux.probabilities) >= (thresholds.answer ?? Infinity)
        ? { step: 'answer', reason: 'easy' }
        : { step: 'local', reason: 'confident' };
  }
}

/** The threshold that the mux score is held against; null in modes that look at other things. */
export function scoreThreshold({ mode, thresholds }: DevicePolicy): number | null {
  if (mode === 'mux') return thresholds.mux;
  return mode === 'two-stage' ? (thresholds.offload ?? null) : null;
}

/** The pair rule of Fig. 2c: strictly above, so that a threshold of 1 keeps everything. */
function exceeds(mux: MuxReading | null, threshold: number | undefined): boolean {
  return mux !== null && mux.score > (threshold ?? Infinity);
}

/**
 * Second phase, after the local model ran. A frame that `beforeLocal` wanted offloaded and that ran here all
 * the same (fallback, strict privacy) may be passed too: then only `probabilities` means anything new.
 *
 * @param before what `beforeLocal` said of the same frame
 * @param local K probabilities of the local model
 */
export function afterLocal(
  policy: DevicePolicy,
  mux: MuxReading | null,
  local: Vector,
  before: Before = beforeLocal(policy, mux),
): After {
  const probabilities = fusedProbabilities(policy, mux, local);
  const checked = policy.mode === 'cascade' || policy.mode === 'two-stage' || policy.mode === 'three-tier';
  if (!checked || before.reason === 'disabled' || !isUnsure(policy, mux, local, probabilities)) {
    return { decision: 'local', reason: before.reason, probabilities };
  }
  if (policy.privacy === 'strict') return { decision: 'local', reason: 'disabled', probabilities };
  return { decision: 'offload', reason: 'unsure', probabilities };
}

/** The last rule: the gate's where the policy has a threshold for it, else the (fused) confidence. */
function isUnsure(policy: DevicePolicy, mux: MuxReading | null, local: Vector, fused: Vector): boolean {
  const { gate, mode, thresholds } = policy;
  if (mode === 'three-tier' && gate && mux && thresholds.gain !== undefined) {
    return gainOf(gate, { fused, local, mux: mux.probabilities, score: mux.score }) > thresholds.gain;
  }
  return maximum(fused) < (thresholds.confidence ?? 0);
}

/**
 * The device's best answer once the local model ran: in `three-tier` p ∝ local^fuseLocal · mux^fuseMux, else the
 * local probabilities as they are. The fallback for an offloaded frame uses it too.
 */
export function fusedProbabilities(policy: DevicePolicy, mux: MuxReading | null, local: Vector): Vector {
  const { fuseLocal = 1, fuseMux = 0 } = policy.thresholds;
  if (policy.mode !== 'three-tier' || mux === null || (fuseLocal === 1 && fuseMux === 0)) return local;
  return fuse([
    { probabilities: local, weight: fuseLocal },
    { probabilities: mux.probabilities, weight: fuseMux },
  ]);
}
