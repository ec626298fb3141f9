/** Every threshold that a set of frames can tell apart, and what comes of each. Pure. */
import { percentile } from '../../common/statistics.js';
import { smooth } from '../eval/statistics/smooth.js';

/** One frame as a threshold sees it. */
export interface CalibrationRow {
  /** Wish to keep it, in [0, 1]; offloaded below the cut. Infinity: kept whatever the cut; −Infinity: never kept. */
  keepScore: number;
  /** Whether the answer is right if kept and if offloaded; null where nobody labelled the frame. */
  keepRight: boolean | null;
  sendRight: boolean | null;
}

/** What frames cost by where they were answered, from a campaign or a journal; null where it is unknown. */
export interface RouteCosts {
  energyJ: { kept: number; offloaded: number } | null;
  latencyMs: { kept: readonly number[]; offloaded: readonly number[] } | null;
  /** Where they come from, and whether a power model is behind the energies. */
  source: string;
  simulated: boolean;
}

export interface CurvePoint {
  /** Offloaded is what has a keep score below it. */
  cut: number;
  offloadShare: number;
  accuracy: number | null;
  /** As fitted over the keep score: a choice must not hang on single lucky frames. */
  smoothAccuracy: number | null;
  energyJ: number | null;
  p95Ms: number | null;
}

const P95 = 0.95;

/** Points from no offload on, one for each distinct keep score. */
export function curveOf(rows: readonly CalibrationRow[], costs: RouteCosts | null): CurvePoint[] {
  const sorted = [...rows].sort((a, b) => a.keepScore - b.keepScore);
  const labelled = rows.every((row) => row.keepRight !== null && row.sendRight !== null);
  const fits = labelled ? fitted(sorted) : null;
  let right = sorted.reduce((sum, row) => sum + Number(row.keepRight), 0);
  let smoothRight = fits ? fits.reduce((sum, fit) => sum + fit.keep, 0) : 0;
  const points: CurvePoint[] = [];
  const add = (offloaded: number): void => {
    const offloadShare = offloaded / Math.max(1, rows.length);
    points.push({
      cut: cutBetween(sorted[offloaded - 1]?.keepScore, sorted[offloaded]?.keepScore),
      offloadShare,
      accuracy: labelled ? right / rows.length : null,
      smoothAccuracy: fits ? smoothRight / rows.length : null,
      ...costsAt(offloadShare, costs),
    });
  };
  for (let i = 0; i <= sorted.length; i += 1) {
    const [last, next] = [sorted[i - 1], sorted[i]];
    if (last && last.keepScore === Infinity) break;
    if ((!last || last.keepScore !== next?.keepScore) && next?.keepScore !== -Infinity) add(i);
    right += Number(next?.sendRight) - Number(next?.keepRight);
    smoothRight += (fits?.[i]?.send ?? 0) - (fits?.[i]?.keep ?? 0);
  }
  return points;
}

/** P(right) kept and offloaded; of frames that no cut moves what they were. */
function fitted(sorted: readonly CalibrationRow[]): { keep: number; send: number }[] {
  const open = sorted.filter(({ keepScore }) => Number.isFinite(keepScore));
  const keepScores = open.map(({ keepScore }) => keepScore);
  const keep = smooth(
    keepScores,
    open.map(({ keepRight }) => Number(keepRight)),
  );
  const send = smooth(
    keepScores,
    open.map(({ sendRight }) => Number(sendRight)),
  );
  let at = 0;
  return sorted.map((row) => {
    if (!Number.isFinite(row.keepScore)) return { keep: Number(row.keepRight), send: Number(row.sendRight) };
    at += 1;
    return { keep: keep[at - 1] ?? 0, send: send[at - 1] ?? 0 };
  });
}

/** A short number between the keep scores of the last frame offloaded and the first kept. */
export function cutBetween(last: number | undefined, first: number | undefined): number {
  if (last === undefined || last === -Infinity) return 0;
  if (first === undefined || first === Infinity) return 1;
  const middle = (last + first) / 2;
  const short = Number(middle.toPrecision(5));
  return short > last && short <= first ? short : middle;
}

/** Energy and 95th percentile of latency of a mix of kept and offloaded frames. */
export function costsAt(
  offloadShare: number,
  costs: RouteCosts | null,
): Pick<CurvePoint, 'energyJ' | 'p95Ms'> {
  const { energyJ, latencyMs } = costs ?? { energyJ: null, latencyMs: null };
  return {
    energyJ: energyJ && (1 - offloadShare) * energyJ.kept + offloadShare * energyJ.offloaded,
    p95Ms: latencyMs && mixedPercentile(latencyMs, offloadShare),
  };
}

/** The latency that P95 of a mixture stay within, by bisection over both distributions. */
function mixedPercentile(latencyMs: NonNullable<RouteCosts['latencyMs']>, offloadShare: number): number {
  const { kept, offloaded } = latencyMs;
  if (offloadShare === 0) return percentile(kept, P95);
  if (offloadShare === 1) return percentile(offloaded, P95);
  let [low, high] = [0, Math.max(percentile(kept, 1), percentile(offloaded, 1))];
  for (let step = 0; step < 50; step += 1) {
    const middle = (low + high) / 2;
    const within = (1 - offloadShare) * shareUpTo(kept, middle) + offloadShare * shareUpTo(offloaded, middle);
    if (within >= P95) high = middle;
    else low = middle;
  }
  return high;
}

/** @param sorted rising */
function shareUpTo(sorted: readonly number[], limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) <= limit) low = middle + 1;
    else high = middle;
  }
  return low / sorted.length;
}
