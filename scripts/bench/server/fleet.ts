/** `server-fleet`: real device daemons want much more of a server than it can do; what becomes of their frames. */
import { percentile } from '../../../common/statistics.js';
import { parseResult, type Result } from '../../../protocol/messages.js';
import { deviceTopics } from '../../../protocol/topics/topics.js';
import type { Benchmark, BenchOptions } from '../benchmark.js';
import { Releases } from '../child.js';
import { cpuTimes, otherCpus } from '../other-load.js';
import { Cameras, type Answered } from '../path/cameras.js';
import { startDaemon } from '../path/programs.js';
import { machineFacts, metric, type BenchReport, type Metric } from '../report.js';
import { openBench, openSubject, type Bench } from './setup.js';
import type { Subject } from './rounds.js';

const BASE = 'bench-fleet';
const DAEMONS = 3;
const CAMERAS = 8;
const DEADLINE_MS = 500;
/** Frames of each daemon in a round. */
const FRAMES = 400;
const CLOSED_REQUESTS = 150;
const IMAGES = 200;
/** One image at a time, all models for each. */
const SLOW_SERVER = {
  policy: { mode: 'ensemble', T: 0 },
  batching: { sizes: [1] },
  queue: { depth: 1, maxRequests: 4 },
};

/** The server runs for the first part of each period only: so slow that daemons on the same machine want more of it. */
const RUN_MS = 5;
const REST_MS = 20;

export const serverFleet: Benchmark = {
  name: 'server-fleet',
  describe: `${DAEMONS} real daemons want more of a server than it can do: each frame one result, in time, no memory`,
  run,
};

/** Of one round. Rates per second, shares of all frames, times in ms. */
interface Figures {
  /** Answers the server gives when it is asked by four at a time. */
  capacity: number;
  /** Frames that the daemons wanted answered by it. */
  wanted: number;
  answered: number;
  cloud: number;
  refused: number;
  timeout: number;
  /** Results less frames: 0 unless one was lost or doubled. */
  lost: number;
  p50: number;
  p99: number;
  /** Of frames that a server answered. */
  cloudP99: number;
  memory: number;
  otherCpus: number;
}

async function run({ frames, runs, say, threads, depth }: BenchOptions): Promise<BenchReport> {
  const releases = new Releases();
  try {
    const bench = await openBench(releases, IMAGES);
    const subject = await openSubject(bench, releases, { base: BASE, threads, more: SLOW_SERVER });
    releases.add(throttle(subject));
    const fleet = await Promise.all(
      Array.from({ length: DAEMONS }, (_, n) => openDaemon(bench, releases, `d${n + 1}`, { threads, depth })),
    );
    const rounds: Figures[] = [];
    for (let round = 0; round <= runs; round += 1) {
      const figures = await fleetRound(subject, fleet, frames ?? FRAMES);
      if (round > 0) rounds.push(figures); // the first fills pools and caches
      say(`server-fleet ${round}/${runs}: ${JSON.stringify(figures)}`);
    }
    const setup = {
      broker: bench.broker,
      daemons: DAEMONS,
      cameras: CAMERAS,
      deadlineMs: DEADLINE_MS,
      serverRunsMs: `${RUN_MS} of ${RUN_MS + REST_MS}`,
      threads,
    };
    return { name: serverFleet.name, machine: await machineFacts(), runs, metrics: metricsOf(rounds), setup };
  } finally {
    await releases.run();
  }
}

/** Stops and continues the server's process, as cpulimit does. Returns what ends that. */
function throttle({ server }: Subject): () => void {
  let timer: NodeJS.Timeout;
  const run = (): void => {
    server.child.signal('SIGCONT');
    timer = setTimeout(rest, RUN_MS);
  };
  const rest = (): void => {
    server.child.signal('SIGSTOP');
    timer = setTimeout(run, REST_MS);
  };
  run();
  return () => {
    clearTimeout(timer);
    server.child.signal('SIGCONT');
  };
}

