/** Time in equal steps that people count in. */

export interface Buckets {
  fromMs: number;
  stepMs: number;
  count: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 91, 364].map((n) => n * DAY),
];
const MOST = 48;

/** Steps over a stretch of time, at most 48, beginning at a whole step (UTC). */
export function bucketsOver(fromMs: number, toMs: number): Buckets {
  const [longest = DAY] = STEPS.slice(-1);
  const stepMs = STEPS.find((step) => (toMs - fromMs) / step < MOST - 1) ?? longest;
  const first = Math.floor(fromMs / stepMs) * stepMs;
  return { fromMs: first, stepMs, count: Math.max(1, Math.ceil((toMs + 1 - first) / stepMs)) };
}

export function bucketOf({ fromMs, stepMs }: Buckets, atMs: number): number {
  return Math.floor((atMs - fromMs) / stepMs);
}

/** What a bucket is called: as much of date and time (UTC) as tells it from its neighbours. */
export function bucketNames({ fromMs, stepMs, count }: Buckets): string[] {
  const severalDays = stepMs * count > DAY;
  return Array.from({ length: count }, (_, i) => {
    const iso = new Date(fromMs + i * stepMs).toISOString();
    const [date, time] = [iso.slice(5, 10), iso.slice(11, stepMs < MINUTE ? 19 : 16)];
    if (stepMs >= DAY) return date;
    return severalDays ? `${date} ${time}` : time;
  });
}

/** 90 s, 15 min, 6 h, 2 days. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 2 * MINUTE) return `${Number((ms / SECOND).toFixed(1))} s`;
  if (ms < 2 * HOUR) return `${Number((ms / MINUTE).toFixed(1))} min`;
  return ms < 2 * DAY ? `${Number((ms / HOUR).toFixed(1))} h` : `${Number((ms / DAY).toFixed(1))} days`;
}
