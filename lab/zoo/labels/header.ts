/** What a labels file says of itself, in both of its forms: whose outputs it holds, and of which classes. */
import { z } from 'zod';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import { PARTS, type LabelledImages } from '../labelled.js';

const network = z.object({ flops: z.number(), sha256: z.string().optional() });

export const headerSchema = z.object({
  format: z.literal('edgemux-labels'),
  version: z.literal(1),
  /** Class names; rows and probabilities follow their order. */
  labels: z.array(z.string()).min(2),
  /** Which part of IDX files indices are of. */
  part: z.enum(PARTS).default('test'),
  models: z.array(network.extend({ id: z.string(), roles: z.array(z.string()).default([]) })).min(1),
  /** How rows name their image. */
  images: z.enum(['paths', 'indices']).default('paths'),
  /** Where the zoo's muxes were asked too. */
  muxes: z
    .object({
      pair: network.optional(),
      /** Ids of the models that its outputs speak of, in their order. */
      group: network.extend({ models: z.array(z.string()).min(1) }).optional(),
    })
    .optional(),
});
export type LabelsHeader = z.infer<typeof headerSchema>;

/** @param muxes true: rows hold the muxes' outputs as well, of those that the zoo has */
export function headerOf(
  zoo: Zoo,
  models: readonly string[],
  images: Pick<LabelledImages, 'part' | 'key'>,
  muxes: boolean,
): LabelsHeader {
  const { pair, group } = (muxes ? zoo.manifest.mux : undefined) ?? {};
  return {
    format: 'edgemux-labels',
    version: 1,
    labels: [...zoo.labels],
    part: images.part,
    models: models.map((id) => {
      const { flops, roles, sha256 } = zoo.modelById(id);
      return { id, flops, roles, sha256 };
    }),
    images: typeof images.key(0) === 'string' ? 'paths' : 'indices',
    ...(pair || group
      ? {
          muxes: {
            ...(pair ? { pair: { flops: pair.flops, sha256: pair.sha256 } } : {}),
            ...(group
              ? { group: { flops: group.flops, sha256: group.sha256, models: [...group.models] } }
              : {}),
          },
        }
      : {}),
  };
}

/** Name of the image: a path below the folder with `/`, or an index. */
export type ImageKey = string | number;

/** One image. */
export interface LabelRow {
  image: ImageKey;
  /** Class index. */
  label: number;
  /** What each network said: of the models in the header's order, then of the mux of the pair and that of the group. */
  outputs: RowOutputs;
  /** Whether each model is right. */
  right: readonly boolean[];
}

export interface RowOutputs {
  /** K probabilities of each network. */
  probabilities: readonly Float32Array[];
  /** Of the mux of the pair, in [0, 1]; null without one. */
  score: number | null;
  /** p and w of the mux of the group, one a model; null without one. */
  correct: Float32Array | null;
  weights: Float32Array | null;
}

/** How many vectors of probabilities a row has, and how many numbers beside them. */
export function widths({ models, muxes }: Pick<LabelsHeader, 'models' | 'muxes'>): {
  vectors: number;
  numbers: number;
} {
  const members = muxes?.group?.models.length ?? 0;
  return {
    vectors: models.length + (muxes?.pair ? 1 : 0) + (muxes?.group ? 1 : 0),
    numbers: (muxes?.pair ? 1 : 0) + 2 * members,
  };
}

/** True where two files may be one: rows of one fit into the other. */
export function sameOutputs(a: LabelsHeader, b: LabelsHeader): boolean {
  return JSON.stringify(headerSchema.parse(a)) === JSON.stringify(headerSchema.parse(b));
}
