/** Whether a process grows: the slope of its minutes' smallest sizes, with an interval that knows that minutes resemble their neighbours. */
import { percentile } from '../../../common/statistics.js';
import { seededRandom } from '../../../common/random.js';
import { slopePerHour, type Point } from './samples.js';

/** Slope with its 95 % interval, in units of the values an hour. */
export interface Slope {
  perHour: number;
  low: number;
  high: number;
  /** Points that it was fitted through. */
  points: number;
}

export type Verdict = 'flat' | 'grows' | 'not sure';

/** A process is flat where it grows by no more than this, in MB/h, for sure, */
const MOST_GROWTH = 1;
/** or where no growth is as good a guess as any, and the guess is no wider than this. */
const WIDEST = 4;

const RESAMPLES = 2000;
const SEED = 1;

/**
 * Least squares, and a circular block bootstrap of its residuals (Politis and Romano 1992): blocks of consecutive residuals
 * are drawn with replacement, so what drifts within a block is not taken for chance.
 * @param block points a block; a run must hold several of them to say anything
 */
export function slopeWithInterval(points: readonly Point[], block = 10): Slope {
  const perHour = slopePerHour(points);
  const n = points.length;
  if (n < 2 * block) return { perHour, low: NaN, high: NaN, points: n };
  const random = seededRandom(SEED);
  const residuals = residualsOf(points, perHour);
  const slopes = Array.from({ length: RESAMPLES }, () => {
    const drawn: Point[] = [];
    while (drawn.length < n) {
      const from = Math.floor(random() * n);
      for (let k = 0; k < block && drawn.length < n; k += 1)
        drawn.push({ atMs: points[drawn.length]?.atMs ?? 0, value: residuals[(from + k) % n] ?? 0 });
    }
    return perHour + slopePerHour(drawn);
  });
  return { perHour, low: percentile(slopes, 0.025), high: percentile(slopes, 0.975), points: n };
}

/** @param slope in MB/h */
export function verdictOf({ low, high }: Slope): Verdict {
  if (Number.isNaN(low)) return 'not sure';
  if (high <= MOST_GROWTH || (low <= 0 && high - low <= WIDEST)) return 'flat';
  return low > 0 ? 'grows' : 'not sure';
}

function residualsOf(points: readonly Point[], perHour: number): number[] {
  const meanAt = points.reduce((sum, { atMs }) => sum + atMs, 0) / points.length;
  const meanValue = points.reduce((sum, { value }) => sum + value, 0) / points.length;
  return points.map(({ atMs, value }) => value - meanValue - (perHour * (atMs - meanAt)) / 3_600_000);
}