async function openDaemon(
  { connection, folder, images, url, zoo }: Bench,
  releases: Releases,
  device: string,
  { threads, depth }: Pick<BenchOptions, 'threads' | 'depth'>,
): Promise<Cameras> {
  const topics = deviceTopics(BASE, device);
  const more = {
    device,
    broker: { url, baseTopic: BASE },
    policy: { mode: 'cloud-only' },
    cameras: { topics: [`cameras/${device}/{camera}`] },
    offload: { deadlineMs: DEADLINE_MS },
    dataDir: `${folder}/${device}`,
  };
  const settings = { url, zoo: zoo.dir, threads, depth, device, status: topics.status, more };
  const daemon = await startDaemon(connection, folder, settings);
  releases.add(() => daemon.stop());
  const frame = (camera: string): string => `cameras/${device}/${camera}`;
  const cameras = new Cameras(connection, { frame, result: topics.result }, images);
  await cameras.start(CAMERAS);
  return cameras;
}

async function fleetRound(
  { devices, server }: Subject,
  fleet: readonly Cameras[],
  frames: number,
): Promise<Figures> {
  const alone = { devices: 4, warmup: 4, requests: CLOSED_REQUESTS, firstImage: 0 };
  const { durationMs } = await devices.closed(alone);
  const before = cpuTimes();
  const startMs = performance.now();
  const loops = await Promise.all(fleet.map((one) => one.run({ cameras: CAMERAS, warmup: 0, frames })));
  const tookS = (performance.now() - startMs) / 1000;
  const load = otherCpus(before, cpuTimes()) ?? 0;
  const all = loops.flatMap(({ answered, rest }) => [...answered, ...rest]);
  const results = all.map(({ payload }) => parseResult(payload));
  const share = (holds: (result: Result) => boolean): number => results.filter(holds).length / results.length;
  const ms = (list: readonly Answered[], at: number): number =>
    percentile(
      list.map(({ latencyMs }) => latencyMs),
      at,
    );
  const cloud = share(({ route }) => route === 'cloud');
  return {
    capacity: (1000 * CLOSED_REQUESTS) / durationMs,
    wanted: all.length / tookS,
    answered: (cloud * all.length) / tookS,
    cloud,
    refused: share(({ reason }) => reason === 'refused'),
    timeout: share(({ reason }) => reason === 'timeout'),
    lost: all.length - new Set(results.map(({ frameId }) => frameId)).size,
    p50: ms(all, 0.5),
    p99: ms(all, 0.99),
    cloudP99: ms(
      all.filter((_, n) => results[n]?.route === 'cloud'),
      0.99,
    ),
    memory: server.residentBytes() / 1e6,
    otherCpus: load,
  };
}

function metricsOf(rounds: readonly Figures[]): Metric[] {
  const of = (key: keyof Figures): number[] => rounds.map((round) => round[key]);
  const deadline = { baselines: rounds.map(() => DEADLINE_MS), against: 'offload deadline' };
  const capacity = { baselines: of('capacity'), against: 'what the server answers when nobody wants more' };
  return [
    metric({ name: 'wanted', unit: 'frames/s', values: of('wanted'), ...capacity, target: { atLeast: 3 } }),
    metric({ name: 'answered', unit: 'frames/s', values: of('answered'), ...capacity }),
    metric({ name: 'cloud', unit: 'share', values: of('cloud') }),
    metric({ name: 'refused', unit: 'share', values: of('refused') }),
    metric({ name: 'timeout', unit: 'share', values: of('timeout') }),
    metric({ name: 'lost-or-doubled', unit: 'frames', values: of('lost'), target: { atMost: 0 } }),
    metric({ name: 'latency-p50', unit: 'ms', values: of('p50') }),
    metric({ name: 'latency-p99', unit: 'ms', values: of('p99'), ...deadline, target: { atMost: 1.04 } }),
    metric({ name: 'cloud-p99', unit: 'ms', values: of('cloudP99'), ...deadline, target: { atMost: 1 } }),
    metric({
      name: 'server-memory',
      unit: 'MB',
      values: of('memory'),
      target: { atMost: 1.1 },
      baselines: rounds.map(() => rounds[0]?.memory ?? NaN),
      against: 'after the first round',
    }),
    metric({ name: 'other-load', unit: 'CPUs', values: of('otherCpus') }),
  ];
}
