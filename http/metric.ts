/** Metrics as data, named by the rules of prometheus.io: base units, `_total` for what only grows. */
import type { HistogramCounts } from '../common/histogram.js';

export type Labels = Record<string, string>;

export interface Sample {
  /** Where it is not the family's own: `…_bucket`, `…_sum`, `…_count`. */
  name?: string;
  labels: Labels;
  value: number;
}

/** All series of one name. */
export interface Family {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  samples: Sample[];
}

/** Series of a family: one without labels, or several with one label each; null where nothing is known. */
type Values = number | null | boolean | Iterable<readonly [Labels, number | null]>;

/** A number that only grows while the program runs. Its name must end in `_total`. */
export function counter(name: string, help: string, values: Values): Family {
  return { name, help, type: 'counter', samples: samplesOf(values) };
}

export function gauge(name: string, help: string, values: Values): Family {
  return { name, help, type: 'gauge', samples: samplesOf(values) };
}

/** A gauge that is 1 and says what it has to say in its labels. */
export function info(name: string, help: string, labels: Labels): Family {
  return gauge(name, help, [[labels, 1]]);
}

/** A gauge that is 1 for one of several names and 0 for the others. */
export function oneOf(
  name: string,
  help: string,
  label: string,
  { all, now }: { all: readonly string[]; now: string },
): Family {
  return gauge(
    name,
    help,
    all.map((value) => [{ [label]: value }, value === now ? 1 : 0]),
  );
}

export function histogram(
  name: string,
  help: string,
  series: Iterable<readonly [Labels, HistogramCounts]>,
): Family {
  const samples = [...series].flatMap(([labels, { atMost, bounds, count, sum }]): Sample[] => [
    ...bounds.map((bound, at) => ({
      name: `${name}_bucket`,
      labels: { ...labels, le: String(bound) },
      value: atMost[at] ?? 0,
    })),
    { name: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { name: `${name}_sum`, labels, value: sum },
    { name: `${name}_count`, labels, value: count },
  ]);
  return { name, help, type: 'histogram', samples };
}

/** Values of one label, each of `all` with 0 where nothing was counted: a series that is absent cannot be told from a lost one. */
export function byLabel(
  label: string,
  counted: Readonly<Record<string, number | undefined>>,
  all: readonly string[] = [],
): [Labels, number][] {
  const names = new Set([...all, ...Object.keys(counted)]);
  return [...names].map((name) => [{ [label]: name }, counted[name] ?? 0]);
}

function samplesOf(values: Values): Sample[] {
  if (values === null) return [];
  if (typeof values === 'number' || typeof values === 'boolean')
    return [{ labels: {}, value: Number(values) }];
  return [...values].flatMap(([labels, value]) => (value === null ? [] : [{ labels, value }]));
}
