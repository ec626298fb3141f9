/** The soak: device and servers at a steady rate for hours, while one fault after the other comes and goes. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../common/errors.js';
import { seededRandom } from '../../../common/random.js';
import { balanceOf } from '../../../test/faults/support/balance.js';
import { Cameras } from '../../../test/faults/support/cameras.js';
import { testJpegs } from '../../../test/faults/support/images.js';
import { Rig } from '../../../test/faults/support/rig.js';
import { FAULTS, MORTAL, type FaultDeps } from './faults.js';
import { probeArgs, sampleProcess } from './samples.js';
import { minuteLine, type SoakOptions, type SoakRecord } from './record.js';

const SAMPLE_MS = 5000;
const MINUTE_MS = 60_000;
const FLOOD_FACTOR = 10;
/** The server that lives as long as the soak. */
const STEADY = 's1';
const DRAIN_MS = 60_000;

/** @throws EdgemuxError PROGRAM_ENDED where a program that should live does not start */
export async function soak(options: SoakOptions): Promise<SoakRecord> {
  const rig = await Rig.open({
    agent: { power: { simulate: true }, report: { stateIntervalS: 1 } },
    nodeArgs: (name) => (name === MORTAL ? [] : probeArgs(probeFile(name))),
    seed: options.seed,
  });
  const probeFile = (name: string): string => join(rig.folder, `${name}.probe.json`);
  try {
    await rig.startAgent();
    await Promise.all([rig.startServer(STEADY), rig.startServer(MORTAL)]);
    const record = newRecord(options, rig);
    const pids = { agent: rig.agent?.pid ?? NaN, server: rig.servers.get(STEADY)?.pid ?? NaN };
    const sample = (): void => {
      const atMs = performance.now() - record.startedMs;
      const agent = sampleProcess(pids.agent, probeFile('agent'), atMs);
      const server = sampleProcess(pids.server, probeFile(STEADY), atMs);
      if (agent) record.agent.push(agent);
      if (server) record.server.push(server);
    };
    await play(rig, options, record, sample);
    options.say('the time is up: waiting for what is under way, then SIGTERM');
    await rig.settle(DRAIN_MS);
    record.exitCode = await rig.stopAgent();
    await rig.settle(2000); // its last state
    const done = finish(record, rig);
    rig.keep = done.balance.lost !== 0 || done.violations.length > 0;
    if (rig.keep) options.say(`logs and journal are kept in ${rig.folder}`);
    return done;
  } finally {
    await rig.close();
  }
}

function newRecord(options: SoakOptions, rig: Rig): SoakRecord {
  const { minutes, rate, cameras, seed, faultEveryS, warmupMinutes } = options;
  return {
    options: { minutes, rate, cameras, seed, faultEveryS, warmupMinutes },
    startedAt: new Date().toISOString(),
    startedMs: performance.now(),
    durationMs: 0,
    balance: balanceOf(rig.accountant),
    routes: {},
    reasons: {},
    worstLatencyMs: 0,
    worstDeliveryMs: 0,
    redelivered: 0,
    unsent: 0,
    violations: [],
    faults: [],
    agent: [],
    server: [],
    exitCode: null,
  };
}

function finish(record: SoakRecord, rig: Rig): SoakRecord {
  const { accountant, cameras } = rig;
  const { routes, reasons, worstLatencyMs, worstDeliveryMs, redelivered, violations } = accountant;
  return {
    ...record,
    balance: balanceOf(accountant),
    routes,
    reasons,
    worstLatencyMs,
    worstDeliveryMs,
    redelivered,
    violations,
    unsent: cameras.unsent,
  };
}

async function play(rig: Rig, options: SoakOptions, record: SoakRecord, sample: () => void): Promise<void> {
  const names = Array.from({ length: options.cameras }, (_, at) => `cam-${at + 1}`);
  const extra = new Cameras(rig.watch, rig.accountant, await testJpegs(8));
  const flood = (on: boolean): void => {
    if (on) extra.start({ rate: options.rate * FLOOD_FACTOR, cameras: ['flood'] });
    else extra.stop();
  };
  const sampler = setInterval(sample, SAMPLE_MS);
  const minutes = setInterval(() => {
    const sofar = { ...finish(record, rig), durationMs: performance.now() - record.startedMs };
    options.say(minuteLine(sofar));
    options.keep(sofar);
  }, MINUTE_MS);
  const deps: FaultDeps = { rig, random: seededRandom(options.seed), flood };
  try {
    rig.cameras.start({ rate: options.rate, cameras: names });
    await rig.agent?.until(
      faultsUntil(record.startedMs + options.minutes * MINUTE_MS, options, record, deps),
    );
  } finally {
    clearInterval(sampler);
    clearInterval(minutes);
    extra.stop();
    record.durationMs = performance.now() - record.startedMs;
  }
}

/** One fault after the other; pauses are exponential, so that faults come close upon each other now and then. */
async function faultsUntil(
  endMs: number,
  { faultEveryS, signal }: SoakOptions,
  record: SoakRecord,
  deps: FaultDeps,
): Promise<void> {
  const names = Object.keys(FAULTS);
  while (!signal.aborted) {
    const pauseMs = faultEveryS === 0 ? Infinity : -Math.log(1 - deps.random()) * faultEveryS * 1000;
    const leftMs = endMs - performance.now();
    await sleep(Math.max(0, Math.min(pauseMs, leftMs)), undefined, { signal }).catch(() => undefined);
    if (performance.now() >= endMs || signal.aborted) return;
    const name = names[Math.floor(deps.random() * names.length)] ?? '';
    const atMs = performance.now() - record.startedMs;
    const what = await FAULTS[name]?.(deps).catch((error: unknown) => `failed: ${messageOf(error)}`);
    record.faults.push({ atMs, name, what: what ?? '' });
  }
}
