import t from 'tap';
import type { ServerMode } from '../../../../common/policy-names.js';
import { Bootstrap } from '../../../../lab/eval/statistics/bootstrap.js';
import { atBudgets, spend } from '../../../../lab/eval/group/group-budget.js';
import { groupBaselines, groupCurves } from '../../../../lab/eval/group/group-curves.js';
import { applyGroupPolicy, averageRight, groupPoint } from '../../../../lab/eval/group/group-run.js';
import { shareOf } from '../../../../lab/eval/statistics/metrics.js';
import type { GroupPolicy } from '../../../../mux/rules/group.js';
import { madeUpGroup } from '../support/made-up.js';

const measured = madeUpGroup(300, 1);
const policy = (mode: ServerMode, more: Partial<GroupPolicy> = {}): GroupPolicy => ({
  mode,
  mu: 0,
  threshold: 0.3,
  exponents: [1, 1, 1],
  escalate: { mu: 0, confidence: 0.7, ladder: [0, 1, 2] },
  ...more,
});
const near = (a: number, b: number) => Math.abs(a - b) < 1e-9;

t.test('largest answers as the largest model does, and pays for it alone', (t) => {
  const outcome = applyGroupPolicy(measured, policy('largest'), false);
  t.same([...outcome.right], [...measured.models[2]!.right]);
  t.same(groupPoint(measured, outcome).called, { small: 0, middle: 0, big: 1 });
  t.equal(groupPoint(measured, outcome).flops, 100);
  t.end();
});

t.test('FLOPs are the mux’s and those of the models called (eq. 14)', (t) => {
  for (const mode of ['single', 'ensemble', 'escalate'] as const) {
    const { flops, called } = groupPoint(
      measured,
      applyGroupPolicy(measured, policy(mode, { mu: 0.3 }), true),
    );
    t.ok(near(flops, 2 + called['small']! * 10 + called['middle']! * 30 + called['big']! * 100), mode);
  }
  const single = groupPoint(measured, applyGroupPolicy(measured, policy('single'), true)).called;
  t.ok(near(single['small']! + single['middle']! + single['big']!, 1), 'one model an image');
  t.end();
});

t.test('every policy has a curve; more is asked as its knob turns', (t) => {
  const curves = groupCurves(measured, policy('escalate'));
  t.same(
    curves.map(({ name }) => name),
    ['single', 'ensemble', 'escalate'],
  );
  const costs = curves[2]!.points.map(({ flops }) => flops);
  t.same(
    costs,
    [...costs].sort((a, b) => a - b),
  );
  t.end();
});

t.test('baselines: the cascade needs no mux, the oracle is above all, the average asks everybody', (t) => {
  const baselines = groupBaselines(measured, policy('escalate'));
  const [cascade, random, oracle, average] = baselines;
  t.equal(cascade!.points[0]!.flops, 10, 'with no confidence wanted the cheapest alone');
  t.ok(near(random!.points[0]!.flops, 140 / 3));
  t.equal(average!.points[0]!.flops, 140);
  const anyRight = measured.labels.map((_, i) => Math.max(...measured.models.map(({ right }) => right[i]!)));
  t.ok(near(oracle!.points[0]!.accuracy, shareOf(anyRight)));
  const calls = Object.values(oracle!.points[0]!.called).reduce((sum, share) => sum + share, 0);
  t.ok(near(calls, 1));
  t.end();
});

t.test('the average of one model is that model', (t) => {
  const [small] = measured.models;
  t.same([...averageRight([small!], measured.labels, measured.classes)], [...small!.right]);
  t.end();
});

t.test(
  'at a budget every rule spends it and no more, and the cascade is what they are compared with',
  (t) => {
    const found = atBudgets(measured, policy('escalate'), measured.models[2]!.right, new Bootstrap(300, 1));
    t.ok(found.length > 0);
    for (const { policy: rule, saving, flops, overCascade, accuracy } of found) {
      t.ok(
        flops <= 100 / saving && flops >= 0.95 * (100 / saving),
        `${rule} at ${saving} times fewer: ${flops}`,
      );
      t.ok(accuracy.low <= accuracy.value && accuracy.value <= accuracy.high);
      if (rule === 'cascade') t.equal(overCascade, null);
    }
    t.end();
  },
);

t.test('a rule that cannot spend a budget, or not so little, is left out', (t) => {
  const costing = (flops: (position: number) => number) => ({
    at: (position: number) => ({
      right: new Uint8Array(1),
      called: [],
      flops: Float64Array.of(flops(position)),
    }),
  });
  t.equal(
    spend(
      costing(() => 50),
      10,
    ),
    null,
    'always dearer',
  );
  t.equal(
    spend(
      costing(() => 5),
      10,
    ),
    null,
    'always far cheaper',
  );
  const half = spend(
    costing((position) => 20 * position),
    10,
  )!;
  t.ok(Math.abs(half.position - 0.5) < 0.001);
  t.end();
});
