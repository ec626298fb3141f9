/** What a soak found, and how it is told. */
import { percentile } from '../../../common/statistics.js';
import { counts, sum, type Balance } from '../../../test/faults/support/balance.js';
import { floors, slopePerHour, type Point, type ProbeReport, type ProcessSample } from './samples.js';
import { slopeWithInterval, verdictOf, type Slope, type Verdict } from './slope.js';

export interface SoakOptions {
  minutes: number;
  /** Frames a second, of all cameras together. */
  rate: number;
  cameras: number;
  seed: number;
  /** Mean time from the end of a fault to the next; 0: no faults. */
  faultEveryS: number;
  /** Samples before this are not looked at for growth. */
  warmupMinutes: number;
  say: (line: string) => void;
  /** Told every minute what has been sampled so far, so that a soak that is killed has not been in vain. */
  keep: (record: SoakRecord) => void;
  /** Aborted: the soak ends early and reports what it has. */
  signal: AbortSignal;
}

export interface SoakRecord {
  options: Omit<SoakOptions, 'say' | 'keep' | 'signal'>;
  startedAt: string;
  /** On the monotonic clock of the soak. */
  startedMs: number;
  durationMs: number;
  balance: Balance;
  routes: Record<string, number>;
  reasons: Record<string, number>;
  worstLatencyMs: number;
  worstDeliveryMs: number;
  redelivered: number;
  /** Frames that the cameras could not hand to the broker. */
  unsent: number;
  violations: string[];
  faults: { atMs: number; name: string; what: string }[];
  agent: ProcessSample[];
  server: ProcessSample[];
  /** Of the device's process after SIGTERM. */
  exitCode: number | null;
}

/** Growth of a process after warm-up. */
export interface Growth {
  rssMb: number;
  /** Slope of the regression line through all samples after warm-up. */
  slopeMbPerHour: number;
  /** The same through the smallest sample of each minute, which no garbage is in. */
  floor: Slope;
  verdict: Verdict;
  /** The same of what JavaScript holds, and of what it holds outside its heap. */
  heapFloor: Slope;
  externalFloor: Slope;
  descriptors: { first: number; last: number };
  loopP99Ms: number;
  loopMaxMs: number;
}

const MINUTE_MS = 60_000;
const MB = 1e6;

export function growthOf(samples: readonly ProcessSample[], warmupMinutes: number): Growth {
  const warm = warmOf(samples, warmupMinutes);
  const points = pointsOf(warm);
  const tenth = Math.max(1, Math.floor(warm.length / 10));
  const median = (some: readonly ProcessSample[]): number =>
    percentile(
      some.map(({ descriptors }) => descriptors),
      0.5,
    );
  const probe = samples.findLast((sample) => sample.probe !== null)?.probe;
  const floor = floorOf(points);
  return {
    rssMb: (samples.at(-1)?.rssBytes ?? NaN) / MB,
    slopeMbPerHour: slopePerHour(points),
    floor,
    verdict: verdictOf(floor),
    heapFloor: floorOf(probed(warm, (report) => report.heapUsedBytes)),
    externalFloor: floorOf(probed(warm, (report) => report.externalBytes)),
    descriptors: { first: median(warm.slice(0, tenth)), last: median(warm.slice(-tenth)) },
    loopP99Ms: probe?.loopP99Ms ?? NaN,
    loopMaxMs: probe?.loopMaxMs ?? NaN,
  };
}

function warmOf(samples: readonly ProcessSample[], warmupMinutes: number): ProcessSample[] {
  return samples.filter(({ atMs }) => atMs >= warmupMinutes * MINUTE_MS);
}

function pointsOf(samples: readonly ProcessSample[]): Point[] {
  return samples.map(({ atMs, rssBytes }) => ({ atMs, value: rssBytes / MB }));
}

function floorOf(points: readonly Point[]): Slope {
  return slopeWithInterval(floors(points, MINUTE_MS));
}

