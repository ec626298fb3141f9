/** How often the stated intervals hold: chosen on a random half of the frames, looked up on the other half. Pure. */
import { seededRandom, shuffled } from '../../common/random.js';
import { choose, QUANTITIES, valuesAt, type Budget, type Quantity } from './choose.js';
import type { CalibrationRow, RouteCosts } from './curve.js';

export interface Coverage {
  halves: number;
  /** Halves for which something fitted the budget. */
  chosen: number;
  /** Share of these whose other half lay within the interval; null for what is not known. */
  covered: Record<Quantity, number | null>;
}

/** Tolerance of comparisons of computed shares. */
const SLACK = 1e-12;

export function coverage(
  rows: readonly CalibrationRow[],
  budget: Budget,
  costs: RouteCosts | null,
  { halves, seed }: { halves: number; seed: number },
): Coverage {
  const random = seededRandom(seed);
  const within: Record<Quantity, number> = { offloadShare: 0, accuracy: 0, energyJ: 0, p95Ms: 0 };
  const known = new Set<Quantity>();
  let chosen = 0;
  for (let at = 0; at < halves; at += 1) {
    const order = shuffled(rows, random);
    const half = Math.floor(rows.length / 2);
    const other = order.slice(half);
    const choice = choose(order.slice(0, half), budget, costs, other.length);
    if (!choice) continue;
    chosen += 1;
    const values = valuesAt(other, choice.point.cut, costs);
    for (const quantity of QUANTITIES) {
      const [range, value] = [choice.intervals[quantity], values[quantity]];
      if (!range || value === null) continue;
      known.add(quantity);
      within[quantity] += Number(value >= range.low - SLACK && value <= range.high + SLACK);
    }
  }
  const share = (quantity: Quantity): number | null =>
    known.has(quantity) ? within[quantity] / chosen : null;
  return {
    halves,
    chosen,
    covered: {
      offloadShare: share('offloadShare'),
      accuracy: share('accuracy'),
      energyJ: share('energyJ'),
      p95Ms: share('p95Ms'),
    },
  };
}
