/** The path benchmark's metrics, from the figures of its rounds. */
import { metric, type Metric } from '../report.js';
import type { RoundFigures } from './rounds.js';

/** The targets for real frames and networks; where the networks are tiny there is only the overhead. */
export interface Targets {
  latency: number;
  throughput: number;
}

export function pathMetrics(rounds: readonly RoundFigures[], targets: Targets | null): Metric[] {
  const each = (read: (round: RoundFigures) => number): number[] => rounds.map(read);
  const bare = ({ floor, hop }: RoundFigures): number => floor.p50 + hop.p50;
  const ms = (name: string, read: (round: RoundFigures) => number): Metric =>
    metric({ name, unit: 'ms', values: each(read) });
  const beside = (name: string, key: 'decode' | 'mux' | 'local'): Metric =>
    metric({
      ...{ name, unit: 'ms', against: `${key} of the floor` },
      values: each(({ daemon }) => daemon[key]),
      baselines: each(({ floor }) => floor[key]),
    });
  return [
    metric({
      ...{ name: 'latency-p50', unit: 'ms', against: 'floor p50 + raw MQTT hop p50' },
      values: each(({ daemon }) => daemon.p50),
      baselines: each(bare),
      ...(targets ? { target: { atMost: targets.latency } } : {}),
    }),
    metric({
      ...{ name: 'throughput', unit: 'frames/s', against: 'the serial floor loop' },
      values: each(({ daemon }) => daemon.rate),
      baselines: each(({ floor }) => floor.rate),
      ...(targets ? { target: { atLeast: targets.throughput } } : {}),
    }),
    ms('overhead-p50', (round) => round.daemon.p50 - bare(round)),
    ms('latency-p95', ({ daemon }) => daemon.p95),
    ms('hop-p50', ({ hop }) => hop.p50),
    ms('hop-p95', ({ hop }) => hop.p95),
    ms('floor-p50', ({ floor }) => floor.p50),
    ms('floor-decode', ({ floor }) => floor.decode),
    ms('floor-mux', ({ floor }) => floor.mux),
    ms('floor-local', ({ floor }) => floor.local),
    beside('daemon-decode', 'decode'),
    beside('daemon-mux', 'mux'),
    beside('daemon-local', 'local'),
    ms('daemon-queue', ({ daemon }) => daemon.queue),
  ];
}
