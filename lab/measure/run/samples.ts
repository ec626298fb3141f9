/** Power samples of a window: buckets, gaps, and the mean of a baseline. Pure. */
import { isFresh, isJoined, trapezoidJ, type Node } from '../../../energy/integrate.js';
import type { GapRow, PowerRow } from '../store/rows.js';

export interface Window {
  fromMs: number;
  toMs: number;
}

type Bucket = Omit<PowerRow, 'run' | 'rail'>;

/** Missing periods that make a gap, as in the daemon's default. */
const GAP_PERIODS = 10;

/** A gap lies between samples further apart than this; from the median distance of them. */
export function gapMsOf(samples: readonly Node[]): number {
  const nodes = samples.filter(isFresh);
  const steps = nodes.slice(1).map((node, i) => node.tMs - (nodes[i]?.tMs ?? 0));
  steps.sort((a, b) => a - b);
  return GAP_PERIODS * (steps[Math.floor(steps.length / 2)] ?? 1);
}

/**
 * Cuts a window into buckets: energy by trapezoids, interpolated at the edges, nothing assumed in gaps.
 * Times of samples and window are of one clock; the buckets' count from the window's start.
 */
export function buckets(samples: readonly Node[], window: Window, bucketMs: number): Bucket[] {
  const count = Math.max(1, Math.ceil((window.toMs - window.fromMs) / bucketMs));
  const found: Bucket[] = Array.from({ length: count }, (_, i) => ({
    fromMs: i * bucketMs,
    toMs: Math.min((i + 1) * bucketMs, window.toMs - window.fromMs),
    coveredMs: 0,
    energyJ: 0,
    minW: null,
    maxW: null,
    samples: 0,
  }));
  const gapMs = gapMsOf(samples);
  let last: Node | null = null;
  for (const node of samples) {
    if (!isFresh(node)) continue;
    count1(found, node, window, bucketMs);
    if (last && isJoined(last, node, gapMs)) spread(found, last, node, window, bucketMs);
    last = node;
  }
  return found;
}

function count1(found: Bucket[], node: Node, window: Window, bucketMs: number): void {
  if (node.tMs < window.fromMs || node.tMs >= window.toMs) return;
  const bucket = found[Math.floor((node.tMs - window.fromMs) / bucketMs)];
  if (!bucket) return;
  bucket.samples += 1;
  bucket.minW = Math.min(bucket.minW ?? Infinity, node.powerW);
  bucket.maxW = Math.max(bucket.maxW ?? -Infinity, node.powerW);
}

/** Adds the energy between two samples to the buckets that it reaches into. */
function spread(found: Bucket[], from: Node, to: Node, window: Window, bucketMs: number): void {
  const first = Math.max(0, Math.floor((from.tMs - window.fromMs) / bucketMs));
  for (let i = first; i < found.length; i += 1) {
    const bucket = found[i];
    if (!bucket) return;
    const startMs = Math.max(from.tMs, window.fromMs + bucket.fromMs);
    const endMs = Math.min(to.tMs, window.fromMs + bucket.toMs);
    if (window.fromMs + bucket.fromMs >= to.tMs) return;
    if (endMs <= startMs) continue;
    bucket.energyJ += trapezoidJ(from, to, startMs, endMs);
    bucket.coveredMs += endMs - startMs;
  }
}

/** Times of a window without samples, at its edges too. */
export function gaps(samples: readonly Node[], window: Window): Pick<GapRow, 'fromMs' | 'toMs'>[] {
  const nodes = samples.filter(isFresh);
  const gapMs = gapMsOf(nodes);
  const found: Pick<GapRow, 'fromMs' | 'toMs'>[] = [];
  const add = (fromMs: number, toMs: number): void => {
    const start = Math.max(fromMs, window.fromMs) - window.fromMs;
    const end = Math.min(toMs, window.toMs) - window.fromMs;
    if (end > start) found.push({ fromMs: start, toMs: end });
  };
  let last: Node | null = null;
  for (const node of nodes) {
    if (!last && node.tMs - gapMs > window.fromMs) add(window.fromMs, node.tMs);
    else if (last && !isJoined(last, node, gapMs)) add(last.tMs, node.tMs);
    last = node;
  }
  if (!last) add(window.fromMs, window.toMs);
  else if (last.tMs + gapMs < window.toMs) add(last.tMs, window.toMs);
  return found;
}

export interface Mean {
  meanW: number;
  sdW: number;
  coveredMs: number;
  samples: number;
}

/** Mean power of a window over the time that samples cover; null where they cover none. */
export function meanPower(samples: readonly Node[], window: Window): Mean | null {
  const [whole] = buckets(samples, window, Math.max(1e-3, window.toMs - window.fromMs));
  if (!whole || whole.coveredMs <= 0) return null;
  const inside = samples.filter(
    (node) => isFresh(node) && node.tMs >= window.fromMs && node.tMs < window.toMs,
  );
  const meanW = whole.energyJ / (whole.coveredMs / 1e3);
  const squares = inside.reduce((sum, { powerW }) => sum + (powerW - meanW) ** 2, 0);
  const sdW = inside.length > 1 ? Math.sqrt(squares / (inside.length - 1)) : 0;
  return { meanW, sdW, coveredMs: whole.coveredMs, samples: whole.samples };
}
