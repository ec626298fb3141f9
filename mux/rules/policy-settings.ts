/**
 * The device's policy as data: what a zoo ships and what a patch makes of it.
 * The rules that act on it are in policy-rules.ts, which the inference worker loads: it takes types only from here, as zod
 * would double its start-up time.
 */
import { z } from 'zod';
import { EdgemuxError, type ErrorCode } from '../../common/errors.js';
import {
  DEVICE_MODES,
  PRIVACY,
  THRESHOLDS,
  type DeviceMode,
  type Privacy,
  type ThresholdName,
  type Thresholds,
} from '../../common/policy-names.js';
import type { Gate } from './gate.js';
import { ruleOf } from './policies/registry.js';
import { needsLocal, needsMux } from './policies/needs.js';

export const deviceModeSchema = z.enum(DEVICE_MODES);

const probability = z.number().min(0).max(1);

const thresholdNames = Object.keys(THRESHOLDS) as ThresholdName[];
export const thresholdsSchema = z.strictObject(
  Object.fromEntries(
    thresholdNames.map((name) => {
      const { min, max } = THRESHOLDS[name];
      return [name, z.exactOptional(z.number().min(min).max(max))];
    }),
  ) as Record<ThresholdName, z.ZodExactOptional<z.ZodNumber>>,
);

const costsSchema = z.strictObject({
  mux: z.number().min(0),
  local: z.number().min(0),
  upload: z.number().min(0),
});

export type Costs = z.infer<typeof costsSchema>;

const patchSchema = z.strictObject({
  mode: deviceModeSchema.optional(),
  /** Short for `thresholds.mux`. */
  threshold: probability.optional(),
  thresholds: thresholdsSchema.optional(),
  costs: costsSchema.partial().optional(),
  privacy: z.enum(PRIVACY).optional(),
});
export type PolicyPatch = z.infer<typeof patchSchema>;

/**
 * A patch, checked.
 *
 * @throws EdgemuxError `code`, naming every offending key
 */
