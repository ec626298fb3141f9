/** The policy that a device starts with: the zoo's, what the configuration overrides, what was set over MQTT before. */
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { ThresholdName, Thresholds } from '../common/policy-names.js';
import { usedThresholds } from '../mux/rules/policies/needs.js';
import { patchPolicy, policyFromManifest, type DevicePolicy } from '../mux/rules/policy-settings.js';
import type { Zoo } from '../mux/zoo/zoo.js';
import type { DevicePolicyPatch } from '../protocol/messages.js';
import type { AgentConfig } from './config.js';
import type { StoredPolicy } from './policy-store.js';

type PolicyConfig = AgentConfig['policy'];

/** The policy in force and where it is from. */
export interface PolicyInForce {
  policy: DevicePolicy;
  /** The configuration's `policy` section. */
  configured: PolicyConfig;
  /** What was set over MQTT since; {} for nothing. */
  patch: DevicePolicyPatch;
  /** Why what was set over MQTT is not all in force, for people; null where it is. */
  problem: string | null;
}

/** The policy without anything from MQTT. @throws EdgemuxError CONFIG_INVALID */
export function initialPolicy(zoo: Zoo, config: PolicyConfig): DevicePolicy {
  return patchPolicy(
    policyFromManifest(zoo),
    {
      ...(config.mode === 'zoo' ? {} : { mode: config.mode }),
      thresholds: configuredThresholds(config),
      privacy: config.privacy,
    },
    zoo,
    'CONFIG_INVALID',
  );
}

/**
 * The policy at start. A `policy` section that was changed since wins over what was set over MQTT; `privacy: strict`
 * stays until somebody takes just that back, whatever happened to the rest.
 *
 * @param load what is stored; where it cannot be read the device is strict, as nobody knows whether it should be
 * @throws EdgemuxError CONFIG_INVALID
 */
export function policyAtStart(
  { log, zoo }: { log: Log; zoo: Zoo },
  configured: PolicyConfig,
  load: () => StoredPolicy | null,
): PolicyInForce {
  const plain = { policy: initialPolicy(zoo, configured), configured, patch: {}, problem: null };
  let stored: StoredPolicy | null;
  try {
    stored = load();
  } catch (error) {
    const problem = `${messageOf(error)}: no frame leaves the device until policy/set says otherwise`;
    log.error(problem);
    return { ...withPatch(plain, { privacy: 'strict' }, zoo), problem };
  }
  if (stored === null || Object.keys(stored.patch).length === 0) return plain;
  const kept = strictOf(stored, configured);
  if (isChanged(stored.configured, configured)) {
    const was = { overruled: stored.patch, kept, at: stored.at };
    log.warn(was, 'the policy section of the configuration was changed: it wins over what was set over MQTT');
    return withPatch(plain, kept, zoo);
  }
  try {
    const restored = withPatch(plain, stored.patch, zoo);
    log.info({ patch: stored.patch, at: stored.at }, 'the policy that was set over MQTT is in force again');
    return restored;
  } catch (error) {
    const problem = `the policy that was set over MQTT is not in force: ${messageOf(error)}`;
    log.warn({ patch: stored.patch, kept }, problem);
    return { ...withPatch(plain, kept, zoo), problem };
  }
}

/** @throws EdgemuxError MESSAGE_INVALID where the zoo cannot serve it */
function withPatch(plain: PolicyInForce, patch: DevicePolicyPatch, zoo: Zoo): PolicyInForce {
  return { ...plain, patch, policy: patchPolicy(plain.policy, patch, zoo) };
}

/** Keys that a later version of edgemux brought are no change. */
function isChanged(before: StoredPolicy['configured'], now: PolicyConfig): boolean {
  const current: Record<string, unknown> = { ...now };
  return Object.entries(before).some(([key, value]) => !isDeepStrictEqual(value, current[key]));
}

/** `strict` set over MQTT holds as long as the configuration says the same of privacy as it did then. */
function strictOf({ patch, configured }: StoredPolicy, now: PolicyConfig): DevicePolicyPatch {
  return patch.privacy === 'strict' && configured['privacy'] === now.privacy ? { privacy: 'strict' } : {};
}

/**
 * Two patches as one: laid over the configured policy it does what both do, one after the other.
 *
 * @param result the policy after the second: a threshold that it has from elsewhere, as a change of mode takes those of
 *   the zoo, is not set any more
 */
export function mergedPatch(
  before: DevicePolicyPatch,
  { threshold, ...patch }: DevicePolicyPatch,
  result: DevicePolicy,
): DevicePolicyPatch {
  const short = threshold === undefined ? {} : { mux: threshold };
  const set = Object.entries({ ...before.thresholds, ...short, ...patch.thresholds });
  const inForce = set.filter(([name, value]) => result.thresholds[name as ThresholdName] === value);
  const { mode = before.mode, privacy = before.privacy } = patch;
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(privacy === undefined ? {} : { privacy }),
    ...(inForce.length > 0 ? { thresholds: Object.fromEntries(inForce) } : {}),
    ...(result.costs === undefined ? {} : { costs: result.costs }),
  };
}

/** What somebody set and the policy does not look at, in words. */
export function ignoredThresholds({ policy, configured, patch }: PolicyInForce): string[] {
  const used = usedThresholds(policy);
  const asked = Object.keys({ ...configuredThresholds(configured), ...patch.thresholds }) as ThresholdName[];
  const uses = used.length === 0 ? 'which compares nothing' : `which compares ${used.join(', ')}`;
  return asked
    .filter((name) => !used.includes(name))
    .map((name) => `the threshold ${name} that was set has no effect under policy ${policy.mode}, ${uses}`);
}

/** What the configuration sets; the zoo says the rest. */
function configuredThresholds({ threshold, confidence, gain }: PolicyConfig): Thresholds {
  return {
    ...(threshold === null ? {} : { mux: threshold }),
    ...(confidence === null ? {} : { confidence }),
    ...(gain === null ? {} : { gain }),
  };
}
