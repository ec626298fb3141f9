/** What a process takes, by the kernel's account and by its own, and whether that grows. */
import { readdirSync, readFileSync } from 'node:fs';

/** What a process under test writes of itself. */
export interface ProbeReport {
  /** Delay of the event loop since the start. */
  loopP99Ms: number;
  loopMaxMs: number;
  /** The same since the last report. */
  latelyP99Ms: number;
  heapUsedBytes: number;
  externalBytes: number;
  arrayBuffersBytes: number;
}

export interface ProcessSample {
  /** Since the start of the soak. */
  atMs: number;
  rssBytes: number;
  descriptors: number;
  /** Null until the process has reported. */
  probe: ProbeReport | null;
}

const PROBE = new URL('./probe.js', import.meta.url);

/** Arguments of node that load the probe. */
export function probeArgs(file: string): string[] {
  const url = new URL(PROBE);
  url.searchParams.set('file', file);
  return ['--import', url.href];
}

/** Null where the process is gone, or where there is no /proc to read. */
export function sampleProcess(pid: number, probeFile: string, atMs: number): ProcessSample | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const rssKb = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? NaN);
    if (!Number.isFinite(rssKb)) return null;
    return {
      atMs,
      rssBytes: rssKb * 1024,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      probe: readProbe(probeFile),
    };
  } catch {
    return null;
  }
}

function readProbe(file: string): ProbeReport | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProbeReport;
  } catch {
    return null;
  }
}

export interface Point {
  atMs: number;
  value: number;
}

/** Slope of the least-squares line through the points, per hour; NaN for fewer than three. */
export function slopePerHour(points: readonly Point[]): number {
  if (points.length < 3) return NaN;
  const meanAt = points.reduce((sum, { atMs }) => sum + atMs, 0) / points.length;
  const meanValue = points.reduce((sum, { value }) => sum + value, 0) / points.length;
  let covariance = 0;
  let variance = 0;
  for (const { atMs, value } of points) {
    covariance += (atMs - meanAt) * (value - meanValue);
    variance += (atMs - meanAt) ** 2;
  }
  return (covariance / variance) * 3_600_000;
}

/** The smallest value of each `windowMs`: what stays when the garbage is gone. */
export function floors(points: readonly Point[], windowMs: number): Point[] {
  const least = new Map<number, Point>();
  for (const point of points) {
    const window = Math.floor(point.atMs / windowMs);
    const before = least.get(window);
    if (!before || point.value < before.value) least.set(window, point);
  }
  return [...least.values()];
}
