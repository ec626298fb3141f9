/** Every network of a zoo over its test images, through the same sessions as the daemon's, in batches. */
import type { Provider } from '../../../mux/config.js';
import { Inference } from '../../../mux/inference/inference.js';
import { argmax, maximum } from '../../../mux/rules/probabilities.js';
import { distinctInputs, inputBytes, inputKey, type NetworkInput } from '../../../mux/zoo/input.js';
import { EdgemuxError } from '../../../common/errors.js';
import { chosen, evaluationImages, type LabelledImages } from '../../zoo/labelled.js';
import { Unusable } from '../../zoo/unusable.js';
import { featuresOf } from './features.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import { classifier, groupNet, pairNet, timesMs, type Net } from './nets.js';

/** What a classifier said of N images. */
export interface Answers {
  /** N × K, row by row. */
  probabilities: Float32Array;
  /** 1 where the most probable class is the label, else 0: N. */
  right: Uint8Array;
  /** Largest probability: N. */
  confidence: Float32Array;
}

export interface MeasuredModel extends Answers {
  id: string;
  flops: number;
  /** Median of a single-image run on this machine, in ms; null where nothing was run. */
  runMs: number | null;
}

export interface MeasuredPairMux extends Answers {
  flops: number;
  runMs: number | null;
  /** N scores, higher = harder. */
  score: Float32Array;
}

export interface MeasuredGroupMux extends Answers {
  flops: number;
  runMs: number | null;
  /** N × M, in the order of `ids`. */
  correct: Float32Array;
  weights: Float32Array;
  ids: readonly string[];
}

export interface Measured {
  count: number;
  classes: number;
  labels: Uint16Array;
  /** Execution provider, for people. */
  provider: string;
  models: MeasuredModel[];
  pairMux: MeasuredPairMux | null;
  groupMux: MeasuredGroupMux | null;
  /** The pictures; null where outputs come from a file. */
  looked: Looked | null;
  /** Hand-crafted features of each image, see `featuresOf`; none without pictures. */
  features: number[][];
}

/** What was looked at, and which of it. */
export interface Looked {
  images: LabelledImages;
  which: readonly number[];
  unusable: Unusable;
}

export interface OutputsOptions {
  /** Folder of labelled pictures; null: the zoo's own test images. */
  images: string | null;
  /** Images at most; null: all. */
  limit: number | null;
  providers: readonly Provider[];
  /** Told what is being run, and how far the whole is, in [0, 1]. */
  progress?: (what: string, done: number) => void;
}

/** Large enough to fill a CPU or a GPU, small enough for a Jetson's memory, in images and in bytes of pixels. */
const BATCH = { images: 250, bytes: 2_000_000 };
/** Images that take turns where runs are timed. */
const TIMED_IMAGES = 101;

/**
 * @throws EdgemuxError ZOO_INVALID (no test images), CONFIG_INVALID (folder), and what starting and running the
 *   sessions throws
 */
export async function measure(zoo: Zoo, options: OutputsOptions): Promise<Measured> {
  const images = await evaluationImages(zoo, options.images);
  const all = chosen(images, options.limit);
  const inference = inferenceOf(zoo, options.providers);
  const { provider } = await inference.start();
  try {
    const nets = netsOf(zoo, inference);
    options.progress?.('single runs, for the time', 0);
    const times = await timesMs(nets, await firstPixels(images, all, nets));
    const { swept, which, features, unusable } = await sweep(nets, images, all, zoo, options.progress);
    const labels = Uint16Array.from(which, (i) => images.label(i));
    const read = swept.map((heads, at) => ({
      ...answered(heads, labels, zoo.classes),
      runMs: times[at] ?? NaN,
    }));
    const looked = { images, which, unusable };
    return {
      count: which.length,
      labels,
      looked,
      features,
      classes: zoo.classes,
      provider,
      ...readings(zoo, read),
    };
  } finally {
    await inference.stop();
  }
}

/** Images that runs are timed on, for each network. @throws EdgemuxError CONFIG_INVALID where none can be read */
async function firstPixels(
  images: LabelledImages,
  which: readonly number[],
  nets: readonly Net[],
): Promise<Uint8Array[][]> {
  const inputs = nets.map(({ input }) => input);
  const read = await Promise.allSettled(which.slice(0, TIMED_IMAGES).map((i) => images.pixels(i, inputs)));
  const found = read.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (found.length > 0) return found;
  throw new EdgemuxError('CONFIG_INVALID', `none of the first ${read.length} images can be read`);
}

/** All networks of a zoo in one worker. */
function inferenceOf(zoo: Zoo, providers: readonly Provider[]): Inference {
  const { pair, group } = zoo.manifest.mux ?? {};
  return new Inference(
    {},
    {
      zoo,
      models: zoo.manifest.models.map(({ id }) => id),
      mux: pair ? 'pair' : null,
      groupMux: group !== undefined,
      providers,
      requireProvider: false,
      threads: 0,
      warmupRuns: 3,
    },
  );
}

