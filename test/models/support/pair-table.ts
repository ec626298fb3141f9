/** The pair against the server alone: thresholds that one half of the pictures sets judge the other half. */
import { argmax, maximum } from '../../../mux/rules/probabilities.js';
import { halves } from '../../../lab/eval/outputs/neighbours.js';
import { mean, Z_95 } from '../../../common/statistics.js';
import type { Answered } from './photographs.js';

/** What answers a frame that the device does not keep. */
export type Far = (row: Answered) => number;

export interface PairRow {
  accuracy: number;
  offloaded: number;
  /** Accuracy less the server's alone, by pairs, and half of its 95 % interval. */
  difference: number;
  plusMinus: number;
  thresholds: [number, number];
}

const of = (row: Answered, id: string): Float32Array => row.probabilities[id] ?? new Float32Array();
export const answerOf = (row: Answered, id: string): number => argmax(of(row, id));

/** The mean of the probabilities of several networks. */
export function averaged(...ids: string[]): Far {
  return (row) => argmax(of(row, ids[0] ?? '').map((_, k) => mean(ids.map((id) => of(row, id)[k] ?? 0))));
}

/** @param most share of frames that may be offloaded when a threshold is set */
export function crossFitted(rows: readonly Answered[], far: Far, most: number, seed = 1): PairRow {
  const scored = rows.map((row) => ({
    confidence: maximum(of(row, 'lite0')),
    kept: Number(answerOf(row, 'lite0') === row.label),
    sent: Number(far(row) === row.label),
    server: Number(answerOf(row, 'lite2') === row.label),
  }));
  const parts = halves(rows.length, seed);
  const thresholds = parts.map((half) => bestThreshold(half.map((i) => scored[i]!), most));
  const right: number[] = [];
  const less: number[] = [];
  let offloaded = 0;
  for (const [side, half] of parts.entries()) {
    for (const { confidence, kept, sent, server } of half.map((i) => scored[i]!)) {
      const goes = confidence < (thresholds[1 - side] ?? 0);
      right.push(goes ? sent : kept);
      less.push((goes ? sent : kept) - server);
      offloaded += Number(goes);
    }
  }
  const difference = mean(less);
  const deviation = Math.sqrt(mean(less.map((one) => (one - difference) ** 2)));
  return {
    accuracy: mean(right),
    offloaded: offloaded / rows.length,
    difference,
    plusMinus: (Z_95 * deviation) / Math.sqrt(rows.length),
    thresholds: [thresholds[0] ?? 0, thresholds[1] ?? 0],
  };
}

/** The most right answers, with the fewest offloads that give them. */
function bestThreshold(rows: readonly { confidence: number; kept: number; sent: number }[], most: number): number {
  const sorted = [...rows].sort((a, b) => a.confidence - b.confidence);
  let right = sorted.reduce((sum, { kept }) => sum + kept, 0);
  let best = { right, count: 0 };
  for (let count = 1; count <= most * rows.length; count += 1) {
    const { sent, kept } = sorted[count - 1]!;
    right += sent - kept;
    if (right > best.right) best = { right, count };
  }
  if (best.count === 0) return 0;
  return mean([sorted[best.count - 1]!.confidence, sorted[best.count]!.confidence]);
}
