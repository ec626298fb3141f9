/** The names that configuration, messages and rules share, each list once. What they mean is in `mux/rules/`. */

/** Who answers a frame, on the device: each is a file of `mux/rules/policies/`. */
export const DEVICE_MODES = [
  'mobile-only',
  'cloud-only',
  'mux',
  'cascade',
  'two-stage',
  'three-tier',
] as const;
export type DeviceMode = (typeof DEVICE_MODES)[number];

/** Which models of a group answer an image, on the server. */
export const SERVER_MODES = ['largest', 'single', 'ensemble', 'escalate'] as const;
export type ServerMode = (typeof SERVER_MODES)[number];

/** `strict`: no frame leaves the device. */
export const PRIVACY = ['normal', 'strict'] as const;
export type Privacy = (typeof PRIVACY)[number];

/** What a device policy may compare with, each by the name of what is compared, and the values it may have. */
export const THRESHOLDS = {
  /** `mux`: offload when the mux score is above it. */
  mux: { min: 0, max: 1 },
  /** `cascade`, `two-stage`, `three-tier`: keep when the (fused) largest probability is at least this. */
  confidence: { min: 0, max: 1 },
  /** `three-tier`: the mux's class head answers when its largest probability is at least this. */
  answer: { min: 0, max: 1 },
  /** `two-stage`: offload without asking the local model when the mux score is above it. */
  offload: { min: 0, max: 1 },
  /** `three-tier`: exponents of local and mux probabilities in the fused ones. Without: local alone (1, 0). */
  fuseLocal: { min: 0, max: 10 },
  fuseMux: { min: 0, max: 10 },
  /** `three-tier` with a gate: offload when need − harm is above it; `confidence` is not asked then. */
  gain: { min: -1, max: 1 },
} as const satisfies Record<string, { min: number; max: number }>;
export type ThresholdName = keyof typeof THRESHOLDS;
export type Thresholds = { [Name in ThresholdName]?: number };
