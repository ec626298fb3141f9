/** Accuracy against computation of the group: every server policy, and what it has to beat. */
import type { GroupPolicy } from '../../../mux/rules/group.js';
import { shareOf } from '../statistics/metrics.js';
import { applyGroupPolicy, averageRight, groupPoint, type GroupPoint } from './group-run.js';
import type { MeasuredGroup } from './measured-group.js';

export interface GroupCurve {
  name: string;
  /** What was fixed while the knob moved. */
  settings: string;
  points: GroupPoint[];
}

const MU = [0, 0.003, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 1, 2];
const CONFIDENCE = [0, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.995];
const THRESHOLD_STEPS = 14;
/** The paper's T. */
const PAPER_THRESHOLD = 0.288;

/** The curves of `single` (over μ), `ensemble` (over T) and `escalate` (over its confidence). */
export function groupCurves(measured: MeasuredGroup, base: GroupPolicy): GroupCurve[] {
  const curve = (name: string, settings: string, policies: readonly GroupPolicy[]): GroupCurve => ({
    name,
    settings,
    points: policies.map((policy) => groupPoint(measured, applyGroupPolicy(measured, policy, true))),
  });
  const { escalate } = base;
  const names = escalate.ladder.map((i) => measured.group.ids[i]).join(', ');
  return [
    curve(
      'single',
      'over μ',
      MU.map((mu) => ({ ...base, mode: 'single', mu })),
    ),
    curve(
      'ensemble',
      'over T',
      thresholds(measured).map((threshold) => ({ ...base, mode: 'ensemble', threshold })),
    ),
    curve(
      'escalate',
      `over the confidence; starts with μ = ${escalate.mu}, ladder ${names}`,
      CONFIDENCE.map((confidence) => ({ ...base, mode: 'escalate', escalate: { ...escalate, confidence } })),
    ),
  ];
}

/** T from the weights' own distribution, the paper's among them. */
function thresholds({ mux }: MeasuredGroup): number[] {
  const sorted = Float32Array.from(mux.weights).sort();
  const grid = Array.from({ length: THRESHOLD_STEPS }, (_, n) => {
    const share = 0.3 + (0.7 * n) / (THRESHOLD_STEPS - 1);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 1;
  });
  return [...new Set([...grid, PAPER_THRESHOLD])].sort((a, b) => a - b);
}

/** The cascade over the same ladder without a mux; a random model; the cheapest right one; everybody's mean. */
export function groupBaselines(measured: MeasuredGroup, base: GroupPolicy): GroupCurve[] {
  const { group, models, labels, classes } = measured;
  const all = Object.fromEntries(group.ids.map((id) => [id, 1]));
  const { escalate } = base;
  const cascade = CONFIDENCE.map((confidence): GroupPolicy => {
    return { ...base, mode: 'escalate', escalate: { ...escalate, confidence } };
  });
  return [
    {
      name: 'cascade',
      settings: 'the same ladder and exponents from its cheapest model, no mux; over the confidence',
      points: cascade.map((policy) => groupPoint(measured, applyGroupPolicy(measured, policy, false))),
    },
    {
      name: 'random',
      settings: 'each model with equal chance',
      points: [
        {
          accuracy: models.reduce((sum, { right }) => sum + shareOf(right), 0) / models.length,
          flops: group.flops.reduce((sum, flops) => sum + flops, 0) / models.length,
          called: Object.fromEntries(group.ids.map((id) => [id, 1 / models.length])),
        },
      ],
    },
    { name: 'oracle', settings: 'the cheapest model that is right', points: [oracle(measured)] },
    {
      name: 'average',
      settings: 'mean of all models’ probabilities',
      points: [
        {
          accuracy: shareOf(averageRight(models, labels, classes)),
          flops: group.flops.reduce((sum, flops) => sum + flops, 0),
          called: all,
        },
      ],
    },
  ];
}

/** Where no model is right it takes the cheapest. */
function oracle({ group, models, count }: MeasuredGroup): GroupPoint {
  const byCost = models.map((model, i) => ({ i, model })).sort((a, b) => a.model.flops - b.model.flops);
  const calls = new Float64Array(models.length);
  let right = 0;
  for (let image = 0; image < count; image += 1) {
    const found = byCost.find(({ model }) => model.right[image] === 1);
    if (found) right += 1;
    const at = found?.i ?? byCost[0]?.i ?? 0;
    calls[at] = (calls[at] ?? 0) + 1 / count;
  }
  return {
    accuracy: right / count,
    flops: calls.reduce((sum, share, i) => sum + share * (group.flops[i] ?? 0), 0),
    called: Object.fromEntries(group.ids.map((id, i) => [id, calls[i] ?? 0])),
  };
}
