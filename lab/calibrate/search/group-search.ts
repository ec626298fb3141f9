/**
 * The search for the server's group policy on held-out images: μ, T and the escalation's settings for stated budgets of
 * FLOPs. `scripts/train/policies/group_calibrate.py` does the same. Pure.
 */
import type { GroupCalibration, GroupTarget } from '../../../mux/rules/group-settings.js';
import { rungsOf, startAt } from '../../../mux/rules/group.js';
import { climbsOf, combinedAnswers, setKey, type CombinedAnswer } from '../../eval/group/combined.js';
import type { MeasuredGroup } from '../../eval/group/measured-group.js';
import { rowOf } from '../../eval/pair/pair.js';
import { shareOf } from '../../eval/statistics/metrics.js';
import { argmax } from '../../../mux/rules/probabilities.js';
import { expertWeights } from './experts.js';
import { linear, quantile, rounded } from './numbers.js';

/** Times fewer multiply-accumulates than the largest model; 2.85 is the paper's. */
export const SAVINGS = [2.85, 5, 10] as const;
/** Share of a budget that may be used on held-out images: new ones may cost a little more. */
const MARGIN = 0.95;
const MU = [0, ...linear(-2.5, 0.3, 29).map((exponent) => rounded(10 ** exponent, 5))];
const START_MU = [0, 0.02, 0.05, 0.1, 0.2, 0.4];
const CONFIDENCE = [
  0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995,
];
/** The paper's T, and how many others are tried. */
const PAPER_THRESHOLD = 0.288;
const THRESHOLDS = { steps: 60, leastQuantile: 0.3 };
/** Smallest exponent in shares of the largest: none so small that its model alone would say nothing. */
const LEAST_EXPONENT = 0.05;

/** A rule's settings with what they reach. */
interface Tried {
  settings: Pick<GroupTarget, 'mu' | 'threshold' | 'confidence' | 'ladder'>;
  accuracy: number;
  /** Mean multiply-accumulates of the models that run (eq. 14). */
  flops: number;
}

type Policy = GroupTarget['policy'];

/** The manifest's `policy.calibration.group`: the shipped rule at the paper's saving, the other rules and budgets beside it. */
export function searchGroup(measured: MeasuredGroup): GroupCalibration {
  const { group, count } = measured;
  const exponents = exponentsOf(measured);
  const tried: Record<Policy, Tried[]> = {
    single: MU.map((mu) => single(measured, mu)),
    ensemble: ensembles(measured),
    escalate: escalations(measured, exponents),
  };
  const largest = Math.max(...group.flops);
  const table = SAVINGS.flatMap((saving) => {
    const budget = (MARGIN * largest) / saving;
    return (Object.keys(tried) as Policy[]).flatMap((policy) => {
      const found = policy === 'escalate' ? dearest(tried.escalate, budget) : tried[policy];
      const best = within(found, budget);
      return best ? [{ policy, saving, ...best.settings, ...figures(best) }] : [];
    });
  });
  const first = table.filter(({ saving }) => saving === SAVINGS[0]);
  const [shipped] = [...first].sort((a, b) => b.accuracy - a.accuracy);
  const climb = first.find(({ policy }) => policy === 'escalate');
  return {
    policy: shipped?.policy ?? 'largest',
    mu: first.find(({ policy }) => policy === 'single')?.mu ?? 0,
    threshold: within(tried.ensemble, Infinity)?.settings.threshold ?? PAPER_THRESHOLD, // cost plays no part, as in the paper
    escalate: {
      mu: climb?.mu ?? 0,
      confidence: climb?.confidence ?? 1,
      ladder: climb?.ladder ?? [group.ids.length - 1],
    },
    exponents,
    targets: table,
    images: count,
  };
}

function figures({ accuracy, flops }: Tried): { accuracy: number; flops: number } {
  return { accuracy: rounded(accuracy, 4), flops: Math.round(flops) };
}

/** The most accurate within the budget, the cheaper on a tie; undefined where none is. */
function within(found: readonly Tried[], budget: number): Tried | undefined {
  const affordable = found.filter(({ flops }) => flops <= budget);
  return affordable.sort((a, b) => b.accuracy - a.accuracy || a.flops - b.flops)[0];
}

/**
 * Of `escalate` only the highest confidence that each start and ladder can afford: asking one more model does not make an
 * answer worse, so an accuracy that falls with the confidence is noise of the held-out images.
 */
function dearest(found: readonly Tried[], budget: number): Tried[] {
  const best = new Map<string, Tried>();
  for (const one of found) {
    const { mu, ladder = [], confidence = 0 } = one.settings;
    const way = `${mu} ${setKey(ladder)}`;
    if (one.flops <= budget && confidence > (best.get(way)?.settings.confidence ?? -1)) best.set(way, one);
  }
  return [...best.values()];
}

/** Exponents, the largest 1, of least cross-entropy of all models combined. */
function exponentsOf({ models, labels, classes }: MeasuredGroup): number[] {
  const start = models.map(() => 1 / models.length);
  const found = expertWeights({ experts: models, labels, classes }, start, 0);
  const most = Math.max(...found);
  return found.map((weight) => rounded(Math.max(LEAST_EXPONENT * most, weight) / most, 4));
}

