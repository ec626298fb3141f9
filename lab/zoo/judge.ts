/** Labelled images through every model, in batches: the next batch is decoded while one is run. */
import type { Inference } from '../../mux/inference/inference.js';
import { allFinite } from '../../mux/rules/probabilities.js';
import { distinctInputs, inputBytes, inputKey, type NetworkInput } from '../../mux/zoo/input.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import type { Net } from '../eval/outputs/nets.js';
import type { LabelledImages } from './labelled.js';

/** One image and what the models said of it. */
export interface Judged {
  index: number;
  label: number;
  /** K probabilities of each model, in the order of `models`. */
  probabilities: Float32Array[];
  /** Outputs of each of `beside` for this image. */
  beside: Record<string, Float32Array>[];
}

export interface JudgeDeps {
  inference: Pick<Inference, 'infer'>;
  images: LabelledImages;
  /** Networks that are asked beside the models: the muxes. */
  beside?: readonly Net[];
  /** Images a run; as fits the inputs unless given. */
  batch?: number;
  /** Called in the order of `which`. */
  judged: (row: Judged) => void;
  /** An image that cannot be read, or that a model has no numbers for. */
  failed: (index: number, why: unknown) => void;
  /** Awaited after each batch. */
  batchEnded?: () => Promise<void>;
  /** Asked before each batch. */
  stopped: () => boolean;
}

interface Batch {
  indices: number[];
  /** Pixels of all images, for each of the inputs. */
  pixels: Uint8Array[];
}

/** Values (H · W · C) in a batch at most, beyond one image; and images at most. */
const BATCH_VALUES = 4_000_000;
const BATCH_IMAGES = 64;

/** Images a batch: few large or many small ones. */
export function batchSize(inputs: readonly NetworkInput[]): number {
  const values = inputs.reduce((sum, input) => sum + inputBytes(input), 0);
  return Math.max(1, Math.min(BATCH_IMAGES, Math.floor(BATCH_VALUES / values)));
}

/** What the models of a zoo take, each kind once. */
export function inputsOf(zoo: Zoo, models: readonly string[]): NetworkInput[] {
  return distinctInputs(models.map((id) => zoo.inputOf(id)));
}

/**
 * @param which indices of the images
 * @throws EdgemuxError INFERENCE_FAILED, INFERENCE_STOPPED
 */
export async function judge(
  deps: JudgeDeps,
  zoo: Zoo,
  models: readonly string[],
  which: readonly number[],
): Promise<void> {
  const { beside = [] } = deps;
  const inputs = distinctInputs([...inputsOf(zoo, models), ...beside.map(({ input }) => input)]);
  const size = deps.batch ?? batchSize(inputs);
  const next = (from: number) => readBatch(deps, inputs, which.slice(from, from + size));
  let reading = next(0);
  for (let from = 0; from < which.length && !deps.stopped(); from += size) {
    const batch = await reading;
    reading = from + size < which.length ? next(from + size) : Promise.resolve({ indices: [], pixels: [] });
    // Awaited in the next turn; until then a failure must not count as unhandled.
    reading.catch(() => undefined);
    if (batch.indices.length > 0) await runBatch(deps, zoo, models, inputs, batch);
    await deps.batchEnded?.();
  }
}

/** Decodes; what fails is reported and left out. */
async function readBatch(
  { images, failed }: JudgeDeps,
  inputs: readonly NetworkInput[],
  which: readonly number[],
): Promise<Batch> {
  const read = await Promise.allSettled(which.map((index) => images.pixels(index, inputs)));
  const indices: number[] = [];
  const pixels: Uint8Array[][] = [];
  read.forEach((one, i) => {
    const index = which[i] ?? 0;
    if (one.status === 'rejected') return failed(index, one.reason);
    indices.push(index);
    pixels.push(one.value);
  });
  const ofInput = (at: number) => Buffer.concat(pixels.map((one) => one[at] ?? new Uint8Array()));
  return { indices, pixels: inputs.map((_, at) => ofInput(at)) };
}

async function runBatch(
  { inference, images, beside = [], judged, failed }: JudgeDeps,
  zoo: Zoo,
  models: readonly string[],
  inputs: readonly NetworkInput[],
  { indices, pixels }: Batch,
): Promise<void> {
  const { classes } = zoo;
  const count = indices.length;
  const keys = inputs.map(inputKey);
  const pixelsFor = (input: NetworkInput) => pixels[keys.indexOf(inputKey(input))] ?? new Uint8Array();
  const answers: Float32Array[] = [];
  for (const model of models) {
    const own = pixelsFor(zoo.inputOf(model));
    const outcome = await inference.infer({ kind: 'classify', model, pixels: own, count });
    answers.push(outcome.probabilities);
  }
  const others: Record<string, Float32Array>[] = [];
  for (const net of beside) others.push((await net.run(pixelsFor(net.input), count)).outputs);
  indices.forEach((index, i) => {
    const probabilities = answers.map((all) => all.subarray(i * classes, (i + 1) * classes));
    const broken = probabilities.findIndex((one) => !allFinite(one));
    if (broken >= 0) return failed(index, `${models[broken]} gives NaN or infinite probabilities`);
    const heads = others.map((outputs) => rowsAt(outputs, i, count));
    if (heads.some((outputs) => !Object.values(outputs).every(allFinite)))
      return failed(index, 'the mux gives NaN or infinite numbers');
    judged({ index, label: images.label(index), probabilities, beside: heads });
  });
}

/** Row i of outputs of `count` images. */
function rowsAt(
  outputs: Record<string, Float32Array>,
  i: number,
  count: number,
): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, values]) => {
      const width = values.length / count;
      return [name, values.subarray(i * width, (i + 1) * width)];
    }),
  );
}
