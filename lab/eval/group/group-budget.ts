/** The group's rules at equal computation: each rule's knob is turned until it spends a budget, no label looked at. */
import type { GroupPolicy } from '../../../mux/rules/group.js';
import type { Bootstrap, Interval } from '../statistics/bootstrap.js';
import { applyGroupPolicy, groupPoint, type GroupReplay } from './group-run.js';
import type { MeasuredGroup } from './measured-group.js';
import { shareOf } from '../statistics/metrics.js';

/** Times fewer multiply-accumulates than the largest model, the mux included. 2.85 is the paper's. */
export const SAVINGS = [2.85, 5, 10] as const;
const STEPS = 16;
/** A rule that cannot spend within this share of the budget is left out: its knob ends before. */
const TOLERANCE = 0.05;

export interface AtBudget {
  policy: 'single' | 'escalate' | 'cascade';
  saving: number;
  /** The knob: μ of `single`, else the confidence. */
  knob: number;
  flops: number;
  accuracy: Interval;
  overBestModel: Interval;
  /** Accuracy less that of the cascade at the same budget; null for itself, and where that has none. */
  overCascade: Interval | null;
}

interface Rule {
  policy: AtBudget['policy'];
  /** Outcome at a position in [0, 1], where a higher one never spends less. */
  at(position: number): GroupReplay;
  knob(position: number): number;
}

/** @param bestRight 0 or 1: images that the most accurate model alone gets right */
export function atBudgets(
  measured: MeasuredGroup,
  base: GroupPolicy,
  bestRight: Uint8Array,
  bootstrap: Bootstrap,
): AtBudget[] {
  const largest = Math.max(...measured.group.flops);
  return SAVINGS.flatMap((saving) => {
    const found = rules(measured, base).flatMap((rule) => {
      const spent = spend(rule, largest / saving);
      return spent ? [{ rule, ...spent }] : [];
    });
    const cascade = found.find(({ rule }) => rule.policy === 'cascade')?.outcome;
    return found.map(({ rule, outcome, position }): AtBudget => {
      const other = rule.policy === 'cascade' ? undefined : cascade;
      return {
        policy: rule.policy,
        saving,
        knob: rule.knob(position),
        flops: groupPoint(measured, outcome).flops,
        accuracy: bootstrap.of([outcome.right], (accuracy) => accuracy),
        overBestModel: bootstrap.of([outcome.right, bestRight], (a, b) => a - b),
        overCascade: other ? bootstrap.of([outcome.right, other.right], (a, b) => a - b) : null,
      };
    });
  });
}

function rules(measured: MeasuredGroup, base: GroupPolicy): Rule[] {
  const climb = (confidence: number): GroupPolicy => {
    return { ...base, mode: 'escalate', escalate: { ...base.escalate, confidence } };
  };
  /** μ falls from 2, where p_i no longer matters, to 0. */
  const price = (position: number) => 2 * (1 - position) ** 3;
  return [
    {
      policy: 'single',
      at: (position) => applyGroupPolicy(measured, { ...base, mode: 'single', mu: price(position) }, true),
      knob: price,
    },
    {
      policy: 'escalate',
      at: (position) => applyGroupPolicy(measured, climb(position), true),
      knob: (position) => position,
    },
    {
      policy: 'cascade',
      at: (position) => applyGroupPolicy(measured, climb(position), false),
      knob: (position) => position,
    },
  ];
}

/** The position that spends the most within the budget; null where the rule cannot, or stops well before it. */
export function spend(
  rule: Pick<Rule, 'at'>,
  budgetFlops: number,
): { outcome: GroupReplay; position: number } | null {
  let [low, high] = [0, 1];
  let best: { outcome: GroupReplay; position: number } | null = null;
  for (let step = 0; step < STEPS; step += 1) {
    const position = step === 0 ? 1 : (low + high) / 2;
    const outcome = rule.at(position);
    if (shareOf(outcome.flops) <= budgetFlops) {
      best = { outcome, position };
      low = position;
      if (position === 1) break;
    } else high = position;
  }
  return best && shareOf(best.outcome.flops) >= (1 - TOLERANCE) * budgetFlops ? best : null;
}
