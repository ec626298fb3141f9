/** `path` and `path-small`: the daemon's local path over MQTT beside the bare loop that does the same work. */
import { existsSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgemuxError } from '../../../common/errors.js';
import { loadZoo, type Zoo } from '../../../mux/zoo/zoo.js';
import type { Benchmark, BenchOptions } from '../benchmark.js';
import { connect, startBroker } from '../broker.js';
import { benchFolder, Releases } from '../child.js';
import { machineFacts, type BenchReport } from '../report.js';
import { Cameras } from './cameras.js';
import { Floor } from './floor.js';
import { pathMetrics, type Targets } from './metrics.js';
import { DAEMON_TOPICS, HOP_TOPICS, startDaemon, startEcho } from './programs.js';
import { runRound, type RoundFigures, type RoundPlan, type Subjects } from './rounds.js';
import { scenes, smallFrames } from './scenes.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const SMALL_ZOO = join(ROOT, 'models', 'fashion-mnist');
export const REAL_SHAPES = join(ROOT, '.cache', 'real-shapes');
const CAMERAS = 4;
const DISTINCT_FRAMES = 8;
/** Frames of the round that is thrown away: compilers and pools warm up. */
const WARMUP_FRAMES = 20;

interface Variant {
  name: string;
  describe: string;
  defaultFrames: number;
  targets: Targets | null;
  zoo: () => Promise<Zoo>;
  jpegs: () => Promise<Uint8Array[]>;
}

/** @throws EdgemuxError ZOO_NOT_FOUND, with the command that makes it */
export async function loadRealShapes(folder = REAL_SHAPES): Promise<Zoo> {
  if (existsSync(join(folder, 'manifest.json'))) return loadZoo(folder);
  throw new EdgemuxError(
    'ZOO_NOT_FOUND',
    `there are no networks of real size at ${folder}. Make them with: npm run bench:models`,
  );
}

export const path: Benchmark = benchmark({
  name: 'path',
  describe: 'the daemon over MQTT beside the bare loop: 720p JPEG frames, mobilenet_v2 at 224×224',
  defaultFrames: 60,
  targets: { latency: 1.1, throughput: 1.4 },
  zoo: () => loadRealShapes(),
  jpegs: async () => scenes(await loadZoo(SMALL_ZOO), DISTINCT_FRAMES),
});

export const pathSmall: Benchmark = benchmark({
  name: 'path-small',
  describe: 'the same where frames and networks are tiny (28×28): what the daemon itself costs a frame',
  defaultFrames: 400,
  targets: null,
  zoo: () => loadZoo(SMALL_ZOO),
  jpegs: async () => smallFrames(await loadZoo(SMALL_ZOO), 10 * DISTINCT_FRAMES),
});

function benchmark(variant: Variant): Benchmark {
  const { name, describe } = variant;
  return { name, describe, run: (options) => run(variant, options) };
}

async function run(variant: Variant, options: BenchOptions): Promise<BenchReport> {
  const zoo = await variant.zoo();
  const load = loadavg()[0] ?? 0;
  const releases = new Releases();
  try {
    const jpegs = await variant.jpegs();
    const { subjects, broker, resultBytes } = await prepare(zoo, jpegs, options, releases);
    const plan: RoundPlan = {
      frames: options.frames ?? variant.defaultFrames,
      cameras: CAMERAS,
      calmMs: 1000 * options.calmS,
    };
    const rounds = await measure(subjects, plan, options, variant.name);
    return {
      name: variant.name,
      machine: await machineFacts(),
      runs: rounds.length,
      metrics: pathMetrics(rounds, variant.targets),
      setup: {
        broker,
        zoo: zoo.name,
        framesPerRound: plan.frames,
        cameras: CAMERAS,
        resultBytes,
        meanFrameBytes: Math.round(jpegs.reduce((sum, { length }) => sum + length, 0) / jpegs.length),
        threads: options.threads,
        pipelineDepth: options.depth,
        loadAverageBefore: Math.round(load * 100) / 100,
      },
    };
  } finally {
    await releases.run();
  }
}

/** Starts everything; what is started is in `releases` even where a later part fails. */
async function prepare(
  zoo: Zoo,
  jpegs: readonly Uint8Array[],
  { threads, depth }: BenchOptions,
  releases: Releases,
): Promise<{ subjects: Subjects; broker: string; resultBytes: number }> {
  const folder = await benchFolder(releases);
  const { url, what, stop } = await startBroker(folder);
  releases.add(stop);
  const connection = await connect(url, 'edgemux-bench-cameras');
  releases.add(() => connection.stop());
  const floor = await Floor.open(zoo, threads);
  releases.add(() => floor.close());
  const program = await startDaemon(connection, folder, { url, zoo: zoo.dir, threads, depth });
  releases.add(() => program.stop());
  const daemon = new Cameras(connection, DAEMON_TOPICS, jpegs);
  await daemon.start(CAMERAS);
  const first = await program.until(daemon.run({ cameras: 1, warmup: 1, frames: 1 }));
  const resultBytes = first.answered[0]?.payload.length ?? 0;
  const echo = await startEcho(connection, folder, url, resultBytes);
  releases.add(() => echo.stop());
  const hop = new Cameras(connection, HOP_TOPICS, jpegs);
  await hop.start(1);
  return { subjects: { floor, hop, daemon, daemonPid: program.pid, jpegs }, broker: what, resultBytes };
}

async function measure(
  subjects: Subjects,
  plan: RoundPlan,
  { runs, say }: BenchOptions,
  name: string,
): Promise<RoundFigures[]> {
  await runRound(subjects, { ...plan, frames: WARMUP_FRAMES });
  const rounds: RoundFigures[] = [];
  for (let round = 1; round <= runs; round += 1) {
    const figures = await runRound(subjects, plan);
    rounds.push(figures);
    const { floor, hop, daemon } = figures;
    say(
      `${name} ${round}/${runs}: floor ${floor.p50.toFixed(2)} ms, hop ${hop.p50.toFixed(2)} ms, daemon ` +
        `${daemon.p50.toFixed(2)} ms; ${floor.rate.toFixed(1)} and ${daemon.rate.toFixed(1)} frames/s; others ${figures.otherCpus.toFixed(2)} CPUs`,
    );
  }
  return rounds;
}
