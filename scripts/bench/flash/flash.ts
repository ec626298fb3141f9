/** `flash`: bytes that the journal makes a block device write for a result, with a camera of 30 frames/s. */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { mean } from '../../../common/statistics.js';
import { loadZoo, type Zoo } from '../../../mux/zoo/zoo.js';
import type { Connection } from '../../../protocol/connection/connection.js';
import { deviceTopics } from '../../../protocol/topics/topics.js';
import type { Benchmark, BenchOptions } from '../benchmark.js';
import { connect, startBroker } from '../broker.js';
import { benchFolder, Releases } from '../child.js';
import { startDaemon } from '../path/programs.js';
import { smallFrames } from '../path/scenes.js';
import { machineFacts, metric, type BenchReport, type Metric } from '../report.js';
import { LoopDisk } from './loop-disk.js';

const SMALL_ZOO = join(fileURLToPath(new URL('../../../../', import.meta.url)), 'models', 'fashion-mnist');
const FRAMES_A_SECOND = 30;
const DEFAULT_FRAMES = 60 * FRAMES_A_SECOND;
const DISTINCT_FRAMES = 80;
const DISK_BYTES = 256 * 1024 * 1024;
const SECONDS_A_DAY = 86_400;
const MOST_BYTES_A_RESULT = 3000;

interface Variant {
  device: string;
  what: string;
  journal: object;
  target?: Metric['target'];
}

const VARIANTS: readonly Variant[] = [
  { device: 'default', what: 'the defaults', journal: {}, target: { atMost: MOST_BYTES_A_RESULT } },
  { device: 'commit-100', what: 'commitMs 100', journal: { commitMs: 100 } },
  { device: 'full', what: 'sync full', journal: { sync: 'full' } },
  { device: 'full-100', what: 'sync full, commitMs 100', journal: { sync: 'full', commitMs: 100 } },
];

interface Subject extends Variant {
  disk: LoopDisk;
}

interface Plan {
  connection: Connection;
  folder: string;
  url: string;
  zoo: Zoo;
  jpegs: readonly Uint8Array[];
  frames: number;
  threads: number;
  depth: number;
}

/** What one daemon made its disk write in one round, from its start to its end. */
interface Worn {
  writtenBytes: number;
  results: number;
  resultBytes: number;
}

export const flash: Benchmark = {
  name: 'flash',
  describe: `bytes that a result makes a block device write, at ${FRAMES_A_SECOND} frames/s; needs root for a loop device`,
  run,
};

async function run(options: BenchOptions): Promise<BenchReport> {
  const { runs, threads, depth, say } = options;
  const releases = new Releases();
  try {
    const folder = await benchFolder(releases);
    const subjects = mounted(folder, releases);
    if (typeof subjects === 'string') return await reportOf([], { skipped: subjects });
    const { url, what, stop } = await startBroker(folder);
    releases.add(stop);
    const connection = await connect(url, 'edgemux-bench-camera');
    releases.add(() => connection.stop());
    const zoo = await loadZoo(SMALL_ZOO);
    const jpegs = await smallFrames(zoo, DISTINCT_FRAMES);
    const frames = options.frames ?? DEFAULT_FRAMES;
    const plan = { connection, folder, url, zoo, jpegs, frames, threads, depth };
    const rounds: Worn[][] = [];
    for (let round = 1; round <= runs; round += 1) {
      const worn = await Promise.all(subjects.map((subject) => wear(subject, plan)));
      rounds.push(worn);
      say(`flash ${round}/${runs}: ${worn.map((one) => `${Math.round(bytesAResult(one))} B`).join(', ')}`);
    }
    const resultBytes = Math.round(mean(rounds.flat().map((one) => one.resultBytes / one.results)));
    return await reportOf(rounds, { broker: what, zoo: zoo.name, framesPerRound: frames, resultBytes });
  } finally {
    await releases.run();
  }
}

/** A disk for each variant; why there can be none, in words, where that is so. */
function mounted(folder: string, releases: Releases): Subject[] | string {
  try {
    return VARIANTS.map((variant) => {
      const disk = LoopDisk.mount(folder, variant.device, DISK_BYTES);
      releases.add(() => disk.unmount());
      return { ...variant, disk };
    });
  } catch (error) {
    return `no ext4 can be mounted on a loop device here (root, mkfs.ext4, mount): ${messageOf(error)}`;
  }
}

/** One round of one daemon; its stop brings all it has recorded into the journal's one file. */
async function wear({ device, disk, journal }: Subject, plan: Plan): Promise<Worn> {
  const { connection, folder, url, zoo, jpegs, frames, threads, depth } = plan;
  const topics = deviceTopics('edgemux', device);
  const worn = { writtenBytes: 0, results: 0, resultBytes: 0 };
  await connection.subscribe(topics.result('camera'), { qos: 1 }, ({ payload }) => {
    worn.results += 1;
    worn.resultBytes += payload.length;
  });
  const beforeBytes = disk.writtenBytes();
  const more = {
    dataDir: join(disk.dir, 'data'),
    cameras: { topics: [`bench/${device}/{camera}`] },
    policy: { mode: 'mobile-only' },
    journal,
  };
  const settings = { url, zoo: zoo.dir, threads, depth, device, status: topics.status, more };
  const daemon = await startDaemon(connection, folder, settings);
  await daemon.until(film(`bench/${device}/camera`, { connection, jpegs, frames }));
  await daemon.stop();
  worn.writtenBytes = disk.writtenBytes() - beforeBytes;
  await connection.unsubscribe(topics.result('camera'));
  return worn;
}

/** Publishes at the rate of the benchmark, by the clock, whatever becomes of the frames. */
async function film(
  topic: string,
  { connection, jpegs, frames }: Pick<Plan, 'connection' | 'jpegs' | 'frames'>,
): Promise<void> {
  const startMs = systemClock.monotonicMs();
  for (let frame = 0; frame < frames; frame += 1) {
    const dueMs = startMs + (1000 * frame) / FRAMES_A_SECOND;
    await sleep(Math.max(0, dueMs - systemClock.monotonicMs()));
    await connection.publish(topic, jpegs[frame % jpegs.length] ?? new Uint8Array(), { qos: 0 });
  }
  await sleep(1000);
}

function bytesAResult({ writtenBytes, results }: Worn): number {
  return writtenBytes / results;
}

async function reportOf(rounds: readonly Worn[][], setup: BenchReport['setup']): Promise<BenchReport> {
  const metrics =
    rounds.length === 0 ? [] : VARIANTS.flatMap((variant, at) => metricsOf(variant, at, rounds));
  return { name: 'flash', machine: await machineFacts(), runs: rounds.length, metrics, setup };
}

function metricsOf({ what, target }: Variant, at: number, rounds: readonly Worn[][]): Metric[] {
  const values = rounds.map((worn) =>
    bytesAResult(worn[at] ?? { writtenBytes: NaN, results: 1, resultBytes: 0 }),
  );
  const aDay = values.map((bytes) => (bytes * FRAMES_A_SECOND * SECONDS_A_DAY) / 1e9);
  const held = target === undefined ? {} : { target };
  return [
    metric({ name: `written a result, ${what}`, unit: 'bytes', values, ...held }),
    metric({ name: `  a day of ${FRAMES_A_SECOND} frames/s`, unit: 'GB', values: aDay }),
  ];
}
