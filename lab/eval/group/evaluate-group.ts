/** The part of eval.json about the group: Table II, AUROC of its mux, curves. */
import { groupPolicyOf, policyOfTarget } from '../../../mux/rules/group-settings.js';
import type { GroupPolicy } from '../../../mux/rules/group.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import type { Bootstrap } from '../statistics/bootstrap.js';
import { aurocInterval } from '../pair/evaluate-pair.js';
import { atBudgets } from './group-budget.js';
import { groupBaselines, groupCurves, type GroupCurve } from './group-curves.js';
import { applyGroupPolicy, groupPoint } from './group-run.js';
import type { MeasuredGroup } from './measured-group.js';
import type { MeasuredModel } from '../outputs/outputs.js';
import { calibrationError, shareOf } from '../statistics/metrics.js';
import type { GroupReport } from '../schema.js';

export interface GroupEvaluation {
  report: GroupReport;
  curves: GroupCurve[];
  baselines: GroupCurve[];
}

export function evaluateGroup(zoo: Zoo, measured: MeasuredGroup, bootstrap: Bootstrap): GroupEvaluation {
  const { mux, models, group } = measured;
  const shipped = groupPolicyOf(zoo);
  const best = bestModel(models);
  const targets = zoo.manifest.policy.calibration?.group?.targets ?? [];
  const setups: [GroupPolicy, number | null][] = [
    [shipped, null],
    ...(targets.length > 0 ? [[{ ...shipped, mode: 'ensemble' }, null] as [GroupPolicy, null]] : []),
    ...targets.map((target): [GroupPolicy, number] => [policyOfTarget(shipped, target), target.saving]),
  ];
  return {
    report: {
      models: [...group.ids],
      bestModel: best.id,
      mux: {
        flops: mux.flops,
        runMs: mux.runMs,
        accuracy: bootstrap.of([mux.right], (accuracy) => accuracy),
        calibrationError: calibrationError(mux.confidence, mux.right),
      },
      correct: models.map(({ id, right }, at) => {
        const p = Float32Array.from(right, (_, i) => mux.correct[i * models.length + at] ?? 0);
        return {
          id,
          auroc: aurocInterval(bootstrap, p, right),
          calibrationError: calibrationError(p, right),
        };
      }),
      tableII: setups.map(([policy, saving], n) => ({
        shipped: n === 0,
        wantedSaving: saving,
        ...tableRow(measured, policy, best, bootstrap),
      })),
      atBudget: atBudgets(measured, shipped, best.right, bootstrap),
    },
    curves: groupCurves(measured, shipped),
    baselines: groupBaselines(measured, shipped),
  };
}

/** The most accurate, the cheaper on a tie. */
export function bestModel(models: readonly MeasuredModel[]): MeasuredModel {
  const [best] = [...models].sort((a, b) => shareOf(b.right) - shareOf(a.right) || a.flops - b.flops);
  if (best) return best;
  throw new RangeError('a zoo has at least one model');
}

function tableRow(
  measured: MeasuredGroup,
  policy: GroupPolicy,
  best: MeasuredModel,
  bootstrap: Bootstrap,
): Omit<GroupReport['tableII'][number], 'shipped' | 'wantedSaving'> {
  const asksMux = policy.mode !== 'largest';
  const outcome = applyGroupPolicy(measured, policy, asksMux);
  const { flops, called } = groupPoint(measured, outcome);
  return {
    policy: policy.mode,
    flops,
    called,
    settings: settingsOf(policy),
    saving: Math.max(...measured.group.flops) / flops,
    accuracy: bootstrap.of([outcome.right], (accuracy) => accuracy),
    overBestModel: bootstrap.of([outcome.right, best.right], (a, b) => a - b),
  };
}

/** The settings that the mode reads. */
function settingsOf({ mode, mu, threshold, escalate }: GroupPolicy): Record<string, number | number[]> {
  switch (mode) {
    case 'largest':
      return {};
    case 'single':
      return { mu };
    case 'ensemble':
      return { threshold };
    case 'escalate':
      return { mu: escalate.mu, confidence: escalate.confidence, ladder: [...escalate.ladder] };
  }
}