export function readPatch(patch: unknown, code: ErrorCode): PolicyPatch {
  const parsed = patchSchema.safeParse(withoutUndefined(patch));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${['policy', ...issue.path].join('.')}: ${issue.message}`,
  );
  throw new EdgemuxError(code, problems.join('; '), { details: { problems } });
}

/** A key set to undefined (an absent flag) is a key left out. */
function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutUndefined(inner)]));
}

/**
 * The policy in force. `costs` are the deployment's costs of a mux run, a local run and an upload in one common
 * unit of the operator's choice (J, ms, FLOPs): reported and used to compare policies, never by a frame's rule.
 * `privacy: 'strict'` keeps every frame on the device whatever the rule says.
 */
export interface DevicePolicy {
  mode: DeviceMode;
  thresholds: Thresholds & { mux: number };
  costs?: Costs;
  /** The zoo's, for `thresholds.gain`. */
  gate?: Gate;
  privacy: Privacy;
}

/** What a policy needs to know of a zoo (a `Zoo` is one). */
export interface PolicyZoo {
  manifest: {
    policy: {
      mode: DeviceMode;
      thresholds: Thresholds;
      gate?: Gate | undefined;
      calibration?:
        { modes?: Partial<Record<DeviceMode, { thresholds: Thresholds }>> | undefined } | undefined;
    };
  };
  muxPair: object | null;
  local: object | null;
}

/** The paper's threshold of the pair rule. */
export const DEFAULT_MUX_THRESHOLD = 0.5;

/**
 * The policy a zoo ships with.
 *
 * @throws EdgemuxError CONFIG_INVALID where the zoo asks for a mode that it cannot serve
 */
export function policyFromManifest(zoo: PolicyZoo): DevicePolicy {
  const { mode, thresholds } = zoo.manifest.policy;
  const policy: DevicePolicy = {
    mode,
    thresholds: { mux: DEFAULT_MUX_THRESHOLD, ...thresholds },
    ...gateFor(thresholds, zoo),
    privacy: 'normal',
  };
  assertServable(policy, zoo, 'CONFIG_INVALID');
  return policy;
}

/**
 * A new policy from the one in force and a JSON patch; `current` is left alone. Keys that the patch leaves out
 * stay, except that a change of mode takes the thresholds that the zoo calibrated for the new mode: a confidence
 * set for one rule means something else under another. Whoever sets `confidence` means it: `gain` goes then.
 *
 * @param patch whatever a message or a configuration held
 * @param code what a refusal is called: MESSAGE_INVALID (MQTT) or CONFIG_INVALID (file, flag)
 * @throws EdgemuxError `code`, naming the key
 */
export function patchPolicy(
  current: DevicePolicy,
  patch: unknown,
  zoo: PolicyZoo,
  code: Extract<ErrorCode, 'MESSAGE_INVALID' | 'CONFIG_INVALID'> = 'MESSAGE_INVALID',
): DevicePolicy {
  const {
    mode = current.mode,
    threshold,
    thresholds,
    costs,
    privacy = current.privacy,
  } = readPatch(patch, code);
  const base = mode === current.mode ? current.thresholds : calibratedFor(mode, zoo);
  const { gain, ...ungated } = { mux: current.thresholds.mux, ...base };
  const keepsGain = gain !== undefined && thresholds?.confidence === undefined;
  const merged = {
    ...ungated,
    ...(keepsGain ? { gain } : {}),
    ...(threshold === undefined ? {} : { mux: threshold }),
    ...thresholds,
  };
  const policy: DevicePolicy = {
    mode,
    thresholds: merged,
    ...mergedCosts(current.costs, costs, code),
    ...gateFor(merged, zoo),
    privacy,
  };
  assertServable(policy, zoo, code);
  return policy;
}

/** Costs make sense together only: a part of them needs the rest from before. */
function mergedCosts(
  current: DevicePolicy['costs'],
  patch: PolicyPatch['costs'],
  code: ErrorCode,
): Pick<DevicePolicy, 'costs'> {
  if (patch === undefined) return current === undefined ? {} : { costs: current };
  const { mux = current?.mux, local = current?.local, upload = current?.upload } = patch;
  if (mux !== undefined && local !== undefined && upload !== undefined)
    return { costs: { mux, local, upload } };
  throw new EdgemuxError(code, 'policy.costs: mux, local and upload are needed, in one unit');
}

/** The zoo's gate where a threshold asks for it: the policy goes to the worker with every frame. */
function gateFor({ gain }: Thresholds, { manifest }: PolicyZoo): Pick<DevicePolicy, 'gate'> {
  return gain !== undefined && manifest.policy.gate ? { gate: manifest.policy.gate } : {};
}

/** Thresholds that the zoo's trainer calibrated for one mode; {} where it did not. */
function calibratedFor(mode: DeviceMode, zoo: PolicyZoo): Thresholds {
  const { policy } = zoo.manifest;
  const shipped = policy.mode === mode ? policy.thresholds : {};
  return { ...shipped, ...policy.calibration?.modes?.[mode]?.thresholds };
}

/** Refuses a mode without the networks or the thresholds that it needs. */
function assertServable(policy: DevicePolicy, zoo: PolicyZoo, code: ErrorCode): void {
  const { mode } = policy;
  if (needsMux(policy) && zoo.muxPair === null) {
    throw new EdgemuxError(code, `policy.mode: '${mode}' needs a mux, and this zoo has none for the pair`);
  }
  if (needsLocal(policy) && zoo.local === null) {
    throw new EdgemuxError(code, `policy.mode: '${mode}' needs a local model, and this zoo has none`);
  }
  if (policy.thresholds.gain !== undefined && !policy.gate) {
    throw new EdgemuxError(code, 'policy.thresholds.gain: this zoo has no gate; set confidence instead');
  }
  const missing = requiredOf(policy).filter((name) => policy.thresholds[name] === undefined);
  if (missing.length > 0) {
    const keys = missing.map((name) => `policy.thresholds.${name}`).join(', ');
    throw new EdgemuxError(code, `${keys}: '${mode}' needs it, and the zoo has not calibrated it`, {
      details: { missing },
    });
  }
}

/** The thresholds that a policy cannot do without: the one before the local model, and the one that ranks. */
function requiredOf({ mode, thresholds, gate }: DevicePolicy): readonly ThresholdName[] {
  const rule = ruleOf(mode);
  if (rule.kind === 'fixed') return [];
  const { threshold } = rule.ranking(thresholds, gate ?? null);
  return rule.earlier ? [rule.earlier.name, threshold] : [threshold];
}
