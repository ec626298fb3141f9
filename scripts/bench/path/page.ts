/**
 * `page`: what HTTP and an open page cost the daemon. Two daemons of the same settings, one with HTTP and one without, take turns in
 * blocks; frames and networks are tiny, so that every microsecond beside them shows.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgemuxError } from '../../../common/errors.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { deviceTopics } from '../../../protocol/topics/topics.js';
import type { Connection } from '../../../protocol/connection/connection.js';
import type { Benchmark, BenchOptions } from '../benchmark.js';
import { connect, startBroker } from '../broker.js';
import { benchFolder, freePort, Releases, type Child } from '../child.js';
import { calm, processCpuMs } from '../other-load.js';
import { machineFacts, metric, type BenchReport } from '../report.js';
import { Cameras } from './cameras.js';
import { startDaemon, type DaemonSettings } from './programs.js';
import { checked } from './rounds.js';
import { smallFrames } from './scenes.js';

const ZOO = join(fileURLToPath(new URL('../../../../', import.meta.url)), 'models', 'fashion-mnist');
const CAMERAS = 4;
const BLOCKS = 6;
const WARMUP = 20;
const DEFAULT_FRAMES = 1200;
const CALM_CPUS = 0.25;
/** Beside the page, what Prometheus asks for at a rate that is far above its own. */
const SCRAPE_MS = 5000;
/** What the throughput with an open page is of that without HTTP, at least. */
const LEAST_SHARE = 0.99;

export const page: Benchmark = {
  name: 'page',
  describe: 'HTTP and an open page against the same daemon without, where frames and networks are tiny',
  run,
};

const CASES = ['off', 'on', 'open'] as const;
type Case = (typeof CASES)[number];

interface Subject {
  cameras: Cameras;
  program: Child;
}

/** Of one round: frames a second, and CPU time of the daemon a frame in ms. */
type Round = Record<Case, { rate: number; cpu: number }>;

async function run({ calmS, depth, frames, runs, say, threads }: BenchOptions): Promise<BenchReport> {
  const releases = new Releases();
  try {
    const folder = await benchFolder(releases);
    const { url, what, stop } = await startBroker(folder);
    releases.add(stop);
    const connection = await connect(url, 'edgemux-bench-cameras');
    releases.add(() => connection.stop());
    const port = await freePort();
    const settings = { url, zoo: ZOO, threads, depth };
    const off = await startSubject(connection, folder, { ...settings, device: 'bench-off' }, {}, releases);
    const http = { http: { listen: port, pictures: true } };
    const on = await startSubject(connection, folder, { ...settings, device: 'bench-on' }, http, releases);
    const count = frames ?? DEFAULT_FRAMES;
    const rounds: Round[] = [];
    for (let at = 0; at <= runs; at += 1) {
      const round = await runRound({ off, on, open: on }, { port, frames: count, calmMs: 1000 * calmS });
      if (at === 0) continue; // for compilers and pools
      rounds.push(round);
      say(`page: round ${at} of ${runs}`);
    }
    return reportOf(rounds, { broker: what, framesPerRound: count, cameras: CAMERAS, threads });
  } finally {
    await releases.run();
  }
}

async function startSubject(
  connection: Connection,
  folder: string,
  settings: DaemonSettings & { device: string },
  more: object,
  releases: Releases,
): Promise<Subject> {
  const { device } = settings;
  const topics = deviceTopics('edgemux', device);
  const program = await startDaemon(connection, folder, {
    ...settings,
    status: topics.status,
    more: {
      ...more,
      dataDir: join(folder, device),
      cameras: { topics: [`${device}/{camera}/frame`] },
      power: { simulate: true },
    },
  });
  releases.add(() => program.stop());
  const zoo = await loadZoo(ZOO);
  const frame = (camera: string): string => `${device}/${camera}/frame`;
  const cameras = new Cameras(connection, { frame, result: topics.result }, await smallFrames(zoo, 80));
  await cameras.start(CAMERAS);
  return { cameras, program };
}

