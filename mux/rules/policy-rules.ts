/**
 * A frame under the device's policy: who answers it. Pure; runs inside the inference worker, between the runs of the
 * two networks, and in the evaluation. What the modes say is in `policies/`.
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
import type { DeviceMode, Thresholds } from '../../common/policy-names.js';
import type { Before, DecisionReason, MuxReading, Seen } from './policies/rule.js';
import { ruleOf } from './policies/registry.js';
import type { DevicePolicy } from './policy-settings.js';
import { fuse, type Vector } from './probabilities.js';

export type { Before, DecisionReason, MuxReading } from './policies/rule.js';

export type Decision = 'mux' | 'local' | 'offload';
export interface After {
  decision: 'local' | 'offload';
  reason: DecisionReason;
  /** What the device would answer: the local probabilities, fused with the mux's where the rule fuses. */
  probabilities: Vector;
}

/**
 * First phase, on the mux alone.
 *
 * @param mux null in modes that do not run it; a mode that needs it then asks the local model
 */
export function beforeLocal(policy: DevicePolicy, mux: MuxReading | null): Before {
  const before = ruleOf(policy.mode).before(policy.thresholds, mux);
  if (before.step === 'offload' && policy.privacy === 'strict') return { step: 'local', reason: 'disabled' };
  return before;
}

/** The threshold that the mux score is held against; null in modes that look at other things. */
export function scoreThreshold({ mode, thresholds }: DevicePolicy): number | null {
  const { scoreThreshold: name } = ruleOf(mode);
  return name === null ? null : (thresholds[name] ?? null);
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
  if (before.reason === 'disabled' || !isUnsure(policy, { mux, local, fused: probabilities })) {
    return { decision: 'local', reason: before.reason, probabilities };
  }
  if (policy.privacy === 'strict') return { decision: 'local', reason: 'disabled', probabilities };
  return { decision: 'offload', reason: 'unsure', probabilities };
}

/** What a ranking that needs the local model's answer says of a frame. */
function isUnsure({ mode, thresholds, gate }: DevicePolicy, frame: Seen): boolean {
  const rule = ruleOf(mode);
  if (rule.kind === 'fixed' || !rule.localFirst) return false;
  const { threshold, offloads, valueOf } = rule.ranking(thresholds, frame.mux && gate ? gate : null);
  const value = valueOf(frame);
  return offloads === 'above'
    ? value > (thresholds[threshold] ?? Infinity)
    : value < (thresholds[threshold] ?? -Infinity);
}

/**
 * The device's best answer once the local model ran: in a mode that fuses p ∝ local^fuseLocal · mux^fuseMux, else the
 * local probabilities as they are. The fallback for an offloaded frame uses it too.
 */
export function fusedProbabilities(policy: DevicePolicy, mux: MuxReading | null, local: Vector): Vector {
  const exponents = exponentsOf(policy);
  if (exponents === null || mux === null) return local;
  return fuse([
    { probabilities: local, weight: exponents.local },
    { probabilities: mux.probabilities, weight: exponents.mux },
  ]);
}

/** Exponents of local and mux probabilities in the fused ones; null where the local answer stands alone. */
export function exponentsOf({
  mode,
  thresholds,
}: {
  mode: DeviceMode;
  thresholds: Thresholds;
}): { local: number; mux: number } | null {
  const rule = ruleOf(mode);
  const { fuseLocal = 1, fuseMux = 0 } = thresholds;
  if (rule.kind === 'fixed' || !rule.fuses || (fuseLocal === 1 && fuseMux === 0)) return null;
  return { local: fuseLocal, mux: fuseMux };
}
