/** What a policy needs: which networks, and a server. */
import type { DeviceMode, Privacy } from '../../../common/policy-names.js';
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
