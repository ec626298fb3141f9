/** The labels file as JSON lines (`*.jsonl`): a header, then a row an image, as scripts/train/README.md defines them. */
import { z } from 'zod';
import { argmax, topK } from '../../../mux/rules/probabilities.js';
import { headerSchema, type LabelRow, type LabelsHeader } from './header.js';

const vector = z.union([z.array(z.number()), z.record(z.string(), z.number())]);
type Written = z.infer<typeof vector>;

const rowSchema = z.object({
  image: z.string().optional(),
  index: z.number().optional(),
  label: z.int().min(0),
  correct: z.record(z.string(), z.boolean()).optional(),
  probabilities: z.record(z.string(), vector),
  mux: z.object({ score: z.number(), probabilities: vector }).optional(),
  group: z
    .object({ correct: z.array(z.number()), weights: z.array(z.number()), probabilities: vector })
    .optional(),
});

/** With more classes than that only probabilities that say something are written. */
const DENSE_CLASSES = 32;
const SPARSE = { least: 1e-3, atLeast: 5, most: 50 };

export function headerLine(header: LabelsHeader): string {
  return `${JSON.stringify(header)}\n`;
}

export function rowLine({ models, muxes }: LabelsHeader, { image, label, outputs, right }: LabelRow): string {
  const all = outputs.probabilities.map(written);
  const byModel = <T>(values: readonly T[]) => Object.fromEntries(models.map(({ id }, m) => [id, values[m]]));
  const numbers = (values: Float32Array | null) => Array.from(values ?? [], rounded);
  const group = { correct: numbers(outputs.correct), weights: numbers(outputs.weights) };
  const row = {
    ...(typeof image === 'string' ? { image } : { index: image }),
    label,
    correct: byModel(right),
    probabilities: byModel(all),
    ...(muxes?.pair
      ? { mux: { score: rounded(outputs.score ?? 0), probabilities: all[models.length] } }
      : {}),
    ...(muxes?.group ? { group: { ...group, probabilities: all.at(-1) } } : {}),
  };
  return `${JSON.stringify(row)}\n`;
}

/** All of them, or, of many, those that matter: what is missing is spread evenly by the reader. */
function written(probabilities: Float32Array): Written {
  if (probabilities.length <= DENSE_CLASSES) return Array.from(probabilities, rounded);
  const kept = topK(probabilities, SPARSE.most).filter(
    ({ probability }, rank) => rank < SPARSE.atLeast || probability >= SPARSE.least,
  );
  return Object.fromEntries(kept.map(({ classIndex, probability }) => [classIndex, rounded(probability)]));
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

/** @throws where the line is no header */
export function headerOfLine(line: string): LabelsHeader {
  return headerSchema.parse(JSON.parse(line));
}

/** @throws where the line is no row under this header */
export function rowOfLine(header: LabelsHeader, line: string): LabelRow {
  const row = rowSchema.parse(JSON.parse(line));
  const { models, muxes } = header;
  const image = row.image ?? row.index;
  if (image === undefined) throw new Error('neither image nor index');
  const vectors = models.map(({ id }) => [id, row.probabilities[id]] as const);
  if (muxes?.pair) vectors.push(['mux', row.mux?.probabilities]);
  if (muxes?.group) vectors.push(['group', row.group?.probabilities]);
  const probabilities = vectors.map(([id, values]) => dense(id, values, header.labels.length));
  const column = (values: number[] | undefined) => (muxes?.group ? Float32Array.from(values ?? []) : null);
  return {
    image,
    label: row.label,
    outputs: {
      probabilities,
      score: muxes?.pair ? Math.fround(row.mux?.score ?? 0) : null,
      correct: column(row.group?.correct),
      weights: column(row.group?.weights),
    },
    right: models.map(({ id }, m) => row.correct?.[id] ?? argmax(probabilities[m] ?? []) === row.label),
  };
}

/** K probabilities of a list, or of {class index: probability}, whose missing mass is spread over the others. */
function dense(id: string, values: Written | undefined, classes: number): Float32Array {
  if (values === undefined) throw new Error(`no probabilities of ${id}`);
  if (Array.isArray(values)) {
    if (values.length === classes) return Float32Array.from(values);
    throw new Error(`${values.length} probabilities of ${id} for ${classes} classes`);
  }
  const given = Object.entries(values);
  const sum = given.reduce((total, [, value]) => total + value, 0);
  const found = new Float32Array(classes).fill(Math.max(0, 1 - sum) / Math.max(1, classes - given.length));
  for (const [k, value] of given) {
    if (!(Number(k) >= 0 && Number(k) < classes)) throw new Error(`${id} has a probability of class ${k}`);
    found[Number(k)] = value;
  }
  return found;
}
