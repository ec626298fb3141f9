/** What `edgemux calibrate` prints. Pure. */
import type { Choice, Quantity, Range } from './choose.js';
import type { Coverage } from './check.js';
import type { CurvePoint, RouteCosts } from './curve.js';
import type { KeepScale } from './scale.js';

/** One key of the configuration. */
export interface Change {
  path: string;
  before: string | number | null;
  after: string | number;
}

const NAMES: Record<Quantity, string> = {
  offloadShare: 'offloaded',
  accuracy: 'accuracy',
  energyJ: 'energy a frame',
  p95Ms: 'latency p95',
};
const SHOWN_POINTS = 16;

/** Some points of the curve, evenly over the offloaded share. */
export function curveText(curve: readonly CurvePoint[], last: KeepScale, costs: RouteCosts | null): string {
  const most = curve.at(-1)?.offloadShare ?? 0;
  const shown = new Set<CurvePoint>();
  for (let i = 0; i <= SHOWN_POINTS; i += 1) {
    const point = curve.find(({ offloadShare }) => offloadShare >= (most * i) / SHOWN_POINTS);
    if (point) shown.add(point);
  }
  const head = [last.name.padStart(10), 'offloaded', ' accuracy', `energy${simulated(costs)}`, 'p95'].join(
    '  ',
  );
  const rows = [...shown].map((point) =>
    [
      last.valueOf(point.cut).toFixed(4).padStart(10),
      value('offloadShare', point.offloadShare).padStart(9),
      value('accuracy', point.accuracy).padStart(9),
      value('energyJ', point.energyJ),
      value('p95Ms', point.p95Ms),
    ].join('  '),
  );
  return [head, ...rows].join('\n');
}

export function choiceText({ point, intervals }: Choice, last: KeepScale, costs: RouteCosts | null): string {
  const line = (quantity: Quantity): string[] => {
    const range = intervals[quantity];
    const mark = quantity === 'energyJ' ? simulated(costs) : '';
    return range
      ? [`  ${NAMES[quantity]}${mark} ${value(quantity, point[quantity])}${between(quantity, range)}`]
      : [];
  };
  return [
    `chosen: ${last.name} ${last.valueOf(point.cut)}`,
    ...(['offloadShare', 'accuracy', 'energyJ', 'p95Ms'] as const).flatMap(line),
    'the intervals are for as many other frames of the same kind (95 %)',
  ].join('\n');
}

export function coverageText({ halves, chosen, covered }: Coverage): string {
  const known = (Object.entries(covered) as [Quantity, number | null][]).filter(
    ([, share]) => share !== null,
  );
  const shares = known.map(([quantity, share]) => `${NAMES[quantity]} ${((share ?? 0) * 100).toFixed(1)} %`);
  return `of ${halves} random halves ${chosen} fit the budget; the other half lay within the interval: ${shares.join(', ')}`;
}

export function diffText(changes: readonly Change[]): string {
  const lines = changes
    .filter(({ before, after }) => before !== after)
    .flatMap(({ path, before, after }) => [`- ${path}: ${before ?? 'not set'}`, `+ ${path}: ${after}`]);
  return lines.length === 0 ? 'the configuration says so already' : lines.join('\n');
}

function between(quantity: Quantity, { low, high }: Range): string {
  return ` [${value(quantity, low)}, ${value(quantity, high)}]`;
}

function value(quantity: Quantity, number: number | null): string {
  if (number === null) return '–';
  if (quantity === 'energyJ') return `${(number * 1000).toFixed(2)} mJ`;
  return quantity === 'p95Ms' ? `${number.toFixed(1)} ms` : `${(number * 100).toFixed(2)} %`;
}

function simulated(costs: RouteCosts | null): string {
  return costs?.simulated ? ' (simulated)' : '';
}
