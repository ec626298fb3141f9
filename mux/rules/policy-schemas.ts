/** The device's policy as its files and messages spell it: modes, thresholds, patches. */
import { z } from 'zod';
import { EdgemuxError, type ErrorCode } from '../../common/errors.js';

/**
 * - `mobile-only`: the local model answers every frame (Fig. 2b)
 * - `cloud-only`: every frame is offloaded (Fig. 2a)
 * - `mux`: the paper's pair rule (Fig. 2c): offload when the mux score exceeds a threshold
 * - `cascade`: run the local model, offload when its own confidence is low; needs no mux
 * - `two-stage`: the mux sends the clearly hard at once, the local model's confidence checks the rest
 * - `three-tier`: the mux answers what its class head is sure of; else local fused with mux; else offload
 */
export const DEVICE_MODES = [
  'mobile-only',
  'cloud-only',
  'mux',
  'cascade',
  'two-stage',
  'three-tier',
] as const;
export const deviceModeSchema = z.enum(DEVICE_MODES);
export type DeviceMode = (typeof DEVICE_MODES)[number];

const probability = z.number().min(0).max(1);

export const thresholdsSchema = z.strictObject({
  /** `mux`: offload when the mux score is above it. 0.5 unless given, as in the paper. */
  mux: z.exactOptional(probability),
  /** `cascade`, `two-stage`, `three-tier`: keep when the (fused) largest probability is at least this. */
  confidence: z.exactOptional(probability),
  /** `three-tier`: the mux's class head answers when its largest probability is at least this. */
  answer: z.exactOptional(probability),
  /** `two-stage`: offload without asking the local model when the mux score is above it. */
  offload: z.exactOptional(probability),
  /** `three-tier`: exponents of local and mux probabilities in the fused ones. Without: local alone (1, 0). */
  fuseLocal: z.exactOptional(z.number().min(0).max(10)),
  fuseMux: z.exactOptional(z.number().min(0).max(10)),
  /** `three-tier` with a gate: offload when need − harm is above it; `confidence` is not asked then. */
  gain: z.exactOptional(z.number().min(-1).max(1)),
});
export type Thresholds = z.infer<typeof thresholdsSchema>;
export type ThresholdName = keyof Thresholds;

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
  privacy: z.enum(['normal', 'strict']).optional(),
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
