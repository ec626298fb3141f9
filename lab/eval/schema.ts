/**
 * `eval.json`: the schema, documented in docs/evaluation.md.
 *
 * Accuracies, shares, AUROC and calibration errors lie in [0, 1]; `flops` are multiply-accumulates a frame or a
 * run; costs are in local runs a frame; `runMs` are milliseconds of a single-image run on this machine. What a zoo
 * lacks is null, or absent from a list, and said in `notes`: it is never 0.
 */
import { z } from 'zod';
import { RANKED_MODES } from '../../mux/rules/policies/registry.js';
import { deviceModeSchema, thresholdsSchema } from '../../mux/rules/policy-settings.js';
import { GATED } from './pair/cuts.js';

const share = z.number().min(0).max(1);
const flops = z.number().min(0);
/** A figure with its paired bootstrap interval. */
const interval = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });
const called = z.record(z.string(), share);

const sharesShape = {
  accuracy: share,
  muxShare: share,
  localShare: share,
  offloadShare: share,
  flops,
};
const curve = z.strictObject({
  name: z.string(),
  settings: z.string(),
  points: z.array(z.strictObject(sharesShape)),
});
const groupCurve = z.strictObject({
  name: z.string(),
  settings: z.string(),
  points: z.array(z.strictObject({ accuracy: share, flops, called })),
});

const model = z.strictObject({
  id: z.string(),
  roles: z.array(z.string()),
  architecture: z.string(),
  flops,
  accuracy: interval,
  /** Of the largest probability, in 15 bins. */
  calibrationError: share,
  runMs: z.number().nullable(),
  /** Accuracy less that of the most accurate cheaper model; null for the cheapest. */
  overCheaper: interval.nullable(),
});

const auroc = z.strictObject({
  /** What ranks the images. */
  score: z.string(),
  /** What it is to find. */
  finds: z.string(),
  auroc: interval.nullable(),
});

/** A row of Table I. */
const setup = z.strictObject({
  ...sharesShape,
  setup: deviceModeSchema,
  shipped: z.boolean(),
  thresholds: thresholdsSchema,
  accuracy: interval,
  /** Accuracy less that of cloud-only. */
  overCloud: interval,
});

const costRow = z.strictObject({
  policy: deviceModeSchema,
  basis: z.enum(['calibration', 'cross-fit', 'fixed']),
  thresholds: z.array(thresholdsSchema),
  accuracy: interval,
  overTarget: interval,
  offloadShare: share,
  localShare: share,
  cost: z.number().min(0),
  savingOverCascade: interval.nullable(),
  accuracyOverCascade: interval.nullable(),
  sweptCost: z.number().nullable(),
});

const costTable = z.strictObject({
  gapShare: share,
  targetAccuracy: share,
  upload: z.number(),
  mux: z.number().nullable(),
  muxFrom: z.enum(['flops', 'time']),
  rows: z.array(costRow),
  unreached: z.array(z.enum(RANKED_MODES)),
  cheapest: deviceModeSchema.nullable(),
});

/** A policy that offloads exactly this share of the test images, by rank and without labels. */
const atOffload = z.strictObject({
  policy: z.enum([...RANKED_MODES, GATED]),
  offloadShare: share,
  accuracy: interval,
  overCascade: interval.nullable(),
});

const pair = z.strictObject({
  local: z.string(),
  cloud: z.string(),
  mux: z
    .strictObject({ flops, runMs: z.number().nullable(), accuracy: interval, calibrationError: share })
    .nullable(),
  auroc: z.array(auroc),
  tableI: z.array(setup),
  atOffload: z.array(atOffload),
  costs: z.array(costTable),
});

/** A row of Table II: a policy at settings that the zoo calibrated. */
const groupSetup = z.strictObject({
  policy: z.string(),
  /** True for the policy and settings that a server uses by default. */
  shipped: z.boolean(),
  /** Times fewer multiply-accumulates than the largest model, mux aside, that it was calibrated for; null: none. */
  wantedSaving: z.number().nullable(),
  /** Times fewer that it really needs, mux included. */
  saving: z.number(),
  settings: z.record(z.string(), z.union([z.number(), z.array(z.number())])),
  accuracy: interval,
  flops,
  called,
  /** Accuracy less that of the most accurate model alone. */
  overBestModel: interval,
});

