/**
 * The labels file: JSON lines, a header and a row an image, as scripts/train/README.md defines them.
 *
 * Rows are appended, so a run that was stopped goes on: rows of the file are not computed again, and half a line
 * at its end is cut off.
 */
import { createReadStream } from 'node:fs';
import { open, stat, truncate, type FileHandle } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import { argmax, topK } from '../../mux/rules/probabilities.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import type { LabelledImages, Part } from './labelled.js';

export interface LabelsHeader {
  format: 'edgemux-labels';
  version: 1;
  labels: readonly string[];
  part: Part;
  models: { id: string; flops: number; roles: string[]; sha256: string }[];
  /** How rows name their image. */
  images: 'paths' | 'indices';
}

/** What a row says of correctness, by model id. */
export type Correct = Record<string, boolean>;

const rowSchema = z.object({
  image: z.string().optional(),
  index: z.number().optional(),
  correct: z.record(z.string(), z.boolean()),
});

/** With more classes than that only probabilities that say something are written. */
const DENSE_CLASSES = 32;
const SPARSE = { least: 1e-3, atLeast: 5, most: 50 };

export function headerOf(
  zoo: Zoo,
  models: readonly string[],
  images: Pick<LabelledImages, 'part' | 'key'>,
): LabelsHeader {
  return {
    format: 'edgemux-labels',
    version: 1,
    labels: zoo.labels,
    part: images.part,
    models: models.map((id) => {
      const { flops, roles, sha256 } = zoo.modelById(id);
      return { id, flops, roles, sha256 };
    }),
    images: typeof images.key(0) === 'string' ? 'paths' : 'indices',
  };
}

/**
 * One row as its line.
 *
 * @param key path or index of the image
 * @param probabilities K of each model, in the order of `models`
 */
export function rowLine(
  key: string | number,
  label: number,
  models: readonly string[],
  probabilities: readonly Float32Array[],
): { line: string; correct: Correct } {
  const byModel = <T>(of: (one: Float32Array) => T) =>
    Object.fromEntries(models.map((id, i) => [id, of(probabilities[i] ?? new Float32Array())]));
  const correct = byModel((one) => argmax(one) === label);
  const image = typeof key === 'string' ? { image: key } : { index: key };
  const row = { ...image, label, correct, probabilities: byModel(written) };
  return { line: `${JSON.stringify(row)}\n`, correct };
}

/** All of them, or, of many, those that matter: what is missing is spread evenly by the reader. */
function written(probabilities: Float32Array): number[] | Record<string, number> {
  if (probabilities.length <= DENSE_CLASSES) return Array.from(probabilities, rounded);
  const kept = topK(probabilities, SPARSE.most).filter(
    ({ probability }, rank) => rank < SPARSE.atLeast || probability >= SPARSE.least,
  );
  return Object.fromEntries(kept.map(({ classIndex, probability }) => [classIndex, rounded(probability)]));
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

export interface OpenLabels {
  /** Keys of the rows that are there already. */
  done: ReadonlySet<string | number>;
  /** Their correctness. */
  correct: readonly Correct[];
  append(text: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a new file, or one to go on with.
 *
 * @throws EdgemuxError CONFIG_INVALID where the file is of other models, labels or images
 */
export async function openLabels(path: string, header: LabelsHeader): Promise<OpenLabels> {
  const first = `${JSON.stringify(header)}\n`;
  const found = await readLabels(path, first);
  let handle: FileHandle;
  try {
    handle = await open(path, 'a');
    if (found.bytes === 0) await handle.truncate(0);
    if (found.bytes === 0) await handle.write(first);
    else if (found.bytes < (await stat(path)).size) await truncate(path, found.bytes);
  } catch (cause) {
    throw new EdgemuxError('CONFIG_INVALID', `--out: cannot write ${path}: ${messageOf(cause)}`, { cause });
  }
  return {
    done: found.done,
    correct: found.correct,
    append: async (text) => {
      await handle.appendFile(text);
    },
    close: () => handle.close(),
  };
}

interface Found {
  done: Set<string | number>;
  correct: Correct[];
  /** Length of the whole lines; 0 for no file. */
  bytes: number;
}

async function readLabels(path: string, header: string): Promise<Found> {
  const found: Found = { done: new Set(), correct: [], bytes: 0 };
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size === 0) return found;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const bytes = Buffer.byteLength(line) + 1;
    if (found.bytes + bytes > size) break; // half a line: its newline is missing
    if (found.bytes === 0) assertSame(path, line, header);
    else readRow(path, line, found);
    found.bytes += bytes;
  }
  return found;
}

function readRow(path: string, line: string, { done, correct }: Found): void {
  const row = rowSchema.safeParse(jsonOf(line));
  const key = row.data?.image ?? row.data?.index;
  if (!row.success || key === undefined)
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--out: line ${done.size + 2} of ${path} is no row of edgemux label`,
    );
  done.add(key);
  correct.push(row.data.correct);
}

function assertSame(path: string, line: string, header: string): void {
  if (line === header.trimEnd()) return;
  throw new EdgemuxError(
    'CONFIG_INVALID',
    `--out: ${path} holds something else, or labels of other models, classes or images. Name another file, or remove it`,
  );
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
