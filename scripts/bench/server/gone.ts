/** `server-gone`: a real daemon whose server freezes: result latency until the breaker opens, and after. */
import { percentile } from '../../../common/statistics.js';
import { parseDevicePolicyReport, parseResult, type Result } from '../../../protocol/messages.js';
import { deviceTopics } from '../../../protocol/topics/topics.js';
import type { Benchmark, BenchOptions } from '../benchmark.js';
import { Releases } from '../child.js';
import { cpuTimes, otherCpus } from '../other-load.js';
import { Cameras, type Answered } from '../path/cameras.js';
import { startDaemon } from '../path/programs.js';
import { machineFacts, metric, type BenchReport, type Metric } from '../report.js';
import { Server } from './programs.js';
import { openBench, type Bench } from './setup.js';

const BASE = 'bench-gone';
const DEVICE = 'bench';
const TOPICS = deviceTopics(BASE, DEVICE);
const CAMERAS = 4;
const DEADLINE_MS = 500;
/** Results may be so much later than the deadline. */
const GRACE_MS = 20;
/** Frames of each way in a round, in blocks by turns, so that both see the same machine. */
const FRAMES = 400;
const BLOCKS = 5;
const WARMUP = 8;
const IMAGES = 100;

export const serverGone: Benchmark = {
  name: 'server-gone',
  describe:
    'a daemon whose server freezes: result latency until the breaker opens, and after, beside the local path',
  run,
};

/** Latencies in ms from the call of publish to the result at the camera, of one round. */
interface Figures {
  untilOpen: number[];
  open: number[];
  local: number[];
  /** Processors that other programs kept busy. */
  otherCpus: number;
}

interface Stage {
  cameras: Cameras;
  server: Server;
  setMode: (mode: string) => Promise<void>;
}

async function run({ frames, runs, say, threads, depth }: BenchOptions): Promise<BenchReport> {
  const releases = new Releases();
  try {
    const bench = await openBench(releases, IMAGES);
    const stage = await openStage(bench, releases, { threads, depth });
    const rounds: Figures[] = [];
    for (let round = 0; round <= runs; round += 1) {
      const figures = await measure(stage, frames ?? FRAMES);
      if (round > 0) rounds.push(figures); // the first warms up
      say(
        `server-gone ${round}/${runs}: ${figures.untilOpen.length} results until open, p99 ${p99(figures.untilOpen).toFixed(1)} ms; ` +
          `open p99 ${p99(figures.open).toFixed(1)} ms, local p99 ${p99(figures.local).toFixed(1)} ms; others ${figures.otherCpus.toFixed(2)} CPUs`,
      );
    }
    const setup = {
      broker: bench.broker,
      zoo: bench.zoo.name,
      cameras: CAMERAS,
      deadlineMs: DEADLINE_MS,
      threads,
    };
    return {
      name: serverGone.name,
      machine: await machineFacts(),
      runs: rounds.length,
      metrics: metricsOf(rounds),
      setup,
    };
  } finally {
    await releases.run();
  }
}

async function openStage(
  { connection, folder, images, url, zoo }: Bench,
  releases: Releases,
  { threads, depth }: Pick<BenchOptions, 'threads' | 'depth'>,
): Promise<Stage> {
  const server = await Server.start(connection, folder, { url, zoo: zoo.dir, base: BASE, threads });
  releases.add(() => server.child.stop());
  releases.add(() => server.child.signal('SIGCONT'));
  const more = {
    broker: { url, baseTopic: BASE },
    policy: { mode: 'mobile-only' },
    offload: { deadlineMs: DEADLINE_MS },
  };
  const daemon = await startDaemon(connection, folder, {
    url,
    zoo: zoo.dir,
    threads,
    depth,
    status: TOPICS.status,
    more,
  });
  releases.add(() => daemon.stop());
  const topics = { frame: (camera: string) => `cameras/${camera}/frame`, result: TOPICS.result };
  const cameras = new Cameras(connection, topics, images);
  await cameras.start(CAMERAS);
  const setMode = async (mode: string): Promise<void> => {
    const set = new Promise<void>((resolve, reject) => {
      const listening = connection.subscribe(TOPICS.policy, { qos: 1 }, ({ payload }) => {
        const report = parseDevicePolicyReport(payload);
        if ('mode' in report && report.mode === mode) resolve();
      });
      listening.catch(reject);
    });
    await connection.publish(TOPICS.policySet, JSON.stringify({ mode }), { qos: 1 });
    await daemon.until(set);
    await connection.unsubscribe(TOPICS.policy);
  };
  return { cameras, server, setMode };
}

async function measure({ cameras, server, setMode }: Stage, frames: number): Promise<Figures> {
  const before = cpuTimes();
  const block = { cameras: CAMERAS, warmup: WARMUP, frames: Math.ceil(frames / BLOCKS) };
  const film = async (): Promise<Answered[]> => {
    const { answered, rest } = await cameras.run({ ...block, warmup: 0, frames: CAMERAS });
    return [...answered, ...rest];
  };
  await setMode('cloud-only');
  for (;;) if ((await film()).some((one) => resultOf(one).route === 'cloud')) break;
  server.child.signal('SIGSTOP');
  const untilOpen: Answered[] = [];
  for (;;) {
    const answered = await film();
    untilOpen.push(...answered.filter((one) => resultOf(one).reason !== 'breaker-open'));
    if (answered.some((one) => resultOf(one).reason === 'breaker-open')) break;
  }
  const [open, local]: [Answered[], Answered[]] = [[], []];
  for (let n = 0; n < BLOCKS; n += 1) {
    await setMode('cloud-only');
    open.push(...(await cameras.run(block)).answered);
    await setMode('mobile-only');
    local.push(...(await cameras.run(block)).answered);
  }
  server.child.signal('SIGCONT');
  const ms = (list: readonly Answered[]): number[] => list.map(({ latencyMs }) => latencyMs);
  return {
    untilOpen: ms(untilOpen),
    open: ms(open),
    local: ms(local),
    otherCpus: otherCpus(before, cpuTimes()) ?? 0,
  };
}

function resultOf({ payload }: Answered): Result {
  return parseResult(payload);
}

const p99 = (ms: readonly number[]): number => percentile(ms, 0.99);

function metricsOf(rounds: readonly Figures[]): Metric[] {
  const at = (key: 'untilOpen' | 'open' | 'local', share: number): number[] =>
    rounds.map((round) => percentile(round[key], share));
  return [
    metric({
      name: 'until-open-p99',
      unit: 'ms',
      values: at('untilOpen', 0.99),
      baselines: rounds.map(() => DEADLINE_MS + GRACE_MS),
      against: `offload deadline + ${GRACE_MS} ms`,
      target: { atMost: 1 },
    }),
    metric({
      name: 'until-open-results',
      unit: 'results',
      values: rounds.map(({ untilOpen }) => untilOpen.length),
    }),
    ...([0.5, 0.95, 0.99] as const).map((share) =>
      metric({
        name: `open-p${100 * share}`,
        unit: 'ms',
        values: at('open', share),
        baselines: at('local', share),
        against: 'the local path (mobile-only), same frames, same round',
        ...(share === 0.99 ? { target: { atMost: 1.2 } } : {}),
      }),
    ),
    metric({ name: 'other-load', unit: 'CPUs', values: rounds.map((round) => round.otherCpus) }),
  ];
}
