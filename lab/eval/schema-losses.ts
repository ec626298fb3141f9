/** Parts of `eval.json`: what its numbers are, and the tables that compare losses. */
import { z } from 'zod';

export const share = z.number().min(0).max(1);
export const flops = z.number().min(0);
/** A figure with its paired bootstrap interval. */
export const interval = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });
export const called = z.record(z.string(), share);

/** A mux of another loss in the place of the zoo's own. */
export const ablation = z.strictObject({
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
export const contrastive = z.strictObject({
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

export type AblationRow = z.infer<typeof ablation>;
export type ContrastiveRow = z.infer<typeof contrastive>;
