/** `server`: what an answer costs under each policy, with and without batching, and what the server itself adds. */
import { loadavg } from 'node:os';
import { SERVER_MODES } from '../../../common/policy-names.js';
import { groupOf, groupPolicyOf } from '../../../mux/rules/group-settings.js';
import type { Benchmark, BenchOptions } from '../benchmark.js';
import { Releases } from '../child.js';
import { machineFacts, type BenchReport } from '../report.js';
import { Devices } from './devices.js';
import { serverMetrics, type Measured } from './metrics.js';
import { Floor, overheadRound } from './overhead.js';
import { startEcho } from './programs.js';
import { answerOf, runRound, type RoundPlan, type Subjects } from './rounds.js';
import { openBench, openSubject, type Bench } from './setup.js';

const DEVICES = 32;
const REQUESTS = 500;
const LOW_LOAD_REQUESTS = 100;
const ECHO_BASE = 'bench-echo';

export const server: Benchmark = {
  name: 'server',
  describe: 'answers of a group under largest, single, ensemble and escalate, with and without batching',
  run,
};

async function run(options: BenchOptions): Promise<BenchReport> {
  const releases = new Releases();
  const load = loadavg()[0] ?? 0;
  try {
    const requests = options.frames ?? REQUESTS;
    const bench = await openBench(releases, (options.runs + 1) * requests);
    const shipped = groupPolicyOf(bench.zoo).mode;
    const modes = bench.zoo.manifest.mux?.group ? SERVER_MODES : (['largest'] as const);
    const plan: RoundPlan = { modes, devices: DEVICES, requests };
    const rounds = await measure(bench, plan, options, releases);
    return {
      name: server.name,
      machine: await machineFacts(),
      runs: rounds.length,
      metrics: serverMetrics(rounds, modes, shipped),
      setup: {
        broker: bench.broker,
        zoo: bench.zoo.name,
        group: groupOf(bench.zoo).ids.join(' '),
        shipped,
        requestsPerBlock: requests,
        devices: DEVICES,
        threads: options.threads,
        loadAverageBefore: Math.round(load * 100) / 100,
      },
    };
  } finally {
    await releases.run();
  }
}

async function measure(
  bench: Bench,
  plan: RoundPlan,
  { runs, say, threads }: BenchOptions,
  releases: Releases,
): Promise<Measured[]> {
  const batched = await openSubject(bench, releases, { base: 'bench-batched', threads });
  const unbatched = await openSubject(bench, releases, {
    base: 'bench-unbatched',
    threads,
    more: { batching: { sizes: [1] } },
  });
  const subjects: Subjects = { ...bench, batched, unbatched };
  const floor = await Floor.open(bench.zoo, threads);
  releases.add(() => floor.close());
  const echo = await openEcho(bench, subjects, releases);
  const low = { floor, server: batched.devices, echo, images: bench.images };
  const mode = plan.modes.includes('single') ? 'single' : 'largest';
  const rounds: Measured[] = [];
  for (let round = 0; round <= runs; round += 1) {
    const blocks = await runRound(subjects, plan, round);
    await batched.server.setPolicy({ mode });
    const overhead = await overheadRound(low, LOW_LOAD_REQUESTS, round * plan.requests);
    if (round === 0) continue; // thrown away: compilers and pools warm up
    rounds.push({ ...blocks, overhead });
    const cpu = plan.modes.map(
      (one) => `${one} ${(blocks.batched.get(one)?.inferenceCpu ?? NaN).toFixed(2)}`,
    );
    say(`server ${round}/${runs}: inference CPU ms an answer: ${cpu.join(', ')}`);
  }
  return rounds;
}

async function openEcho(bench: Bench, { batched }: Subjects, releases: Releases): Promise<Devices> {
  const { connection, folder, images, url, zoo } = bench;
  const first = await batched.devices.closed({ devices: 1, warmup: 1, requests: 1, firstImage: 0 });
  const [one] = first.answered;
  if (one) answerOf(one);
  const bytes = one?.payload.length ?? 0;
  const child = await startEcho(connection, folder, { url, base: ECHO_BASE, bytes });
  releases.add(() => child.stop());
  const devices = new Devices(connection, { base: ECHO_BASE, server: 'echo', zoo: zoo.name, images });
  await devices.start();
  return devices;
}
