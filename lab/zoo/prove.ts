/**
 * Takes one model in and proves that it still computes the same: the original with its own preprocessing (in
 * TypeScript) against the wrapped one with the same pixels, a batch against its images one by one, and, where this
 * machine has the ONNX Runtime that the file is for, the same there.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgemuxError } from '../../common/errors.js';
import { allFinite } from '../../mux/rules/probabilities.js';
import { inputBytes, networkInput, type NetworkInput } from '../../mux/zoo/input.js';
import type { Needs } from '../../mux/zoo/manifest.js';
import { scoresOf } from './class-map.js';
import { readClassNames, type ClassNames } from './class-names.js';
import { compare, type Comparison } from './compare.js';
import { goldenPixels } from './golden.js';
import type { ModelOption } from './import-options.js';
import { checkVersions, findInput, findOutput } from './onnx/onnx-check.js';
import { encodeModel, readModel } from './onnx/onnx-file.js';
import { countFlops, flopsProbe, type Flops } from './onnx/onnx-flops.js';
import { clearNames } from './onnx/onnx-names.js';
import { channelsOf, preprocess, type Preprocessing } from './onnx/onnx-pixels.js';
import {
  originOf,
  probabilitiesOf,
  readingOf,
  stepKnown,
  type Origin,
  type Reading,
} from './onnx/onnx-scores.js';
import type { OnnxModel } from './onnx/onnx-types.js';
import { bakedModel, PROBE_INPUT, wrapModel, type Subject } from './onnx/onnx-wrap.js';
import { firstLine, probe, type ProbeSpec } from './probe.js';
import { inTarget } from './target.js';

export interface Proof extends Comparison {
  /** The wrapped model's file. */
  bytes: Uint8Array;
  input: NetworkInput;
  preprocessing: Preprocessing;
  needs: Needs;
  /** Opset that the file had, where it was brought down. */
  loweredFrom: number | null;
  /** True where the file was run in the ONNX Runtime of its target. */
  triedInTarget: boolean;
  flops: number;
  uncounted: string[];
  reading: Reading;
  /** Batch size that the model was freed from, or null. */
  freedFrom: number | null;
  producer: string;
}

/** Where an import's models are looked at. */
export interface Bench {
  names: ClassNames;
  /** Picture that both forms are run on; null: a made-up one. */
  imageFile: string | null;
  /** For temporary files. */
  folder: string;
}

/** @throws EdgemuxError MODEL_UNUSABLE with what to do; CONFIG_INVALID (picture, class order) */
export async function prove(option: ModelOption, bench: Bench): Promise<Proof> {
  const { subject, origin } = await readSubject(option, bench.names);
  const input = inputOf(option, subject.preprocessing);
  const golden = await goldenPixels(bench.imageFile, input);
  const raw = await runOriginal(subject, option, golden, bench.folder);
  const shares = option.outputIs === 'probabilities' || origin.opType === 'Softmax';
  if (!shares && !stepKnown(subject.model.graph, subject.scores)) throw unknownStep(option);
  const reading = readingOf({ path: option.file, id: option.id }, subject.scores, option.outputIs, origin, [
    raw,
  ]);
  const wanted = probabilitiesOf(subject.scores, reading, raw);
  const spec = { id: option.file, input, classes: subject.scores.classes, folder: bench.folder };
  const found = await freed(subject, (one) => {
    const model = wrapModel(one, reading);
    const run = (runs: Parameters<typeof probe>[2]) => probe(model, spec, runs);
    return compare({ file: option.file, batch: one.batch, coarse: origin.coarse }, run, golden, wanted);
  });
  const model = wrapModel(found.subject, reading);
  const bytes = encodeModel(model);
  const { writtenOpset, writtenIr, opset, lowered } = subject.versions;
  return {
    bytes,
    input,
    preprocessing: subject.preprocessing,
    needs: { opset: writtenOpset, ir: writtenIr },
    loweredFrom: lowered ? opset : null,
    triedInTarget: await triedInTarget(option, bytes, spec, golden, found.comparison.probabilities),
    reading,
    freedFrom: found.subject.batch,
    producer: producerOf(subject),
    ...found.comparison,
    ...(await flopsOf(option, model, spec)),
  };
}

/** Reads and checks the file. */
export async function readSubject(
  option: ModelOption,
  names: ClassNames,
): Promise<{ subject: Subject; origin: Origin }> {
  const { id, file: path, classOrderFile } = option;
  const model = await readModel(path);
  const versions = checkVersions(model, { id, path, target: option.target });
  const { colour } = option.normalisation;
  const { name, type, batch, ...shape } = findInput(model, { id, path }, { ...option.input, colour });
  const output = findOutput(model, path, option.output);
  const order = classOrderFile === null ? null : await readClassNames(classOrderFile, 'class-order');
  const scores = scoresOf(option, output, names, order);
  const renamed = clearNames(model.graph, versions.lowered ?? []);
  const rename = (one: string): string => renamed.get(one) ?? one;
  const subject = {
    model,
    versions,
    batch,
    input: { name: rename(name), type },
    scores: { ...scores, output: rename(scores.output) },
    preprocessing: { ...shape, ...option.normalisation },
  };
  return { subject, origin: originOf(model.graph, subject.scores.output) };
}

