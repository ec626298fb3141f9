/** Rounds of the path benchmark: floor, raw hop and daemon in small blocks by turns, so that all see the same machine. */
import { EdgemuxError } from '../../../common/errors.js';
import { mean, percentile } from '../../../common/statistics.js';
import { parseResult, type Result } from '../../../protocol/messages.js';
import { calm, cpuTimes, otherCpus, processCpuMs } from '../other-load.js';
import type { Answered, Cameras, LoopFigures } from './cameras.js';
import type { Floor, FloorFrame } from './floor.js';

export interface Subjects {
  floor: Floor;
  hop: Cameras;
  daemon: Cameras;
  daemonPid: number;
  jpegs: readonly Uint8Array[];
}

export interface RoundPlan {
  /** Frames that count, of each of the four measurements. */
  frames: number;
  /** Cameras with a frame outstanding when throughput is measured. */
  cameras: number;
  /** Wait for other programs to leave the machine alone, for so long at most before each block. */
  calmMs: number;
}

/** Durations in ms, rates in frames/s, `cpu` in ms of CPU time a frame. */
export interface RoundFigures {
  floor: { p50: number; decode: number; mux: number; local: number; rate: number; cpu: number };
  hop: { p50: number; p95: number };
  daemon: {
    p50: number;
    p95: number;
    decode: number;
    mux: number;
    local: number;
    queue: number;
    rate: number;
    cpu: number;
  };
  /** Processors that other programs kept busy in the meantime; 0 where that is unknown. */
  otherCpus: number;
}

/** What a block leaves behind. */
interface Collected {
  floor: FloorFrame[];
  floorMs: number;
  floorCpuMs: number;
  hop: Answered[];
  latency: Answered[];
  throughput: { frames: number; durationMs: number; cpuMs: number; cpuFrames: number };
  otherCpus: number[];
}

const BLOCKS = 5;
/** Frames before the first that counts of a block: caches and CPU clocks forget while others run. */
const WARMUP = 3;
/** What other programs may take, in processors, where a calm machine is waited for. */
const CALM_CPUS = 0.25;

export async function runRound(subjects: Subjects, plan: RoundPlan): Promise<RoundFigures> {
  const all: Collected = {
    floor: [],
    floorMs: 0,
    floorCpuMs: 0,
    hop: [],
    latency: [],
    throughput: { frames: 0, durationMs: 0, cpuMs: 0, cpuFrames: 0 },
    otherCpus: [],
  };
  const steps = [floorBlock, hopBlock, latencyBlock, throughputBlock];
  for (let block = 0; block < BLOCKS; block += 1) {
    const frames = Math.ceil(plan.frames / BLOCKS);
    // no step always follows the same one
    const turned = [...steps.slice(block % steps.length), ...steps.slice(0, block % steps.length)];
    if (plan.calmMs > 0) await calm(CALM_CPUS, plan.calmMs);
    const before = cpuTimes();
    for (const step of turned) await step(subjects, { ...plan, frames }, all);
    all.otherCpus.push(otherCpus(before, cpuTimes()) ?? 0);
  }
  return figuresOf(all);
}

async function floorBlock({ floor, jpegs }: Subjects, { frames }: RoundPlan, all: Collected): Promise<void> {
  for (let at = 0; at < WARMUP + frames; at += 1) {
    const jpeg = jpegs[(all.floor.length + at) % jpegs.length];
    if (!jpeg) throw new RangeError('no frames');
    const beforeUs = cpuUs();
    const frame = await floor.frame(jpeg);
    if (at < WARMUP) continue;
    all.floor.push(frame);
    all.floorMs += frame.total;
    all.floorCpuMs += (cpuUs() - beforeUs) / 1000;
  }
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function hopBlock({ hop }: Subjects, { frames }: RoundPlan, all: Collected): Promise<void> {
  all.hop.push(...(await hop.run({ cameras: 1, warmup: WARMUP, frames })).answered);
}

async function latencyBlock({ daemon }: Subjects, { frames }: RoundPlan, all: Collected): Promise<void> {
  all.latency.push(...(await daemon.run({ cameras: 1, warmup: WARMUP, frames })).answered);
}

async function throughputBlock(
  { daemon, daemonPid }: Subjects,
  { frames, cameras }: RoundPlan,
  all: Collected,
): Promise<void> {
  const warmup = WARMUP + cameras;
  const beforeMs = processCpuMs(daemonPid);
  const loop: LoopFigures = await daemon.run({ cameras, warmup, frames });
  all.throughput.cpuMs += processCpuMs(daemonPid) - beforeMs;
  all.throughput.cpuFrames += warmup + frames + cameras - 1;
  for (const { payload } of loop.answered) checked(payload);
  all.throughput.frames += frames;
  all.throughput.durationMs += loop.durationMs;
}

function figuresOf({
  floor,
  floorMs,
  floorCpuMs,
  hop,
  latency,
  throughput,
  otherCpus,
}: Collected): RoundFigures {
  const results = latency.map(({ payload }) => checked(payload).latencyMs);
  const hopMs = hop.map(({ latencyMs }) => latencyMs);
  const daemonMs = latency.map(({ latencyMs }) => latencyMs);
  const part = <K extends string>(frames: readonly Record<K, number>[], key: K): number =>
    percentile(
      frames.map((frame) => frame[key]),
      0.5,
    );
  return {
    floor: {
      p50: part(floor, 'total'),
      decode: part(floor, 'decode'),
      mux: part(floor, 'mux'),
      local: part(floor, 'local'),
      rate: (1000 * floor.length) / floorMs,
      cpu: floorCpuMs / floor.length,
    },
    hop: { p50: percentile(hopMs, 0.5), p95: percentile(hopMs, 0.95) },
    daemon: {
      p50: percentile(daemonMs, 0.5),
      p95: percentile(daemonMs, 0.95),
      decode: part(results, 'decode'),
      mux: part(results, 'mux'),
      local: part(results, 'local'),
      queue: part(results, 'queue'),
      rate: (1000 * throughput.frames) / throughput.durationMs,
      cpu: throughput.cpuMs / throughput.cpuFrames,
    },
    otherCpus: mean(otherCpus),
  };
}

/** A result of the daemon, which must have done the floor's work for it: asked the mux, run the local model. */
export function checked(payload: Uint8Array): Result {
  const result = parseResult(payload);
  if (result.route === 'local' && result.muxScore !== null && result.models.length === 1) return result;
  throw new EdgemuxError(
    'MESSAGE_INVALID',
    `a frame took the route ${result.route}, not mux and local model`,
  );
}
