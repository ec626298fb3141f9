import { z } from 'zod';
import { EdgemuxError } from '../../common/errors.js';
import {
  DEVICE_MODES,
  PRIVACY,
  SERVER_MODES,
  THRESHOLDS,
  type ThresholdName,
} from '../../common/policy-names.js';
import { amount, carriesError, check, readJson, readMessage, text } from './json.js';

const MAX_PATCH_BYTES = 16 * 1024;

const share = z.number().min(0).max(1);
/** The thresholds a patch may set. */
const thresholdsPatchSchema = z
  .strictObject(
    Object.fromEntries(
      Object.entries(THRESHOLDS).map(([name, { min, max }]) => [name, z.number().min(min).max(max)]),
    ) as Record<ThresholdName, z.ZodNumber>,
  )
  .partial();

/** What a device decides by. */
export const devicePolicySchema = z.object({
  mode: z.enum(DEVICE_MODES),
  /** By the name of what is compared; those that the mode does not use may stand there too. */
  thresholds: z.record(text, z.number().min(-1).max(10)),
  /** Costs of asking the mux, running the local model and offloading, in one unit of the operator's choice. */
  costs: z.object({ mux: amount, local: amount, upload: amount }).optional(),
  /** `strict`: no frame leaves the device. */
  privacy: z.enum(PRIVACY),
  /** What it comes from: the zoo and the configuration alone, or `policy/set` over them. */
  source: z.exactOptional(z.enum(['configuration', 'mqtt'])),
  /** What was set and has no effect, or none after the next start. */
  warnings: z.exactOptional(z.array(z.string().max(1024)).max(64)),
});
export type DevicePolicyMessage = z.infer<typeof devicePolicySchema>;

/** A patch: any part of the policy. `threshold` is short for `thresholds.mux`. Unknown fields are refused. */
export const devicePolicyPatchSchema = z.strictObject({
  mode: z.enum(DEVICE_MODES).optional(),
  threshold: share.optional(),
  thresholds: thresholdsPatchSchema.optional(),
  costs: z.strictObject({ mux: amount, local: amount, upload: amount }).partial().optional(),
  privacy: z.enum(PRIVACY).optional(),
});
export type DevicePolicyPatch = z.infer<typeof devicePolicyPatchSchema>;

/** What a server decides by. */
export const serverPolicySchema = z.object({
  mode: z.enum(SERVER_MODES),
  /** `single`, and where `escalate` starts: price of a run of the dearest model, in probability. */
  mu: amount,
  /** `ensemble`: models of a weight above this are run (Algorithm 2). */
  T: share,
  /** `escalate`: whether the outputs of the models that ran are combined; else the last one answers. */
  combine: z.boolean(),
  /** `escalate`: it goes up while the answer's largest probability is below this. */
  confidence: z.exactOptional(share),
});
export type ServerPolicy = z.infer<typeof serverPolicySchema>;

export const serverPolicyPatchSchema = z.strictObject(serverPolicySchema.shape).partial();
export type ServerPolicyPatch = z.infer<typeof serverPolicyPatchSchema>;

/** On the `policy` topics in place of a policy: why the last patch was refused. */
export const policyErrorSchema = z.object({ error: z.object({ code: text, message: z.string().max(4096) }) });
export type PolicyError = z.infer<typeof policyErrorSchema>;

/** Reads a patch. @throws MESSAGE_INVALID naming the field */
export function parseDevicePolicyPatch(payload: Uint8Array): DevicePolicyPatch {
  return readMessage('policy patch', devicePolicyPatchSchema, payload, MAX_PATCH_BYTES);
}

/** Reads a patch. @throws MESSAGE_INVALID naming the field */
export function parseServerPolicyPatch(payload: Uint8Array): ServerPolicyPatch {
  return readMessage('policy patch', serverPolicyPatchSchema, payload, MAX_PATCH_BYTES);
}

/** Reads what a `policy` topic of a device says: the policy in force or the last patch's error. */
export function parseDevicePolicyReport(payload: Uint8Array): DevicePolicyMessage | PolicyError {
  const value = readJson('policy', payload);
  if (carriesError(value)) return check('policy error', policyErrorSchema, value);
  return check('policy', devicePolicySchema, value);
}

/** Reads what a `policy` topic of a server says: the policy in force or the last patch's error. */
export function parseServerPolicyReport(payload: Uint8Array): ServerPolicy | PolicyError {
  const value = readJson('policy', payload);
  if (carriesError(value)) return check('policy error', policyErrorSchema, value);
  return check('policy', serverPolicySchema, value);
}

/** What to publish on a `policy` topic when a patch was refused. */
export function policyError(error: unknown): PolicyError {
  const code = error instanceof EdgemuxError ? error.code : 'MESSAGE_INVALID';
  return { error: { code, message: error instanceof Error ? error.message : String(error) } };
}
