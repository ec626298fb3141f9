/** The path benchmark's metrics, from the figures of its rounds. */
import { metric, type Metric } from '../report.js';
import type { RoundFigures } from './rounds.js';

/** What the ratios should reach with real frames and networks; tiny ones show the overhead only. */
export interface Targets {
  latency: number;
  throughput: number;
}

type Read = (round: RoundFigures) => number;

export function pathMetrics(rounds: readonly RoundFigures[], targets: Targets | null): Metric[] {
  const plain = (name: string, unit: string, read: Read): Metric =>
    metric({ name, unit, values: rounds.map(read) });
  return [
    ...heldAgainstTheFloor(rounds, targets),
    plain('overhead-p50', 'ms', (round) => round.daemon.p50 - bareMs(round)),
    plain('latency-p95', 'ms', ({ daemon }) => daemon.p95),
    plain('hop-p50', 'ms', ({ hop }) => hop.p50),
    plain('hop-p95', 'ms', ({ hop }) => hop.p95),
    plain('floor-p50', 'ms', ({ floor }) => floor.p50),
    ...(['decode', 'mux', 'local'] as const).map((stage) => stageMetric(rounds, stage)),
    plain('daemon-queue', 'ms', ({ daemon }) => daemon.queue),
    plain('other-load', 'CPUs', ({ otherCpus }) => otherCpus),
  ];
}

function bareMs({ floor, hop }: RoundFigures): number {
  return floor.p50 + hop.p50;
}

function heldAgainstTheFloor(rounds: readonly RoundFigures[], targets: Targets | null): Metric[] {
  return [
    metric({
      name: 'latency-p50',
      unit: 'ms',
      against: 'floor p50 + raw MQTT hop p50',
      values: rounds.map(({ daemon }) => daemon.p50),
      baselines: rounds.map(bareMs),
      ...(targets ? { target: { atMost: targets.latency } } : {}),
    }),
    metric({
      name: 'throughput',
      unit: 'frames/s',
      against: 'the serial floor loop',
      values: rounds.map(({ daemon }) => daemon.rate),
      baselines: rounds.map(({ floor }) => floor.rate),
      ...(targets ? { target: { atLeast: targets.throughput } } : {}),
    }),
    metric({
      name: 'cpu-per-frame',
      unit: 'ms',
      against: 'CPU time of the floor, all threads',
      values: rounds.map(({ daemon }) => daemon.cpu),
      baselines: rounds.map(({ floor }) => floor.cpu),
    }),
  ];
}

/** How long a stage takes inside the daemon, by its own results, beside the floor's. */
function stageMetric(rounds: readonly RoundFigures[], stage: 'decode' | 'mux' | 'local'): Metric {
  return metric({
    name: stage,
    unit: 'ms',
    against: `${stage} of the floor`,
    values: rounds.map(({ daemon }) => daemon[stage]),
    baselines: rounds.map(({ floor }) => floor[stage]),
  });
}