/** Blocks of the cases by turns; none always follows the same one. */
async function runRound(
  subjects: Record<Case, Subject>,
  { calmMs, frames, port }: { port: number; frames: number; calmMs: number },
): Promise<Round> {
  const sums = { off: zero(), on: zero(), open: zero() };
  for (let block = 0; block < BLOCKS; block += 1) {
    const turned = [...CASES.slice(block % CASES.length), ...CASES.slice(0, block % CASES.length)];
    if (calmMs > 0) await calm(CALM_CPUS, calmMs);
    for (const name of turned) {
      const follow = name === 'open' ? await openPage(port) : null;
      const { cameras, program } = subjects[name];
      const beforeMs = processCpuMs(program.pid);
      const counted = Math.ceil(frames / BLOCKS);
      const loop = await cameras.run({ cameras: CAMERAS, warmup: WARMUP, frames: counted });
      sums[name].cpuMs += processCpuMs(program.pid) - beforeMs;
      sums[name].allFrames += WARMUP + counted + loop.rest.length;
      sums[name].frames += counted;
      sums[name].durationMs += loop.durationMs;
      for (const { payload } of loop.answered) checked(payload);
      await follow?.();
    }
  }
  const figures = ({ allFrames, cpuMs, durationMs, frames: n }: ReturnType<typeof zero>) => ({
    rate: (1000 * n) / durationMs,
    cpu: cpuMs / allFrames,
  });
  return { off: figures(sums.off), on: figures(sums.on), open: figures(sums.open) };
}

function zero(): { frames: number; durationMs: number; cpuMs: number; allFrames: number } {
  return { frames: 0, durationMs: 0, cpuMs: 0, allFrames: 0 };
}

/** Does what a page does: follows the events, and asks for a picture of each camera when it hears of one. Returns what closes it. */
async function openPage(port: number): Promise<() => Promise<void>> {
  const base = `http://127.0.0.1:${port}`;
  const abort = new AbortController();
  const { signal } = abort;
  const response = await fetch(`${base}/api/events`, { signal });
  if (!response.ok || !response.body)
    throw new EdgemuxError('MESSAGE_INVALID', `no events: ${response.status}`);
  let heard = 0;
  const reading = (async (events: AsyncIterable<Uint8Array>) => {
    for await (const chunk of events) {
      heard += chunk.length;
      for (let at = 1; at <= CAMERAS; at += 1)
        await (await fetch(`${base}/api/cameras/bench-${at}/picture`, { signal })).arrayBuffer();
    }
  })(response.body as unknown as AsyncIterable<Uint8Array>).catch(() => undefined);
  const scrape = setInterval(
    () =>
      void fetch(`${base}/metrics`).then(
        (r) => r.text(),
        () => '',
      ),
    SCRAPE_MS,
  );
  return async () => {
    clearInterval(scrape);
    abort.abort();
    await reading;
    if (heard === 0) throw new EdgemuxError('MESSAGE_INVALID', 'the page heard nothing');
  };
}

async function reportOf(rounds: readonly Round[], setup: BenchReport['setup']): Promise<BenchReport> {
  const values = (name: Case, figure: 'rate' | 'cpu'): number[] => rounds.map((round) => round[name][figure]);
  const of = (name: 'on' | 'open', figure: 'rate' | 'cpu') => ({
    name: `${figure === 'rate' ? 'throughput' : 'cpu-per-frame'}-${name}`,
    unit: figure === 'rate' ? 'frames/s' : 'ms',
    values: values(name, figure),
    baselines: values('off', figure),
    against: 'the daemon without HTTP',
  });
  return {
    name: 'page',
    machine: await machineFacts(),
    runs: rounds.length,
    metrics: [
      metric({ ...of('open', 'rate'), target: { atLeast: LEAST_SHARE } }),
      metric(of('on', 'rate')),
      metric(of('open', 'cpu')),
      metric(of('on', 'cpu')),
    ],
    setup,
  };
}
