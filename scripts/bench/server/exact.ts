/** `server-exact`: every test image through MQTT under every policy, against what the rule says without a server. */
import { EdgemuxError } from '../../../common/errors.js';
import { GROUP_MODES, nextStep, type GroupMode, type GroupPolicy } from '../../../mux/group.js';
import { groupOf, groupPolicyOf } from '../../../mux/group-settings.js';
import { Inference } from '../../../mux/inference.js';
import { argmax, type Vector } from '../../../mux/probabilities.js';
import type { TestSet } from '../../../mux/testset.js';
import type { Zoo } from '../../../mux/zoo.js';
import type { Benchmark, BenchOptions } from '../benchmarks.js';
import { Releases } from '../child.js';
import { machineFacts, metric, type BenchReport, type Metric } from '../report.js';
import type { Answered } from './devices.js';
import { answerOf, flopsOf } from './rounds.js';
import { openBench, openSubject } from './setup.js';

const DEVICES = 16;
/** Images in one run without a server. */
const BATCH = 200;

export const serverExact: Benchmark = {
  name: 'server-exact',
  describe: 'all test images through MQTT under every policy: the same choice per image as without a server?',
  run,
};

/** Of one image: the class, and the models that were asked for it. */
interface Choice {
  classIndex: number;
  models: string[];
}

async function run({ frames, say, threads }: BenchOptions): Promise<BenchReport> {
  const releases = new Releases();
  try {
    const bench = await openBench(releases, frames ?? Infinity);
    const { images, test, zoo } = bench;
    if (!zoo.manifest.mux?.group) throw new EdgemuxError('ZOO_INVALID', `zoo ${zoo.name} has no group`);
    const outputs = await outputsOf(zoo, test, images.length, threads);
    const { server, devices } = await openSubject(bench, releases, { base: 'bench-exact', threads });
    const metrics: Metric[] = [];
    for (const mode of GROUP_MODES) {
      await server.setPolicy({ mode });
      // some more than all, so that none is among the last, which do not count
      const requests = images.length + 4 * DEVICES;
      const { answered } = await devices.closed({ devices: DEVICES, warmup: 0, requests, firstImage: 0 });
      const found = compare(zoo, test, choices(zoo, groupPolicyOf(zoo, { mode }), outputs), answered);
      say(`server-exact ${mode}: ${JSON.stringify(found)}`);
      metrics.push(...metricsOf(mode, found, zoo.largest.flops));
    }
    const setup = {
      broker: bench.broker,
      zoo: zoo.name,
      images: images.length,
      shipped: groupPolicyOf(zoo).mode,
    };
    return { name: serverExact.name, machine: await machineFacts(), runs: 1, metrics, setup };
  } finally {
    await releases.run();
  }
}

interface Found {
  images: number;
  /** Images for which class or models differ from what the rule says. */
  different: number;
  /** Shares of images. */
  accuracy: number;
  offlineAccuracy: number;
  /** Mean multiply-accumulates an answer. */
  flops: number;
}

function compare(zoo: Zoo, test: TestSet, expected: readonly Choice[], answered: readonly Answered[]): Found {
  const answers = new Map(answered.map((one) => [one.image, answerOf(one)]));
  const found = { images: answers.size, different: 0, accuracy: 0, offlineAccuracy: 0, flops: 0 };
  for (const [image, answer] of answers) {
    const wanted = expected[image];
    const same = answer.classIndex === wanted?.classIndex && answer.models.join() === wanted.models.join();
    if (!same) found.different += 1;
    if (answer.classIndex === test.label(image)) found.accuracy += 1 / answers.size;
    if (wanted?.classIndex === test.label(image)) found.offlineAccuracy += 1 / answers.size;
    found.flops += flopsOf(zoo, answer) / answers.size;
  }
  return found;
}

function metricsOf(mode: GroupMode, found: Found, largestFlops: number): Metric[] {
  const { accuracy, different, flops, images, offlineAccuracy } = found;
  return [
    metric({ name: `images/${mode}`, unit: 'images', values: [images] }),
    metric({ name: `different/${mode}`, unit: 'images', values: [different], target: { atMost: 0 } }),
    metric({
      ...{ name: `accuracy/${mode}`, unit: 'share', values: [accuracy], baselines: [offlineAccuracy] },
      against: 'the same rule without a server',
    }),
    metric({ name: `flops-saved/${mode}`, unit: 'x', values: [largestFlops / flops] }),
  ];
}

/** Every network of the group over every image, in batches. */
interface GroupOutputs {
  correct: Float32Array;
  weights: Float32Array;
  byModel: Map<string, Float32Array>;
}

async function outputsOf(zoo: Zoo, test: TestSet, count: number, threads: number): Promise<GroupOutputs> {
  const { ids } = groupOf(zoo);
  const inference = new Inference(
    {},
    { zoo, models: ids, mux: null, groupMux: true, providers: ['cpu'], requireProvider: false, threads },
  );
  await inference.start();
  const size = zoo.input.height * zoo.input.width * zoo.input.channels;
  const rows = {
    correct: [] as number[],
    weights: [] as number[],
    byModel: new Map(ids.map((id) => [id, [] as number[]])),
  };
  for (let from = 0; from < count; from += BATCH) {
    const n = Math.min(BATCH, count - from);
    const pixels = new Uint8Array(n * size);
    for (let i = 0; i < n; i += 1) pixels.set(test.images(from + i), i * size);
    const mux = await inference.infer({ kind: 'group-mux', pixels, count: n });
    rows.correct.push(...mux.correct);
    rows.weights.push(...mux.weights);
    for (const [id, all] of rows.byModel)
      all.push(...(await inference.classify(id, pixels, n)).probabilities);
  }
  await inference.stop();
  const byModel = new Map([...rows.byModel].map(([id, all]) => [id, Float32Array.from(all)]));
  return { correct: Float32Array.from(rows.correct), weights: Float32Array.from(rows.weights), byModel };
}

/** What the rule says of every image. */
function choices(zoo: Zoo, policy: GroupPolicy, { byModel, correct, weights }: GroupOutputs): Choice[] {
  const group = groupOf(zoo);
  const [models, classes] = [group.ids.length, zoo.classes];
  return Array.from({ length: correct.length / models }, (_, i) => {
    const row = (matrix: Float32Array, width: number): Float32Array =>
      matrix.subarray(i * width, (i + 1) * width);
    const reading = { correct: row(correct, models), weights: row(weights, models) };
    const known = new Map<string, Vector>();
    let step = nextStep(group, policy, reading, known);
    while (step.kind === 'run') {
      for (const id of step.models) known.set(id, row(byModel.get(id) ?? new Float32Array(), classes));
      step = nextStep(group, policy, reading, known);
    }
    return { classIndex: argmax(step.probabilities), models: [...known.keys()] };
  });
}
