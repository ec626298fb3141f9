/**
 * Takes one model in and proves that it still computes the same: the original with its own preprocessing (in
 * TypeScript) against the wrapped one with the same pixels, and a batch against its images one by one.
 */
import { basename } from 'node:path';
import { EdgemuxError } from '../../common/errors.js';
import { checkVersions, findInput, findOutput } from '../../mux/onnx-check.js';
import { encodeModel, readModel } from '../../mux/onnx-file.js';
import { countFlops, flopsProbe, type Flops } from '../../mux/onnx-flops.js';
import { clearNames } from '../../mux/onnx-names.js';
import { channelsOf, preprocess } from '../../mux/onnx-pixels.js';
import { bakedModel, PROBE_INPUT, wrapModel, type Subject } from '../../mux/onnx-wrap.js';
import { allFinite, softmax as softmaxOf } from '../../mux/probabilities.js';
import { firstLine, probe } from './probe.js';
import { OUTPUTS, type ModelOption } from './import-flags.js';

export interface Proof {
  /** The wrapped model's file. */
  bytes: Uint8Array;
  flops: number;
  uncounted: string[];
  /** True where a softmax was added. */
  softmax: boolean;
  /** Batch size that the model was freed from, or null. */
  freedFrom: number | null;
  /** Largest difference between the two forms, of log-probabilities. */
  difference: number;
  /** K probabilities of the golden image. */
  probabilities: Float32Array;
  producer: string;
}

/** Log-probabilities of two forms may differ by that: float32 sums in another order. */
const TOLERANCE = 2e-3;
/** Below it a probability says nothing more in float32. */
const FLOOR = 1e-6;

/**
 * @param golden uint8 HWC of the zoo's input
 * @param folder for temporary files
 * @throws EdgemuxError MODEL_UNUSABLE with what to do
 */
export async function prove(
  option: ModelOption,
  classes: number,
  golden: Uint8Array,
  folder: string,
): Promise<Proof> {
  const subject = await readSubject(option, classes);
  const raw = await runOriginal(subject, option, golden, folder);
  const softmax = needsSoftmax(option, raw);
  const wanted = softmax ? softmaxOf(raw) : raw;
  const model = wrapModel(subject, softmax);
  const { height, width } = option.preprocessing;
  const input = { height, width, channels: channelsOf(option.preprocessing) };
  const other = golden.slice().reverse();
  const runs = [
    { pixels: golden, count: 1 },
    { pixels: other, count: 1 },
    { pixels: Buffer.concat([golden, other]), count: 2 },
  ];
  const spec = { id: option.file, input, classes, folder };
  const [one = raw, second = raw, both = raw] = await probe(model, spec, runs).catch((error: unknown) => {
    throw subject.batch === null ? error : fixedBatch(option.file, subject.batch, firstLine(error));
  });
  const difference = farthest(wanted, one);
  if (!(difference <= TOLERANCE)) throw differs(option.file, difference);
  const batched = Math.max(
    farthest(one, both.subarray(0, classes)),
    farthest(second, both.subarray(classes)),
  );
  if (!(batched <= TOLERANCE))
    throw fixedBatch(option.file, subject.batch, `differs by ${batched} in a batch`);
  return {
    ...{ bytes: encodeModel(model), softmax, difference, freedFrom: subject.batch, probabilities: one },
    ...(await flopsOf(option, subject, softmax, spec)),
    producer: producerOf(subject),
  };
}

/** Reads and checks the file. */
async function readSubject(option: ModelOption, classes: number): Promise<Subject> {
  const { file, preprocessing } = option;
  const model = await readModel(file);
  const versions = checkVersions(model, file);
  const { name, batch } = findInput(model, file, preprocessing);
  const output = findOutput(model, file, classes, option.output);
  const renamed = clearNames(model.graph);
  return {
    ...{ model, versions, batch, classes, preprocessing },
    input: renamed.get(name) ?? name,
    output: renamed.get(output.name) ?? output.name,
  };
}

/** Scores of the golden image, as the model itself gives them. */
async function runOriginal(
  subject: Subject,
  { file, preprocessing }: ModelOption,
  golden: Uint8Array,
  folder: string,
): Promise<Float32Array> {
  const spec = { id: file, input: PROBE_INPUT, classes: subject.classes, folder };
  const run = { pixels: new Uint8Array(1), count: 1 };
  const baked = bakedModel(subject, preprocess(golden, preprocessing));
  const [scores = new Float32Array()] = await probe(baked, spec, [run]).catch((cause: unknown) => {
    const text =
      `${file} does not give ${subject.classes} scores for one image of ${preprocessing.height}x${preprocessing.width}: ` +
      `${firstLine(cause)}. Check --size, --layout and the number of labels`;
    throw new EdgemuxError('MODEL_UNUSABLE', text, { cause });
  });
  if (allFinite(scores)) return scores;
  throw new EdgemuxError(
    'MODEL_UNUSABLE',
    `${file} gives NaN or infinite scores: check --mean, --std and --scale`,
  );
}

/** True for logits. What the user said and what the run shows must agree. */
function needsSoftmax({ file, outputIs }: ModelOption, raw: Float32Array): boolean {
  const sum = raw.reduce((all, value) => all + value, 0);
  const shares = Math.abs(sum - 1) < 1e-3 && raw.every((value) => value > -FLOOR);
  const seen = OUTPUTS[shares ? 1 : 0];
  if (outputIs === null || outputIs === seen) return !shares;
  const why = shares ? 'not negative and sum to 1' : `sum to ${sum.toPrecision(4)}`;
  throw new EdgemuxError(
    'MODEL_UNUSABLE',
    `${file}: --output-is ${outputIs}, but its scores of the golden image ${why}: they are ${seen}`,
  );
}

/** Largest |log p − log q| over the entries that matter in either. */
function farthest(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let most = 0;
  a.forEach((value, i) => {
    const apart = Math.abs(Math.log(Math.max(value, FLOOR)) - Math.log(Math.max(b[i] ?? NaN, FLOOR)));
    most = Math.max(most, Number.isNaN(apart) ? Infinity : apart);
  });
  return most;
}

async function flopsOf(
  option: ModelOption,
  subject: Subject,
  softmax: boolean,
  spec: Parameters<typeof probe>[1],
): Promise<Flops> {
  const wrapped = wrapModel(subject, softmax);
  const graph = wrapped.graph ?? {};
  const asked = flopsProbe({ ...wrapped, graph });
  const pixels = new Uint8Array(spec.input.height * spec.input.width * spec.input.channels);
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

function differs(file: string, difference: number): EdgemuxError {
  return new EdgemuxError(
    'MODEL_UNUSABLE',
    `${file}: with its preprocessing inside the graph it answers differently (by ${difference} in log-probability). ` +
      `This is a fault of the import: please report it with the model`,
  );
}

function fixedBatch(file: string, batch: number | null, why: string): EdgemuxError {
  const fixed = batch === null ? 'computes several images together' : `is fixed to a batch of ${batch}`;
  return new EdgemuxError(
    'MODEL_UNUSABLE',
    `${basename(file)} ${fixed} and cannot be freed here (${why}). Export it with a free first dim: ` +
      `torch.onnx.export(…, input_names=['x'], output_names=['y'], dynamic_axes={'x': {0: 'N'}, 'y': {0: 'N'}})`,
  );
}
