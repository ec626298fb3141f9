/** The part of eval.json about the pair: Table I, AUROC, policies at equal offloading and at equal accuracy, curves. */
import { needsMux } from '../../../mux/rules/policies/needs.js';
import { type RankedMode, isRanked, rankedRuleOf } from '../../../mux/rules/policies/registry.js';
import { type Thresholds, DEVICE_MODES } from '../../../common/policy-names.js';
import { atOffloads } from './at-offload.js';
import type { Bootstrap, Interval } from '../statistics/bootstrap.js';
import type { Calibrated } from './calibrated.js';
import { costTables, modesOf } from './device-costs.js';
import { auroc, calibrationError, ranked } from '../statistics/metrics.js';
import { averageRight } from '../group/group-run.js';
import { applyPolicy, sharesOf, withFlops, type Pair } from './pair.js';
import {
  featureScores,
  NEIGHBOURS,
  oracleCurve,
  policyCurve,
  randomCurve,
  scoreCurve,
  type Curve,
} from './pair-curves.js';
import type { PairReport } from '../schema.js';
import { shareOf } from '../statistics/metrics.js';

export interface PairDeps {
  pair: Pair;
  calibrated: Calibrated;
  bootstrap: Bootstrap;
  seed: number;
  /** Hand-crafted features of each image. */
  features: readonly number[][];
}

export interface PairEvaluation {
  report: PairReport;
  curves: Curve[];
  baselines: Curve[];
}

export function evaluatePair(deps: PairDeps): PairEvaluation {
  const { pair, calibrated, bootstrap, seed } = deps;
  const { mux, local, cloud } = pair;
  const features = deps.features.length > 0 ? featureScores(pair, deps.features, seed) : null;
  return {
    report: {
      local: local.id,
      cloud: cloud.id,
      mux: mux && {
        flops: mux.flops,
        runMs: mux.runMs,
        accuracy: bootstrap.of([mux.right], (accuracy) => accuracy),
        calibrationError: calibrationError(mux.confidence, mux.right),
      },
      auroc: aurocs(pair, bootstrap, features),
      tableI: tableOne(pair, calibrated, bootstrap),
      atOffload: atOffloads(deps),
      costs: costTables(pair, calibrated, bootstrap, seed),
    },
    curves: policyCurves(pair, calibrated),
    baselines: [
      randomCurve(pair),
      oracleCurve(pair),
      ...(features
        ? [
            scoreCurve(
              pair,
              'features',
              features,
              `${NEIGHBOURS} nearest neighbours in hand-crafted features, each half of the test images judged by the other`,
            ),
          ]
        : []),
      averageCurve(pair),
    ],
  };
}

/** How well each score finds what it should. */
function aurocs(
  { mux, local, cloud }: Pair,
  bootstrap: Bootstrap,
  features: Float64Array | null,
): PairReport['auroc'] {
  const wrong = local.right.map((right) => 1 - right);
  const helps = local.right.map((right, i) => (1 - right) * (cloud.right[i] ?? 0));
  const scores: [string, ArrayLike<number>][] = [
    ...(mux ? [['mux score', mux.score] as [string, ArrayLike<number>]] : []),
    ['1 − local confidence', local.confidence.map((value) => 1 - value)],
    ...(features ? [['hand-crafted features', features] as [string, ArrayLike<number>]] : []),
  ];
  const targets: [string, Uint8Array][] = [
    ['local model wrong', wrong],
    ['local model wrong and cloud model right', helps],
  ];
  return targets.flatMap(([finds, positive]) =>
    scores.map(([score, values]) => ({ score, finds, auroc: aurocInterval(bootstrap, values, positive) })),
  );
}

export function aurocInterval(
  bootstrap: Bootstrap,
  scores: ArrayLike<number>,
  positive: ArrayLike<number>,
): Interval | null {
  const order = ranked(scores);
  return bootstrap.recomputed((weights) => auroc(scores, positive, order, weights));
}

/** Table I: the two ends, and every mode at the thresholds that the zoo ships or calibrated for it. */
function tableOne(pair: Pair, { modes, shipped }: Calibrated, bootstrap: Bootstrap): PairReport['tableI'] {
  const runnable = DEVICE_MODES.filter((mode) => pair.mux !== null || !needsMux({ mode }));
  return runnable.flatMap((setup) => {
    const thresholds = isRanked(setup) ? modes[setup] : {};
    if (!thresholds) return [];
    const outcome = applyPolicy(pair, setup, thresholds);
    return {
      ...sharesOf(pair, outcome),
      setup,
      thresholds,
      shipped: setup === shipped,
      accuracy: bootstrap.of([outcome.right], (accuracy) => accuracy),
      overCloud: bootstrap.of([outcome.right, pair.cloud.right], (a, b) => a - b),
    };
  });
}

/** Every policy's curve; of three-tier a second one where the mux never answers, so that only the fusing shows. */
function policyCurves(pair: Pair, calibrated: Calibrated): Curve[] {
  const curves = modesOf(pair).map((mode) => policyCurve(pair, mode, ...curveBase(pair, mode, calibrated)));
  if (!pair.mux || calibrated.fusing.fuseMux === undefined) return curves;
  const fused = policyCurve(pair, 'three-tier', calibrated.fusing, 'as three-tier with answer above 1');
  const only = [...curves, { ...fused, name: 'fused only' }];
  if (!pair.gate) return only;
  const gate = policyCurve(
    pair,
    'three-tier',
    { ...calibrated.fusing, gain: 1 },
    'over need − harm, answer above 1',
  );
  return [...only, { ...gate, name: 'need − harm' }];
}

/** Earlier thresholds of a curve: the zoo's, or plain ones where it has none. */
function curveBase(pair: Pair, mode: RankedMode, { modes, fusing }: Calibrated): [Thresholds, string] {
  const { earlier, fuses, ranking } = rankedRuleOf(mode);
  const over = (base: Thresholds) => `over ${ranking(base, pair.gate).label}`;
  if (!earlier) return [{}, over({})];
  const { [earlier.name]: calibrated, gain } = modes[mode] ?? {};
  const value = calibrated ?? quantile(pair.mux?.[earlier.of] ?? [], earlier.plain.quantile);
  const source = calibrated === undefined ? earlier.plain.label : 'calibrated';
  const said = `${earlier.name} = ${value.toFixed(3)} (${source})`;
  const base = { [earlier.name]: value };
  if (!fuses) return [base, `${over(base)}; ${said}`];
  const { fuseLocal = 1, fuseMux = 0 } = fusing;
  const fused = { ...base, ...fusing, ...(gain === undefined ? {} : { gain }) };
  return [fused, `${over(fused)}; ${said}, fused local^${fuseLocal} · mux^${fuseMux}`];
}

function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 1;
}

/** Both models on every frame, their probabilities averaged. */
function averageCurve(pair: Pair): Curve {
  const { local, cloud, labels, classes } = pair;
  const accuracy = shareOf(averageRight([local, cloud], labels, classes));
  const point = withFlops(pair, { accuracy, muxShare: 0, localShare: 1, offloadShare: 1 });
  return {
    name: 'average',
    settings: 'mean of local and cloud probabilities, both on every frame',
    points: [point],
  };
}
