/** What a policy needs: which networks, and a server. */
import type { DeviceMode, Privacy, ThresholdName, Thresholds } from '../../../common/policy-names.js';
import type { Gate } from '../gate.js';
import { ruleOf } from './registry.js';

/** True where the rule asks the mux: the other modes save its run. */
export function needsMux({ mode }: { mode: DeviceMode }): boolean {
  return ruleOf(mode).asksMux;
}

/** True where some frame may be answered by the local model without a failure of the server. */
export function needsLocal({ mode, privacy }: { mode: DeviceMode; privacy: Privacy }): boolean {
  return ruleOf(mode).asksLocal || privacy === 'strict';
}

/** True where some frame may be sent to a server. */
export function needsServer({ mode, privacy }: { mode: DeviceMode; privacy: Privacy }): boolean {
  return ruleOf(mode).offloads && privacy !== 'strict';
}

/** The thresholds that the rule looks at; others may be set, without effect. */
export function usedThresholds({
  mode,
  thresholds,
  gate,
}: {
  mode: DeviceMode;
  thresholds: Thresholds;
  gate?: Gate;
}): ThresholdName[] {
  const rule = ruleOf(mode);
  if (rule.kind === 'fixed') return [];
  const used: ThresholdName[] = [rule.ranking(thresholds, gate ?? null).threshold];
  if (rule.scoreThreshold !== null) used.push(rule.scoreThreshold);
  if (rule.earlier !== null) used.push(rule.earlier.name);
  if (rule.fuses) used.push('fuseLocal', 'fuseMux');
  return [...new Set(used)];
}