function probed(samples: readonly ProcessSample[], bytesOf: (report: ProbeReport) => number): Point[] {
  return samples.flatMap(({ atMs, probe }) => (probe === null ? [] : [{ atMs, value: bytesOf(probe) / MB }]));
}

/** One line of progress. */
export function minuteLine(record: SoakRecord): string {
  const { balance, durationMs, faults, options } = record;
  const open = Math.max(0, balance.admitted - balance.results - sum(balance.drops)); // its last word is a second old
  const slopeMbPerHour = slopePerHour(pointsOf(warmOf(record.agent, options.warmupMinutes)));
  const { rssBytes = NaN, descriptors = 0, probe = null } = record.agent.at(-1) ?? {};
  const slope = Number.isNaN(slopeMbPerHour) ? 'warming up' : `${slopeMbPerHour.toFixed(1)} MB/h`;
  const last = faults.at(-1);
  return [
    `${(durationMs / MINUTE_MS).toFixed(0)} min: ${balance.admitted} frames, ${balance.results} results`,
    `drops ${counts(balance.drops)}, ${open} under way`,
    `device ${(rssBytes / MB).toFixed(0)} MB (${slope}), ${descriptors} descriptors, loop p99 ${(probe?.loopP99Ms ?? NaN).toFixed(1)} ms`,
    `${faults.length} faults${last ? `, last: ${last.name} (${last.what})` : ''}`,
    ...(record.violations.length > 0 ? [`VIOLATIONS ${record.violations.length}`] : []),
  ].join('; ');
}

/** The whole account, for people. */
export function soakText(record: SoakRecord): string {
  const { balance, faults, options, violations } = record;
  const byFault: Record<string, number> = {};
  for (const { name } of faults) byFault[name] = (byFault[name] ?? 0) + 1;
  return [
    `soak of ${(record.durationMs / MINUTE_MS).toFixed(1)} min, ${options.rate} frames/s, seed ${options.seed}`,
    `faults       ${faults.length}: ${counts(byFault)}`,
    `published    ${balance.published} (and ${record.unsent} while the broker was away)`,
    `frames       ${balance.admitted} admitted`,
    `results      ${balance.results} (${counts(record.routes)}), ${record.redelivered} delivered again`,
    `reasons      ${counts(record.reasons)}`,
    `drops        ${sum(balance.drops)} (${counts(balance.drops)})`,
    `given up     ${counts(balance.givenUp)}`,
    `lost         ${balance.lost}`,
    `worst        latency ${record.worstLatencyMs.toFixed(0)} ms, delivery ${record.worstDeliveryMs.toFixed(0)} ms`,
    processLine('device', growthOf(record.agent, options.warmupMinutes)),
    processLine('server', growthOf(record.server, options.warmupMinutes)),
    `device ended with exit code ${record.exitCode}`,
    ...violations.map((violation) => `VIOLATION    ${violation}`),
  ].join('\n');
}

function processLine(name: string, growth: Growth): string {
  const {
    rssMb,
    slopeMbPerHour,
    floor,
    heapFloor,
    externalFloor,
    verdict,
    descriptors,
    loopP99Ms,
    loopMaxMs,
  } = growth;
  return [
    `${name.padEnd(12)} ${rssMb.toFixed(0)} MB, slope ${slopeMbPerHour.toFixed(2)} MB/h`,
    `of the minutes' minima ${slopeText(floor)} MB/h over ${floor.points} min: ${verdict}`,
    `of its heap ${slopeText(heapFloor)}, outside it ${slopeText(externalFloor)}`,
    `descriptors ${descriptors.first} → ${descriptors.last}`,
    `event loop p99 ${loopP99Ms.toFixed(1)} ms, max ${loopMaxMs.toFixed(0)} ms`,
  ].join('; ');
}

function slopeText({ perHour, low, high }: Slope): string {
  const range = Number.isNaN(low) ? 'too short for an interval' : `${low.toFixed(2)} to ${high.toFixed(2)}`;
  return `${perHour.toFixed(2)} (${range})`;
}
