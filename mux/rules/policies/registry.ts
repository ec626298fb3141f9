/** Every device policy by its mode. A mode of `common/policy-names.ts` without a rule does not compile. */
import { DEVICE_MODES, type DeviceMode } from '../../../common/policy-names.js';
import { cascade } from './cascade.js';
import { cloudOnly } from './cloud-only.js';
import { mobileOnly } from './mobile-only.js';
import { mux } from './mux.js';
import type { DevicePolicyRule, RankedRule } from './rule.js';
import { threeTier } from './three-tier.js';
import { twoStage } from './two-stage.js';

const RULES = {
  'mobile-only': mobileOnly,
  'cloud-only': cloudOnly,
  mux,
  cascade,
  'two-stage': twoStage,
  'three-tier': threeTier,
} satisfies Record<DeviceMode, DevicePolicyRule>;

/** The modes that rank frames: what `eval` sweeps and `calibrate` sets. */
export type RankedMode = {
  [Mode in DeviceMode]: (typeof RULES)[Mode] extends RankedRule ? Mode : never;
}[DeviceMode];

export function ruleOf(mode: DeviceMode): DevicePolicyRule {
  return RULES[mode];
}

export function rankedRuleOf(mode: RankedMode): RankedRule {
  return RULES[mode];
}

export function isRanked(mode: DeviceMode): mode is RankedMode {
  return RULES[mode].kind === 'ranked';
}

export const RANKED_MODES: readonly RankedMode[] = DEVICE_MODES.filter(isRanked);
