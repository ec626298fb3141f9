/** `server-exact`: every test image through MQTT under every policy, against what `edgemux eval` writes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseGroupChoices, type GroupChoice } from '../../../lab/eval/group/group-choices.js';
import { EdgemuxError } from '../../../common/errors.js';
import { SERVER_MODES, type ServerMode } from '../../../common/policy-names.js';
import { groupPolicyOf } from '../../../mux/rules/group-settings.js';
import type { TestSet } from '../../../lab/zoo/testset.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import type { Benchmark, BenchOptions } from '../benchmark.js';
import { Child, Releases } from '../child.js';
import { machineFacts, metric, type BenchReport, type Metric } from '../report.js';
import type { Answered } from './devices.js';
import { answerOf, flopsOf } from './rounds.js';
import { openBench, openSubject } from './setup.js';

const DEVICES = 16;
const AGENT = fileURLToPath(new URL('../../../agent/main.js', import.meta.url));

export const serverExact: Benchmark = {
  name: 'server-exact',
  describe: 'all test images through MQTT under every policy: the same choice per image as in edgemux eval?',
  run,
};

async function run({ frames, say, threads }: BenchOptions): Promise<BenchReport> {
  const releases = new Releases();
  try {
    const bench = await openBench(releases, frames ?? Infinity);
    const { images, test, zoo } = bench;
    if (!zoo.manifest.mux?.group) throw new EdgemuxError('ZOO_INVALID', `zoo ${zoo.name} has no group`);
    say('server-exact: edgemux eval runs');
    const csv = await evaluated(bench.folder, zoo, images.length);
    const { server, devices } = await openSubject(bench, releases, { base: 'bench-exact', threads });
    const metrics: Metric[] = [];
    for (const mode of SERVER_MODES) {
      await server.setPolicy({ mode });
      // some more than all, so that none is among the last, which do not count
      const requests = images.length + 4 * DEVICES;
      const { answered } = await devices.closed({ devices: DEVICES, warmup: 0, requests, firstImage: 0 });
      const found = compare(zoo, test, parseGroupChoices(csv, mode), answered);
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
  /** Images for which class or models differ from those of `edgemux eval`. */
  different: number;
  /** Shares of images. */
  accuracy: number;
  offlineAccuracy: number;
  /** Mean multiply-accumulates an answer. */
  flops: number;
}

function compare(
  zoo: Zoo,
  test: TestSet,
  expected: readonly GroupChoice[],
  answered: readonly Answered[],
): Found {
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

function metricsOf(mode: ServerMode, found: Found, largestFlops: number): Metric[] {
  const { accuracy, different, flops, images, offlineAccuracy } = found;
  return [
    metric({ name: `images/${mode}`, unit: 'images', values: [images] }),
    metric({ name: `different/${mode}`, unit: 'images', values: [different], target: { atMost: 0 } }),
    metric({
      name: `accuracy/${mode}`,
      unit: 'share',
      values: [accuracy],
      baselines: [offlineAccuracy],
      against: 'edgemux eval',
    }),
    metric({ name: `flops-saved/${mode}`, unit: 'x', values: [largestFlops / flops] }),
  ];
}

/** What the program `edgemux eval` writes of each image and policy. @throws EdgemuxError PROGRAM_ENDED where it fails */
async function evaluated(folder: string, zoo: Zoo, images: number): Promise<string> {
  const out = join(folder, 'eval');
  const options = ['--zoo', zoo.dir, '--out', out, '--limit', String(images), '--provider', 'cpu'];
  const child = new Child('eval', [process.execPath, AGENT, 'eval', ...options], join(folder, 'eval.log'));
  const code = await child.exit;
  if (code !== 0) throw new EdgemuxError('PROGRAM_ENDED', `edgemux eval ended with ${code}:\n${child.log()}`);
  return readFile(join(out, 'group-choices.csv'), 'utf8');
}