function single(measured: MeasuredGroup, mu: number): Tried {
  const { count, group, models } = measured;
  let [right, flops] = [0, 0];
  for (let i = 0; i < count; i += 1) {
    const at = startAt(group, { correct: correctAt(measured, i) }, mu);
    right += models[at]?.right[i] ?? 0;
    flops += group.flops[at] ?? 0;
  }
  return { settings: { mu }, accuracy: right / count, flops: flops / count };
}

function correctAt({ mux, group }: MeasuredGroup, i: number): Float32Array {
  return mux.correct.subarray(i * group.ids.length, (i + 1) * group.ids.length);
}

/** `ensemble` at every T. Those that run for an image are the first of its models by weight, so there are few ways. */
function ensembles(measured: MeasuredGroup): Tried[] {
  const { count, group, mux } = measured;
  const size = group.ids.length;
  const sorted = Float64Array.from(mux.weights).sort();
  const grid = linear(THRESHOLDS.leastQuantile, 1, THRESHOLDS.steps).map((share) =>
    rounded(quantile(sorted, share), 4),
  );
  const tried = [...new Set([PAPER_THRESHOLD, ...grid])]
    .sort((a, b) => a - b)
    .map((threshold) => ({ threshold, right: 0, flops: 0 }));
  for (let i = 0; i < count; i += 1) {
    const weights = mux.weights.subarray(i * size, (i + 1) * size);
    const order = Array.from(weights.keys()).sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
    const right = prefixesRight(measured, order, i);
    const flops = sums(order.map((m) => group.flops[m] ?? 0));
    for (const one of tried) {
      const passing = order.filter((m) => (weights[m] ?? 0) > one.threshold).length;
      const last = Math.max(1, passing) - 1;
      one.right += right[last] ?? 0;
      one.flops += flops[last] ?? 0;
    }
  }
  return tried.map(({ threshold, right, flops }) => ({
    settings: { threshold },
    accuracy: right / count,
    flops: flops / count,
  }));
}

/** Whether the mean of the first 1, 2, … of these models is right. */
function prefixesRight(
  { models, classes, labels }: MeasuredGroup,
  order: readonly number[],
  i: number,
): number[] {
  const sum = new Float64Array(classes);
  return order.map((m) => {
    const model = models[m];
    if (!model) return 0;
    const row = rowOf(model, i, classes);
    for (let k = 0; k < classes; k += 1) sum[k] = (sum[k] ?? 0) + (row[k] ?? 0);
    return argmax(sum) === labels[i] ? 1 : 0;
  });
}

function sums(values: readonly number[]): number[] {
  let total = 0;
  return values.map((value) => (total += value));
}

/** `escalate` at every start, confidence and ladder. */
function escalations(measured: MeasuredGroup, exponents: readonly number[]): Tried[] {
  const ladders = laddersOf(measured.group.ids.length);
  const answers = combinedAnswers(measured, exponents, ladders.flatMap(climbsOf));
  return START_MU.flatMap((mu) =>
    ladders.flatMap((ladder) => {
      const ways = ladder.map((_, at) => wayOf(measured, answers, ladder.slice(at)));
      const starts = startsOf(measured, mu, ladder);
      return CONFIDENCE.map((confidence): Tried => {
        const { right, flops } = climbed(ways, starts, confidence);
        return { settings: { mu, confidence, ladder }, accuracy: shareOf(right), flops: shareOf(flops) };
      });
    }),
  );
}

/** All of the group; every model and the last; every two and the last. */
function laddersOf(size: number): number[][] {
  const last = size - 1;
  const below = Array.from({ length: last }, (_, m) => m);
  const all = [
    [...below, last],
    ...below.map((k) => [k, last]),
    ...below.flatMap((j) => below.filter((k) => k > j).map((k) => [j, k, last])),
  ];
  return all.filter((ladder, n) => all.findIndex((other) => setKey(other) === setKey(ladder)) === n);
}

function prefixes(rungs: readonly number[]): number[][] {
  return rungs.map((_, at) => rungs.slice(0, at + 1));
}

/** The answers that a climb over these rungs passes, and what each has cost by then. */
interface Way {
  answers: CombinedAnswer[];
  flops: number[];
}

function wayOf(
  { group }: MeasuredGroup,
  answers: ReadonlyMap<string, CombinedAnswer>,
  rungs: readonly number[],
): Way {
  return {
    answers: prefixes(rungs).flatMap((set) => answers.get(setKey(set)) ?? []),
    flops: sums(rungs.map((m) => group.flops[m] ?? 0)),
  };
}

/** Place on the ladder where each image starts. */
function startsOf(measured: MeasuredGroup, mu: number, ladder: readonly number[]): Uint8Array {
  const { count, group } = measured;
  return Uint8Array.from({ length: count }, (_, i) => {
    const [start = 0] = rungsOf(group, { mu, ladder }, { correct: correctAt(measured, i) });
    return ladder.indexOf(start);
  });
}

function climbed(
  ways: readonly Way[],
  starts: Uint8Array,
  confidence: number,
): { right: Uint8Array; flops: Float64Array } {
  const [right, flops] = [new Uint8Array(starts.length), new Float64Array(starts.length)];
  starts.forEach((start, i) => {
    const { answers, flops: spent } = ways[start] ?? { answers: [], flops: [] };
    let at = 0;
    while (at < answers.length - 1 && (answers[at]?.confidence[i] ?? 1) < confidence) at += 1;
    right[i] = answers[at]?.right[i] ?? 0;
    flops[i] = spent[at] ?? 0;
  });
  return { right, flops };
}