export function inputOf({ fitting }: ModelOption, preprocessing: Preprocessing): NetworkInput {
  const { height, width } = preprocessing;
  const channels = channelsOf(preprocessing);
  return networkInput({ height, width, channels, layout: 'NHWC', dtype: 'uint8', ...fitting });
}

/**
 * A model may declare a free batch and have 1 written into a Reshape inside: where one with a free batch fails on two
 * images, it is freed like one with a fixed one.
 */
async function freed(
  subject: Subject,
  attempt: (subject: Subject) => Promise<Comparison>,
): Promise<{ subject: Subject; comparison: Comparison }> {
  try {
    return { subject, comparison: await attempt(subject) };
  } catch (error) {
    if (subject.batch !== null) throw error;
    const fixed = { ...subject, batch: 1 };
    const comparison = await attempt(fixed).catch(() => Promise.reject(error as Error));
    return { subject: fixed, comparison };
  }
}

/** Scores of the golden image, as the model itself gives them. */
export async function runOriginal(
  subject: Subject,
  { id, file }: Pick<ModelOption, 'id' | 'file'>,
  golden: Uint8Array,
  folder: string,
): Promise<Float32Array> {
  const { preprocessing, scores, input } = subject;
  const spec = { id: file, input: PROBE_INPUT, classes: scores.own, folder };
  const run = { pixels: new Uint8Array(1), count: 1 };
  const tensor = preprocess(golden, preprocessing);
  assertSpread(file, id, input.type, tensor);
  const baked = bakedModel(subject, tensor);
  const [found = new Float32Array()] = await probe(baked, spec, [run]).catch((cause: unknown) => {
    const text =
      `${file} does not give ${scores.own} scores for one image of ${preprocessing.height}x${preprocessing.width}: ` +
      `${firstLine(cause)}. Check --size, --layout and the number of labels`;
    throw new EdgemuxError('MODEL_UNUSABLE', text, { cause });
  });
  if (allFinite(found)) return found;
  throw new EdgemuxError(
    'MODEL_UNUSABLE',
    `${file} gives NaN or infinite scores: check --mean, --std and --scale`,
  );
}

/** ONNX's numbers of the integer types, and what they hold. */
const RANGES: Record<number, readonly [number, number]> = { 2: [0, 255], 3: [-128, 127] };

/** An integer input takes whole pixel values: normalised ones would round to three or four numbers. */
function assertSpread(file: string, id: string, type: number, tensor: Float32Array): void {
  const range = RANGES[type];
  if (!range) return;
  const [low, high] = range;
  const inside = tensor.filter((value) => value >= low - 0.5 && value < high + 0.5).length / tensor.length;
  const levels = new Set(tensor.map((value) => Math.round(value))).size;
  if (inside > 0.98 && levels > 8) return;
  const mean = low === 0 ? 0 : 128;
  throw new EdgemuxError(
    'MODEL_UNUSABLE',
    `${file}: its input takes whole numbers of ${low} to ${high}, and --mean, --std and --scale make others of most pixels. ` +
      `For pixels as they are pass --scale ${id}=1 --mean ${id}=${mean} --std ${id}=1`,
  );
}

function unknownStep({ file, id }: ModelOption): EdgemuxError {
  return new EdgemuxError(
    'MODEL_UNUSABLE',
    `${file}: its output is whole numbers, and the file does not say what one is worth. If they are probabilities, pass ` +
      `--output-is ${id}=probabilities; else export it with a float32 output`,
  );
}

async function triedInTarget(
  { file, id, target }: ModelOption,
  bytes: Uint8Array,
  spec: ProbeSpec,
  pixels: Uint8Array,
  wanted: Float32Array,
): Promise<boolean> {
  if (target === 'any') return true; // every run here was
  const path = join(spec.folder, 'target.onnx');
  await writeFile(path, bytes);
  return inTarget({ id, file, path, input: spec.input, pixels, folder: spec.folder }, wanted);
}

async function flopsOf(option: ModelOption, wrapped: OnnxModel, spec: ProbeSpec): Promise<Flops> {
  const graph = wrapped.graph ?? {};
  const asked = flopsProbe({ ...wrapped, graph });
  const pixels = new Uint8Array(inputBytes(spec.input));
  const [numbers = new Float32Array()] = asked
    ? await probe(asked.model, { ...spec, classes: asked.length }, [{ pixels, count: 1 }])
    : [];
  const found = countFlops(graph, numbers);
  const flops = option.flops ?? found.flops;
  if (flops > 0) return { flops, uncounted: option.flops === null ? found.uncounted : [] };
  throw new EdgemuxError(
    'MODEL_UNUSABLE',
    `${option.file}: no Conv, Gemm or MatMul to count. Say what it costs: --flops ${option.id}=<multiply-accumulates>`,
  );
}

function producerOf({ model: { producerName = '', producerVersion = '' } }: Subject): string {
  return `${producerName} ${producerVersion}`.trim() || 'unknown producer';
}
