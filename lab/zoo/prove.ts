/**
 * Takes one model in and proves that it still computes the same: the original with its own preprocessing (in
 * TypeScript) against the wrapped one with the same pixels, and a batch against its images one by one.
 */
import { EdgemuxError } from '../../common/errors.js';
import { checkVersions, findInput, findOutput } from './onnx/onnx-check.js';
import { encodeModel, readModel } from './onnx/onnx-file.js';
import { countFlops, flopsProbe, type Flops } from './onnx/onnx-flops.js';
import { clearNames } from './onnx/onnx-names.js';
import { channelsOf, preprocess } from './onnx/onnx-pixels.js';
import { bakedModel, PROBE_INPUT, wrapModel, type Subject } from './onnx/onnx-wrap.js';
import type { OnnxModel } from './onnx/onnx-types.js';
import { allFinite, softmax as softmaxOf } from '../../mux/rules/probabilities.js';
import { compare, type Comparison } from './compare.js';
import { firstLine, probe, type ProbeSpec } from './probe.js';
import { OUTPUTS, type ModelOption } from './import-options.js';

export interface Proof extends Comparison {
  /** The wrapped model's file. */
  bytes: Uint8Array;
  flops: number;
  uncounted: string[];
  /** True where a softmax was added. */
  softmax: boolean;
  /** Batch size that the model was freed from, or null. */
  freedFrom: number | null;
  producer: string;
}

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
  const model = wrapModel(subject, softmax);
  const { height, width } = option.preprocessing;
  const input = { height, width, channels: channelsOf(option.preprocessing) };
  const spec = { id: option.file, input, classes, folder };
  return {
    bytes: encodeModel(model),
    softmax,
    freedFrom: subject.batch,
    producer: producerOf(subject),
    ...(await compare(
      option.file,
      subject.batch,
      (runs) => probe(model, spec, runs),
      golden,
      softmax ? softmaxOf(raw) : raw,
    )),
    ...(await flopsOf(option, model, spec)),
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
    model,
    versions,
    batch,
    classes,
    preprocessing,
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
  const shares = Math.abs(sum - 1) < 1e-3 && raw.every((value) => value > -1e-6);
  const seen = OUTPUTS[shares ? 1 : 0];
  if (outputIs === null || outputIs === seen) return !shares;
  const why = shares ? 'not negative and sum to 1' : `sum to ${sum.toPrecision(4)}`;
  throw new EdgemuxError(
    'MODEL_UNUSABLE',
    `${file}: --output-is ${outputIs}, but its scores of the golden image ${why}: they are ${seen}`,
  );
}

async function flopsOf(option: ModelOption, wrapped: OnnxModel, spec: ProbeSpec): Promise<Flops> {
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
