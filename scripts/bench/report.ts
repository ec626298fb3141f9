/** What every benchmark reports: figures with their spread over the rounds of one run, and what they are held against. */
import { hostFacts, type HostFacts } from '../../common/host/systeminformation.js';
import { percentile } from '../../common/statistics.js';

export type Machine = HostFacts;
export const machineFacts: () => Promise<Machine> = hostFacts;

/** Smallest, middle and largest of the rounds' figures. */
export interface Spread {
  min: number;
  median: number;
  max: number;
}

export interface Metric {
  name: string;
  /** `ms`, `frames/s`, `J`, …; `x` for what has none. */
  unit: string;
  value: Spread;
  /** Median over the rounds of what the value is held against, in the same unit; null where there is nothing. */
  baseline: number | null;
  /** Value by baseline, each round for itself; null where there is no baseline. */
  ratio: Spread | null;
  /** What the baseline is, for people. */
  against?: string;
  /** What the median ratio (without a baseline: the median value) should be at most, or at least. */
  target?: { atMost: number } | { atLeast: number };
}

export interface BenchReport {
  name: string;
  machine: Machine;
  /** Rounds, each of which gave one figure a metric. */
  runs: number;
  metrics: Metric[];
  /** What else one has to know to read the figures: broker, threads, sizes. */
  setup: Record<string, string | number>;
}

/** @throws RangeError for no values, or where one is no finite number */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0 || !values.every(Number.isFinite)) {
    throw new RangeError(`no spread of [${values.join(', ')}]`);
  }
  return { min: Math.min(...values), median: percentile(values, 0.5), max: Math.max(...values) };
}

export interface MetricParts {
  name: string;
  unit: string;
  /** One figure a round. */
  values: readonly number[];
  /** One figure a round, of the same rounds in the same order. */
  baselines?: readonly number[];
  against?: string;
  target?: Metric['target'];
}

/**
 * A metric from its figures. Ratios are taken round by round, so that what slows a shared machine for a while slows
 * both sides of each ratio.
 */
export function metric({ name, unit, values, baselines, against, target }: MetricParts): Metric {
  if (baselines && baselines.length !== values.length) {
    throw new RangeError(`${name}: ${values.length} values and ${baselines.length} baselines`);
  }
  return {
    name,
    unit,
    value: spread(values),
    baseline: baselines ? spread(baselines).median : null,
    ratio: baselines ? spread(values.map((value, round) => value / (baselines[round] ?? NaN))) : null,
    ...(against === undefined ? {} : { against }),
    ...(target === undefined ? {} : { target }),
  };
}

/** Whether a metric meets its target; null where it has none. */
export function meetsTarget({ value, ratio, target }: Metric): boolean | null {
  if (!target) return null;
  const reached = (ratio ?? value).median;
  return 'atMost' in target ? reached <= target.atMost : reached >= target.atLeast;
}

const HEADINGS = ['metric', 'unit', 'median', 'min', 'max', 'baseline', 'ratio', 'min', 'max', 'target'];

/** The report as text lines for a terminal. */
export function formatReport(report: BenchReport): string {
  const { machine } = report;
  const rows = [HEADINGS, ...report.metrics.map(rowOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < 2 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
  const notes = report.metrics
    .filter(({ against }) => against !== undefined)
    .map(({ name, against }) => `  ${name}: against ${against ?? ''}`);
  return [
    `${report.name}: ${report.runs} rounds on ${machine.cpu}, ${machine.cores} cores, ${machine.os}, node ${machine.node}`,
    `  ${Object.entries(report.setup)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ')}`,
    '',
    ...table,
    ...(notes.length > 0 ? ['', ...notes] : []),
    '',
  ].join('\n');
}

function rowOf(one: Metric): string[] {
  const { name, unit, value, baseline, ratio } = one;
  return [
    ...[name, unit, digits(value.median), digits(value.min), digits(value.max)],
    baseline === null ? '' : digits(baseline),
    ...(ratio ? [ratio.median, ratio.min, ratio.max].map((x) => x.toFixed(3)) : ['', '', '']),
    targetText(one),
  ];
}

function targetText(one: Metric): string {
  const { target } = one;
  if (!target) return '';
  const text = 'atMost' in target ? `<= ${target.atMost}` : `>= ${target.atLeast}`;
  return `${text} ${meetsTarget(one) === true ? 'met' : 'MISSED'}`;
}

/** Four significant digits, without an exponent where people read numbers. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return value.toFixed(0);
  return size >= 100 ? value.toFixed(1) : size >= 10 ? value.toFixed(2) : value.toFixed(3);
}
