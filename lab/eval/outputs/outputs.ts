/** Every network of a zoo over its test images, through the same sessions as the daemon's, in batches. */
import type { Provider } from '../../../mux/config.js';
import { Inference } from '../../../mux/inference/inference.js';
import { argmax, maximum } from '../../../mux/rules/probabilities.js';
import { loadTestSet, type TestSet } from '../../zoo/testset.js';
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
  /** Median of a single-image run on this machine, in ms. */
  runMs: number;
}

export interface MeasuredPairMux extends Answers {
  flops: number;
  runMs: number;
  /** N scores, higher = harder. */
  score: Float32Array;
}

export interface MeasuredGroupMux extends Answers {
  flops: number;
  runMs: number;
  /** N × M, in the order of `ids`. */
  correct: Float32Array;
  weights: Float32Array;
  ids: readonly string[];
}

export interface Measured {
  count: number;
  classes: number;
  labels: Uint8Array;
  provider: Provider;
  models: MeasuredModel[];
  pairMux: MeasuredPairMux | null;
  groupMux: MeasuredGroupMux | null;
  set: TestSet;
}

export interface OutputsOptions {
  images: number | null;
  providers: readonly Provider[];
  /** Told what is being run, and how far the whole is, in [0, 1]. */
  progress?: (what: string, done: number) => void;
}

/** Large enough to fill a CPU or a GPU, small enough for a Jetson's memory, in images and in bytes of pixels. */
const BATCH = { images: 250, bytes: 2_000_000 };

/**
 * @throws EdgemuxError ZOO_INVALID (no test images), and what starting and running the sessions throws
 */
export async function measure(zoo: Zoo, options: OutputsOptions): Promise<Measured> {
  const set = await loadTestSet(zoo);
  const count = Math.min(options.images ?? set.count, set.count);
  const inference = inferenceOf(zoo, options.providers);
  const { provider } = await inference.start();
  const labels = Uint8Array.from({ length: count }, (_, i) => set.label(i));
  try {
    const swept = await sweepAll(netsOf(zoo, inference), set, labels, zoo.classes, options);
    return { count, classes: zoo.classes, labels, provider, set, ...readings(zoo, swept) };
  } finally {
    await inference.stop();
  }
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
    ...zoo.manifest.models.map(({ id }) => classifier(inference, id)),
    ...(pair ? [pairNet(inference)] : []),
    ...(group ? [groupNet(inference)] : []),
  ];
}

async function sweepAll(
  nets: readonly Net[],
  set: TestSet,
  labels: Uint8Array,
  classes: number,
  { progress }: OutputsOptions,
): Promise<Swept[]> {
  progress?.('single runs, for the time', 0);
  const times = await timesMs(nets, set, labels.length);
  const swept: Swept[] = [];
  for (const [at, net] of nets.entries()) {
    const tell = (part: number) => progress?.(net.name, (at + part) / nets.length);
    swept.push({ ...(await sweep(net, set, labels, classes, tell)), runMs: times[at] ?? NaN });
  }
  return swept;
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

/** All images through one network, in batches. */
export async function sweep(
  net: Net,
  set: TestSet,
  labels: Uint8Array,
  classes: number,
  tell: (part: number) => void,
): Promise<Omit<Swept, 'runMs'>> {
  const count = labels.length;
  const parts: Record<string, Float32Array[]> = {};
  const batch = Math.max(1, Math.min(BATCH.images, Math.floor(BATCH.bytes / set.images(0).length)));
  for (let from = 0; from < count; from += batch) {
    tell(from / count);
    const size = Math.min(batch, count - from);
    const pixels = Buffer.concat(Array.from({ length: size }, (_, i) => set.images(from + i)));
    const { outputs } = await net.run(pixels, size);
    for (const [name, values] of Object.entries(outputs)) (parts[name] ??= []).push(values);
  }
  const { probabilities = new Float32Array(), ...heads } = Object.fromEntries(
    Object.entries(parts).map(([name, arrays]) => [name, joined(arrays)]),
  );
  return { answers: answersOf(probabilities, labels, classes), heads };
}

function joined(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/** @param probabilities N × K */
export function answersOf(probabilities: Float32Array, labels: Uint8Array, classes: number): Answers {
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