/** The models in the order of the manifest, then the mux of the pair and that of the group, where there are any. */
function netsOf(zoo: Zoo, inference: Inference): Net[] {
  const { pair, group } = zoo.manifest.mux ?? {};
  return [
    ...zoo.manifest.models.map(({ id }) => classifier(inference, zoo, id)),
    ...(pair ? [pairNet(inference, zoo)] : []),
    ...(group ? [groupNet(inference, zoo)] : []),
  ];
}

/** @param swept in the order of `netsOf` */
function readings(zoo: Zoo, swept: readonly Swept[]): Pick<Measured, 'models' | 'pairMux' | 'groupMux'> {
  const { pair, group } = zoo.manifest.mux ?? {};
  const models = zoo.manifest.models.flatMap(({ id, flops }, at) => {
    const found = swept[at];
    return found ? { id, flops, runMs: found.runMs, ...found.answers } : [];
  });
  const rest = swept.slice(models.length);
  const pairSwept = pair ? rest.shift() : undefined;
  const groupSwept = group ? rest.shift() : undefined;
  return {
    models,
    pairMux: pair && pairSwept ? pairReading(pair.flops, pairSwept) : null,
    groupMux: group && groupSwept ? groupReading(group, groupSwept) : null,
  };
}

export interface Swept {
  answers: Answers;
  runMs: number;
  /** Outputs beside the probabilities. */
  heads: Record<string, Float32Array>;
}

/** What networks gave for the images that could be read. */
export interface Sweep {
  /** Outputs of each network, N × width. */
  swept: Record<string, Float32Array>[];
  which: number[];
  features: number[][];
  unusable: Unusable;
}

/** All images through the networks, in batches, each decoded once. */
export async function sweep(
  nets: readonly Net[],
  images: LabelledImages,
  all: readonly number[],
  zoo: Zoo,
  progress: OutputsOptions['progress'],
): Promise<Sweep> {
  const inputs = distinctInputs([zoo.input, ...nets.map(({ input }) => input)]);
  const keys = inputs.map(inputKey);
  const bytes = inputs.reduce((sum, input) => sum + inputBytes(input), 0);
  const size = Math.max(1, Math.min(BATCH.images, Math.floor(BATCH.bytes / bytes)));
  const swept = nets.map((): Record<string, Float32Array> => ({}));
  const found: Omit<Sweep, 'swept'> = { which: [], features: [], unusable: new Unusable() };
  for (let from = 0; from < all.length; from += size) {
    const before = found.which.length;
    const pixels = await readBatch(images, all.slice(from, from + size), inputs, found);
    for (const [at, net] of nets.entries()) {
      progress?.(net.name, (from + (size * at) / nets.length) / all.length);
      if (pixels.length === 0) continue;
      const own = pixels.map((one) => one[keys.indexOf(inputKey(net.input))] ?? new Uint8Array());
      const { outputs } = await net.run(Buffer.concat(own), own.length);
      const heads = swept[at] ?? {};
      for (const [name, values] of Object.entries(outputs)) {
        const width = values.length / own.length;
        // at once for all images: pieces that are joined at the end would be held twice
        (heads[name] ??= new Float32Array(all.length * width)).set(values, before * width);
      }
    }
    for (const [own = new Uint8Array()] of pixels) found.features.push(featuresOf(own, zoo.input));
  }
  const share = found.which.length / all.length;
  for (const heads of swept) {
    for (const [name, values] of Object.entries(heads))
      heads[name] = values.subarray(0, Math.round(values.length * share));
  }
  return { swept, ...found };
}

/** Pixels of the images that can be read, for each input; who they are, and the others, go into `found`. */
async function readBatch(
  images: LabelledImages,
  which: readonly number[],
  inputs: readonly NetworkInput[],
  found: Pick<Sweep, 'which' | 'unusable'>,
): Promise<Uint8Array[][]> {
  const read = await Promise.allSettled(which.map((i) => images.pixels(i, inputs)));
  return read.flatMap((one, at) => {
    const i = which[at] ?? 0;
    if (one.status === 'rejected') {
      found.unusable.add(images.key(i), one.reason);
      return [];
    }
    found.which.push(i);
    return [one.value];
  });
}

/** What the outputs of one network say, against the labels. */
export function answered(
  { probabilities = new Float32Array(), ...heads }: Record<string, Float32Array>,
  labels: Uint16Array,
  classes: number,
): Omit<Swept, 'runMs'> {
  return { answers: answersOf(probabilities, labels, classes), heads };
}

/** @param probabilities N × K */
export function answersOf(probabilities: Float32Array, labels: Uint16Array, classes: number): Answers {
  const right = new Uint8Array(labels.length);
  const confidence = new Float32Array(labels.length);
  for (let i = 0; i < labels.length; i += 1) {
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    right[i] = argmax(row) === labels[i] ? 1 : 0;
    confidence[i] = maximum(row);
  }
  return { probabilities, right, confidence };
}

export function pairReading(flops: number, { answers, heads, runMs }: Swept): MeasuredPairMux {
  return { flops, runMs, ...answers, score: heads['score'] ?? new Float32Array() };
}

export function groupReading(
  { flops, models }: { flops: number; models: readonly string[] },
  { answers, heads, runMs }: Swept,
): MeasuredGroupMux {
  const { correct = new Float32Array(), weights = new Float32Array() } = heads;
  return { flops, runMs, ...answers, correct, weights, ids: models };
}
