/** The outputs of a zoo's networks as a labels file has them: nothing is run, no picture is read. */
import { EdgemuxError } from '../../../common/errors.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import type { LabelsHeader, RowOutputs } from '../../zoo/labels/header.js';
import { readLabels, type LabelsReader } from '../../zoo/labels/read.js';
import { answersOf, type Answers, type Measured } from './outputs.js';

/**
 * Reads a file of `edgemux label --mux`; without its muxes only the cascade can be judged by it.
 *
 * @throws EdgemuxError CONFIG_INVALID where the file is none, or is of another zoo
 */
export async function measuredFromLabels(zoo: Zoo, path: string): Promise<Measured> {
  const reader = await readLabels(path);
  assertOfZoo(zoo, path, reader.header);
  const count = reader.count ?? (await countRows(reader));
  if (count === 0) throw new EdgemuxError('CONFIG_INVALID', `--labels: ${path} holds no labelled image`);
  const columns = columnsOf(reader.header, count, zoo.classes);
  let at = 0;
  for await (const { label, outputs } of reader.rows()) {
    columns.labels[at] = label;
    fill(columns, outputs, at, zoo.classes);
    at += 1;
  }
  return {
    count,
    classes: zoo.classes,
    labels: columns.labels,
    provider: 'none, a labels file',
    looked: null,
    features: [],
    ...readingsOf(zoo, reader.header, columns),
  };
}

function assertOfZoo(zoo: Zoo, path: string, { labels, models }: LabelsHeader): void {
  const other = (what: string): EdgemuxError =>
    new EdgemuxError('CONFIG_INVALID', `--labels: ${path} ${what}: run edgemux label with zoo '${zoo.name}'`);
  if (labels.join('\n') !== zoo.labels.join('\n')) throw other('has other classes');
  for (const { id, sha256 } of models) {
    const known = zoo.manifest.models.find((model) => model.id === id);
    if (!known) throw other(`has model ${id}, which the zoo has not`);
    if (sha256 !== undefined && sha256 !== known.sha256) throw other(`is of another ${id}`);
  }
}

async function countRows(reader: LabelsReader): Promise<number> {
  let count = 0;
  for await (const row of reader.rows()) count += row ? 1 : 0;
  return count;
}

interface Columns {
  labels: Uint16Array;
  /** N × K of each network. */
  probabilities: Float32Array[];
  score: Float32Array;
  correct: Float32Array;
  weights: Float32Array;
}

function columnsOf({ models, muxes }: LabelsHeader, count: number, classes: number): Columns {
  const networks = models.length + (muxes?.pair ? 1 : 0) + (muxes?.group ? 1 : 0);
  const members = muxes?.group?.models.length ?? 0;
  return {
    labels: new Uint16Array(count),
    probabilities: Array.from({ length: networks }, () => new Float32Array(count * classes)),
    score: new Float32Array(muxes?.pair ? count : 0),
    correct: new Float32Array(count * members),
    weights: new Float32Array(count * members),
  };
}

function fill(columns: Columns, outputs: RowOutputs, at: number, classes: number): void {
  outputs.probabilities.forEach((row, v) => columns.probabilities[v]?.set(row, at * classes));
  if (outputs.score !== null) columns.score[at] = outputs.score;
  const { correct, weights } = outputs;
  if (correct) columns.correct.set(correct, at * correct.length);
  if (weights) columns.weights.set(weights, at * weights.length);
}

function readingsOf(
  zoo: Zoo,
  { models, muxes }: LabelsHeader,
  { labels, probabilities, score, correct, weights }: Columns,
): Pick<Measured, 'models' | 'pairMux' | 'groupMux'> {
  const answers = (v: number): Answers =>
    answersOf(probabilities[v] ?? new Float32Array(), labels, zoo.classes);
  const { pair, group } = muxes ?? {};
  return {
    models: models.map(({ id, flops }, v) => ({ id, flops, runMs: null, ...answers(v) })),
    pairMux: pair ? { flops: pair.flops, runMs: null, score, ...answers(models.length) } : null,
    groupMux: group
      ? {
          flops: group.flops,
          runMs: null,
          correct,
          weights,
          ids: group.models,
          ...answers(probabilities.length - 1),
        }
      : null,
  };
}
