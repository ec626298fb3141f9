/** The server's policy between its message and the rule's own settings. */
import type { GroupPolicy } from '../mux/rules/group.js';
import type { GroupPatch } from '../mux/rules/group-settings.js';
import type { ServerPolicy, ServerPolicyPatch } from '../protocol/messages.js';

/** What the `policy` topic and the status say. `mu` is the one that the mode uses. */
export function policyMessage({ mode, mu, threshold, escalate }: GroupPolicy): ServerPolicy {
  return {
    mode,
    mu: mode === 'escalate' ? escalate.mu : mu,
    T: threshold,
    combine: escalate.combine ?? true,
    confidence: escalate.confidence,
  };
}

/** Only what a message names, so that the rest stays as it is. */
export function groupPatch({ T, ...patch }: ServerPolicyPatch): GroupPatch {
  return { ...patch, ...(T === undefined ? {} : { threshold: T }) };
}

/** What a configuration names; `mode: zoo` and null leave it to the zoo. */
export function configPatch(policy: {
  mode: GroupPolicy['mode'] | 'zoo';
  mu: number | null;
  T: number | null;
  confidence: number | null;
  combine: boolean | null;
}): GroupPatch {
  const { mode, mu, T, confidence, combine } = policy;
  return {
    ...(mode === 'zoo' ? {} : { mode }),
    ...(mu === null ? {} : { mu }),
    ...(T === null ? {} : { threshold: T }),
    ...(confidence === null ? {} : { confidence }),
    ...(combine === null ? {} : { combine }),
  };
}
