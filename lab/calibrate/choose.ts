/** The threshold for a budget, and what another set of frames of the same kind will make of it. Pure. */
import { costsAt, curveOf, type CalibrationRow, type CurvePoint, type RouteCosts } from './curve.js';

/** Null: no such bound. */
export interface Budget {
  /** Largest share of offloaded frames. */
  offload: number | null;
  /** Least share of right answers. */
  accuracy: number | null;
  /** Largest mean energy of a frame on the device. */
  energyJ: number | null;
  /** Largest 95th percentile of latency. */
  p95Ms: number | null;
}

export interface Range {
  low: number;
  high: number;
}

export const QUANTITIES = ['offloadShare', 'accuracy', 'energyJ', 'p95Ms'] as const;
export type Quantity = (typeof QUANTITIES)[number];

export interface Choice {
  point: CurvePoint;
  /**
   * 95 % prediction intervals: where the value of as many other frames of the same kind will lie at this threshold.
   * Of energy and latency only the share that is offloaded is uncertain here, not what a route costs.
   */
  intervals: Record<Quantity, Range | null>;
}

/**
 * Least offloading that is accurate enough where an accuracy is asked for; else the most accurate of what the other
 * bounds allow; without labels the most offloading that they allow. Null where nothing fits the budget.
 *
 * @param others number of frames that the intervals speak of; as many as `rows` unless given
 */
export function choose(
  rows: readonly CalibrationRow[],
  budget: Budget,
  costs: RouteCosts | null,
  others = rows.length,
): Choice | null {
  const within = (value: number | null, most: number | null): boolean =>
    most === null || (value !== null && value <= most);
  const allowed = curveOf(rows, costs).filter(
    (point) =>
      within(point.offloadShare, budget.offload) &&
      within(point.energyJ, budget.energyJ) &&
      within(point.p95Ms, budget.p95Ms),
  );
  const point = best(allowed, budget.accuracy);
  if (!point) return null;
  const share = predicted(point.offloadShare, rows.length, others);
  const [least, most] = [costsAt(share.low, costs), costsAt(share.high, costs)];
  const range = (a: number | null, b: number | null): Range | null =>
    a === null || b === null ? null : { low: Math.min(a, b), high: Math.max(a, b) };
  return {
    point,
    intervals: {
      offloadShare: share,
      accuracy: point.accuracy === null ? null : predicted(point.accuracy, rows.length, others),
      energyJ: range(least.energyJ, most.energyJ),
      p95Ms: range(least.p95Ms, most.p95Ms),
    },
  };
}

function best(allowed: readonly CurvePoint[], accuracy: number | null): CurvePoint | null {
  if (accuracy !== null) {
    const enough = (value: number | null): boolean => value !== null && value >= accuracy;
    return allowed.find((point) => enough(point.accuracy) && enough(point.smoothAccuracy)) ?? null;
  }
  const last = allowed.at(-1) ?? null;
  if (!last || last.smoothAccuracy === null) return last;
  return allowed.reduce((most, point) =>
    (point.smoothAccuracy ?? 0) > (most.smoothAccuracy ?? 0) ? point : most,
  );
}

/** Normal quantile of 97.5 %, for intervals that are stated as 95 %: the threshold was chosen on the very frames. */
const Z = 2.2414;

/**
 * Interval for the share that `others` new frames will have, from the share among `n`: both samples vary. The share
 * is pulled two frames towards the middle for its variance (Agresti and Coull), so that 0 and 1 are not certain.
 */
export function predicted(share: number, n: number, others: number): Range {
  const pulled = (share * n + 2) / (n + 4);
  const half = Z * Math.sqrt(pulled * (1 - pulled) * (1 / n + 1 / others)) + 0.5 / others;
  return { low: Math.max(0, share - half), high: Math.min(1, share + half) };
}

/** What becomes of frames at a given cut. */
export function valuesAt(
  rows: readonly CalibrationRow[],
  cut: number,
  costs: RouteCosts | null,
): Record<Quantity, number | null> {
  let [offloaded, right, labelled] = [0, 0, true];
  for (const row of rows) {
    const sent = row.keepScore < cut;
    const found = sent ? row.sendRight : row.keepRight;
    offloaded += Number(sent);
    right += Number(found);
    labelled &&= found !== null;
  }
  const offloadShare = offloaded / rows.length;
  return { offloadShare, accuracy: labelled ? right / rows.length : null, ...costsAt(offloadShare, costs) };
}
