/** The metrics of the server benchmark. */
import type { ServerMode } from '../../../common/policy-names.js';
import { metric, type Metric } from '../report.js';
import type { OverheadFigures } from './overhead.js';
import type { BlockFigures, RoundFigures } from './rounds.js';

export interface Measured extends RoundFigures {
  overhead: OverheadFigures;
}

/** What the shipped policy promises against `largest`, and what the server may add. */
const TARGETS = { flops: 1 / 2.85, cpu: 0.5, overhead: 1.15 };

type Kind = keyof RoundFigures;

/** One metric a policy: its figure with or without batching, against `largest` or against itself without batching. */
interface Family {
  name: string;
  unit: string;
  key: keyof BlockFigures;
  kind: Kind;
  against: 'largest' | 'unbatched';
  /** Target of the shipped policy's ratio. */
  atMost?: number;
}

const FAMILIES: readonly Family[] = [
  ...(['batched', 'unbatched'] as const).map((kind): Family => {
    const name = kind === 'batched' ? 'cpu-per-answer' : 'cpu-per-answer-unbatched';
    return { name, unit: 'ms', key: 'inferenceCpu', kind, against: 'largest', atMost: TARGETS.cpu };
  }),
  { name: 'process-cpu-per-answer', unit: 'ms', key: 'processCpu', kind: 'batched', against: 'largest' },
  {
    name: 'flops-per-answer',
    unit: 'MAC',
    key: 'flops',
    kind: 'batched',
    against: 'largest',
    atMost: TARGETS.flops,
  },
  { name: 'accuracy', unit: 'share', key: 'accuracy', kind: 'batched', against: 'largest' },
  { name: 'throughput', unit: 'answers/s', key: 'rate', kind: 'batched', against: 'unbatched' },
  { name: 'latency-p50', unit: 'ms', key: 'p50', kind: 'batched', against: 'unbatched' },
  { name: 'latency-p95', unit: 'ms', key: 'p95', kind: 'batched', against: 'unbatched' },
  { name: 'latency-p99', unit: 'ms', key: 'p99', kind: 'batched', against: 'unbatched' },
  { name: 'batch-size', unit: 'images', key: 'batchSize', kind: 'batched', against: 'unbatched' },
];

/** @param shipped the mode of the zoo's own policy, which has to reach the targets */
export function serverMetrics(
  rounds: readonly Measured[],
  modes: readonly ServerMode[],
  shipped: ServerMode,
): Metric[] {
  const families = FAMILIES.flatMap((family) => modes.map((mode) => ofMode(rounds, family, mode, shipped)));
  const overhead = metric({
    name: 'overhead',
    unit: 'ms',
    against: 'decode + mux + model + raw MQTT round trip, one request at a time',
    values: rounds.map(({ overhead }) => overhead.server),
    baselines: rounds.map(({ overhead }) => overhead.floor + overhead.hop),
    target: { atMost: TARGETS.overhead },
  });
  return [...families, overhead];
}

function ofMode(rounds: readonly Measured[], family: Family, mode: ServerMode, shipped: ServerMode): Metric {
  const { name, unit, key, kind, against, atMost } = family;
  const values = (of: Kind, by: ServerMode): number[] =>
    rounds.map((round) => round[of].get(by)?.[key] ?? NaN);
  return metric({
    name: `${name}/${mode}`,
    unit,
    values: values(kind, mode),
    baselines: against === 'largest' ? values(kind, 'largest') : values('unbatched', mode),
    ...(atMost !== undefined && mode === shipped && mode !== 'largest' ? { target: { atMost } } : {}),
  });
}