/** A rule whose knob was turned until it spends a budget, without labels. */
const atBudget = z.strictObject({
  policy: z.enum(['single', 'escalate', 'cascade']),
  saving: z.number(),
  knob: z.number(),
  flops,
  accuracy: interval,
  overBestModel: interval,
  overCascade: interval.nullable(),
});

const group = z.strictObject({
  models: z.array(z.string()),
  bestModel: z.string(),
  mux: z.strictObject({ flops, runMs: z.number().nullable(), accuracy: interval, calibrationError: share }),
  /** Of p_i: finds the images that model i gets right. */
  correct: z.array(z.strictObject({ id: z.string(), auroc: interval.nullable(), calibrationError: share })),
  tableII: z.array(groupSetup),
  atBudget: z.array(atBudget),
});

/** A mux of another loss in the place of the zoo's own. */
const ablation = z.strictObject({
  name: z.string(),
  notes: z.string(),
  pair: z
    .strictObject({
      /** Of its score: finds the images that the local model gets wrong. */
      auroc: interval.nullable(),
      /** The paper's rule at its threshold of 0.5. */
      atHalf: z.strictObject({ offloadShare: share, accuracy: interval }),
      /** The highest scores, as many as the paper offloads. */
      atOffload: z.strictObject({ offloadShare: share, accuracy: interval, overCascade: interval }),
    })
    .nullable(),
  /** Algorithm 2 with the paper's T. */
  group: z
    .strictObject({ threshold: share, accuracy: interval, flops, saving: z.number(), called })
    .nullable(),
});

/** A form of the contrastive loss, from a training of its own. */
const contrastive = z.strictObject({
  form: z.enum(['none', 'paper', 'bounded']),
  weight: z.number(),
  epochs: z.int(),
  trainImages: z.int(),
  /** Images behind the cosines. */
  images: z.int(),
  /** By model, on all test images, as the trainer measured it. */
  accuracy: z.record(z.string(), share),
  cosineBothRight: z.number().nullable(),
  cosineOneRight: z.number().nullable(),
  /** How well the distance of two embeddings tells "exactly one model right" from "both", by the trainer's float vectors. */
  disagreementAuroc: share,
});

export const evalSchema = z.strictObject({
  schema: z.literal(1),
  zoo: z.strictObject({ name: z.string(), version: z.string(), hash: z.string() }),
  images: z.int().positive(),
  provider: z.string(),
  seed: z.int(),
  bootstrap: z.strictObject({ resamples: z.int(), level: z.number() }),
  /** What this zoo does not have, and what follows. */
  notes: z.array(z.string()),
  models: z.array(model),
  /** [h]: share of images that h models get wrong, and the mean mux score of those (null: no mux, or no image). */
  hardness: z.array(z.strictObject({ wrong: z.int(), share, muxScore: share.nullable() })),
  pair: pair.nullable(),
  group: group.nullable(),
  ablations: z.array(ablation),
  contrastive: z.array(contrastive),
  curves: z.strictObject({ pair: z.array(curve), group: z.array(groupCurve) }),
  baselines: z.strictObject({ pair: z.array(curve), group: z.array(groupCurve) }),
  /** The comparisons that matter, in words, each with its interval. */
  intervals: z.array(z.strictObject({ what: z.string(), ...interval.shape })),
  /** At [i][j] the share of images that model i gets right and model j wrong. */
  fig1: z.strictObject({ ids: z.array(z.string()), matrix: z.array(z.array(share)) }),
});

export type EvalReport = z.infer<typeof evalSchema>;
export type PairReport = z.infer<typeof pair>;
export type GroupReport = z.infer<typeof group>;
export type AblationRow = z.infer<typeof ablation>;
export type ContrastiveRow = z.infer<typeof contrastive>;
export type Named = EvalReport['intervals'][number];
