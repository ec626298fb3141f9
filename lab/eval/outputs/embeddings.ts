/**
 * The embeddings a zoo may ship beside its networks (`embeddings/`): projected vectors (eq. 1) of test images under
 * each form of the contrastive loss, for Fig. 3 and 6. `scripts/train/embeddings.py` writes them.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EdgemuxError, messageOf } from '../../../common/errors.js';

const share = z.number().min(0).max(1);
const indexSchema = z.object({
  format: z.literal('edgemux-embeddings'),
  version: z.literal(1),
  file: z.string().regex(/^[A-Za-z0-9_-]+\.bin$/, 'must be a file beside it'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  dtype: z.literal('int8'),
  /** A stored value / scale is the component of a unit vector. */
  scale: z.number().positive(),
  /** forms, models, images, components. */
  shape: z.tuple([z.int().positive(), z.int().positive(), z.int().positive(), z.int().positive()]),
  models: z.array(z.string()).min(1),
  /** Indices among the zoo's test images. */
  images: z.array(z.int().min(0)),
  labels: z.array(z.int().min(0)),
  forms: z.array(
    z.object({
      contrastive: z.enum(['none', 'paper', 'bounded']),
      /** λ of the contrastive term. */
      weight: z.number(),
      epochs: z.int().positive(),
      trainImages: z.int().positive(),
      /** Of each model on all test images. */
      accuracy: z.array(share),
      /** Of each model a string of 0 and 1: which of `images` it gets right. */
      right: z.array(z.string().regex(/^[01]*$/)),
      aurocDisagreement: share,
    }),
  ),
  notes: z.string(),
});

/** One training: its settings, and the vectors of its models. */
export interface EmbeddingForm {
  contrastive: 'none' | 'paper' | 'bounded';
  weight: number;
  epochs: number;
  trainImages: number;
  /** Accuracy of each model on all test images. */
  accuracy: number[];
  /** How well the distance of two embeddings tells "exactly one model right" from "both", before the rounding to bytes. */
  aurocDisagreement: number;
  /** M × N flags: model m is right on image n. */
  right: Uint8Array[];
  /** M arrays of N × D components of unit vectors, row by row. */
  vectors: Float32Array[];
}

export interface Embeddings {
  models: string[];
  images: number[];
  labels: number[];
  /** D. */
  dimensions: number;
  forms: EmbeddingForm[];
  notes: string;
}

/**
 * @param zooDir folder of a zoo
 * @returns null where the zoo ships none
 * @throws EdgemuxError ZOO_INVALID where the files are not what they should be
 */
export async function loadEmbeddings(zooDir: string): Promise<Embeddings | null> {
  const folder = join(zooDir, 'embeddings');
  const text = await readIndex(folder);
  if (text === null) return null;
  const index = indexOf(folder, text);
  const raw = await readFile(join(folder, index.file)).catch((error: unknown) => {
    throw invalid(folder, messageOf(error));
  });
  if (createHash('sha256').update(raw).digest('hex') !== index.sha256) {
    throw invalid(folder, `${index.file} is not the file that embeddings.json describes`);
  }
  const [forms, models, images, dimensions] = index.shape;
  const counted = [index.forms.length, index.models.length, index.images.length, index.labels.length];
  const wanted = [forms, models, images, images];
  if (
    counted.some((count, at) => count !== wanted[at]) ||
    raw.length !== forms * models * images * dimensions
  ) {
    throw invalid(folder, `the shape ${index.shape.join(' × ')} is not that of its lists and bytes`);
  }
  const values = Float32Array.from(
    new Int8Array(raw.buffer, raw.byteOffset, raw.length),
    (v) => v / index.scale,
  );
  const size = images * dimensions;
  return {
    models: index.models,
    images: index.images,
    labels: index.labels,
    dimensions,
    notes: index.notes,
    forms: index.forms.map(({ right, ...form }, f) => ({
      ...form,
      right: right.map((flags) => Uint8Array.from(flags, Number)),
      vectors: index.models.map((_, m) =>
        values.subarray((f * models + m) * size, (f * models + m + 1) * size),
      ),
    })),
  };
}

async function readIndex(folder: string): Promise<string | null> {
  try {
    return await readFile(join(folder, 'embeddings.json'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw invalid(folder, messageOf(error));
  }
}

function indexOf(folder: string, text: string): z.infer<typeof indexSchema> {
  try {
    return indexSchema.parse(JSON.parse(text));
  } catch (error) {
    throw invalid(folder, `embeddings.json: ${messageOf(error)}`);
  }
}

function invalid(folder: string, what: string): EdgemuxError {
  return new EdgemuxError(
    'ZOO_INVALID',
    `${folder}: ${what}. Write them again with scripts/train/embeddings.py`,
  );
}
