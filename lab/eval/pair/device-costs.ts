/**
 * What a wanted accuracy costs the device under each policy (eq. 13, `policyCost`), in local runs a frame, for
 * uploads cheaper and dearer than a local run, and which policy is cheapest.
 */
import { needsMux } from '../../../mux/rules/policies/needs.js';
import { type RankedMode, RANKED_MODES, isRanked } from '../../../mux/rules/policies/registry.js';
import { type DeviceMode, DEVICE_MODES } from '../../../common/policy-names.js';
import type { Thresholds } from '../../../common/policy-names.js';
import type { Bootstrap, Interval } from '../statistics/bootstrap.js';
import type { Calibrated } from './calibrated.js';
import { Choices, costOf, targetOn, type Basis, type RelativeCosts } from '../choices.js';
import { applyPolicy, sharesOf, type Outcome, type Pair } from './pair.js';

/** Wanted accuracies, as shares of the way from the local model's to the cloud's. */
export const GAP_SHARES = [0.5, 0.9, 0.98] as const;
/** Costs of an upload, in local runs. */
export const UPLOADS = [0.5, 1, 2, 4, 8] as const;

const FIXED_MODES = DEVICE_MODES.filter((mode) => !isRanked(mode));

export interface CostRow {
  policy: DeviceMode;
  /** `fixed` for the modes without thresholds. */
  basis: Basis | 'fixed';
  thresholds: Thresholds[];
  accuracy: Interval;
  /** Accuracy less the wanted one: an interval below 0 misses it. */
  overTarget: Interval;
  offloadShare: number;
  localShare: number;
  /** Local runs a frame. */
  cost: number;
  /** 1 − cost / cost of the cascade; null for itself and where there is none. */
  savingOverCascade: Interval | null;
  accuracyOverCascade: Interval | null;
  /** Least cost with thresholds chosen on these very images; null where even they do not reach the accuracy. */
  sweptCost: number | null;
}

export interface CostTable {
  gapShare: number;
  targetAccuracy: number;
  /** An upload in local runs. */
  upload: number;
  /** A mux run in local runs; null without a mux. */
  mux: number | null;
  muxFrom: 'flops' | 'time';
  rows: CostRow[];
  /** Policies that no thresholds bring to the accuracy. */
  unreached: RankedMode[];
  /** The cheapest policy whose accuracy is not significantly below the wanted one. */
  cheapest: DeviceMode | null;
}

/** Modes with thresholds that this pair can run. */
export function modesOf({ mux }: Pick<Pair, 'mux'>): RankedMode[] {
  return RANKED_MODES.filter((mode) => mux !== null || !needsMux({ mode }));
}

/** One table for each wanted accuracy, cost of an upload, and way to know the cost of a mux run. */
export function costTables(
  pair: Pair,
  calibrated: Calibrated,
  bootstrap: Bootstrap,
  seed: number,
): CostTable[] {
  const fixed = FIXED_MODES.map((policy) => ({ policy, outcome: applyPolicy(pair, policy, {}) }));
  const deps = { pair, bootstrap, fixed, choices: new Choices(pair, calibrated, seed) };
  const { mux, local } = pair;
  const prices: { muxFrom: CostTable['muxFrom']; mux: number | null }[] = [
    { muxFrom: 'flops', mux: mux && mux.flops / local.flops },
    ...(local.runMs === null
      ? []
      : [{ muxFrom: 'time', mux: mux && (mux.runMs ?? NaN) / local.runMs } as const]),
  ];
  return prices.flatMap((price) =>
    GAP_SHARES.flatMap((gapShare) =>
      UPLOADS.map((upload) => costTable(deps, { ...price, gapShare, upload })),
    ),
  );
}

interface Deps {
  pair: Pair;
  bootstrap: Bootstrap;
  choices: Choices;
  fixed: { policy: DeviceMode; outcome: Outcome }[];
}

type Setting = Pick<CostTable, 'gapShare' | 'upload' | 'mux' | 'muxFrom'>;

function costTable(deps: Deps, setting: Setting): CostTable {
  const { pair, choices } = deps;
  const { gapShare, upload, mux } = setting;
  const costs = { mux: mux ?? 0, upload };
  const rows: CostRow[] = [];
  const unreached: RankedMode[] = [];
  const cascade = choices.at('cascade', gapShare, costs)?.outcome ?? null;
  for (const fixed of deps.fixed) {
    rows.push(row(deps, gapShare, costs, cascade, { ...fixed, basis: 'fixed', thresholds: [] }));
  }
  for (const mode of modesOf(pair)) {
    const choice = choices.at(mode, gapShare, costs);
    if (!choice) unreached.push(mode);
    else rows.push(row(deps, gapShare, costs, cascade, { policy: mode, ...choice }));
  }
  const enough = rows.filter(({ overTarget }) => overTarget.high >= 0);
  const best = enough.reduce<CostRow | null>((a, b) => (a === null || b.cost < a.cost ? b : a), null);
  const targetAccuracy = targetOn(pair, gapShare);
  return { ...setting, targetAccuracy, rows, unreached, cheapest: best?.policy ?? null };
}

interface Chosen {
  policy: DeviceMode;
  basis: CostRow['basis'];
  thresholds: Thresholds[];
  outcome: Outcome;
}

function row(
  { pair, bootstrap, choices }: Deps,
  gapShare: number,
  costs: RelativeCosts,
  cascade: Outcome | null,
  { policy, basis, thresholds, outcome }: Chosen,
): CostRow {
  const { offloadShare, localShare, ...shares } = sharesOf(pair, outcome);
  const { local, cloud } = pair;
  const other = policy === 'cascade' ? null : cascade;
  return {
    policy,
    basis,
    thresholds,
    offloadShare,
    localShare,
    accuracy: bootstrap.of([outcome.right], (accuracy) => accuracy),
    overTarget: bootstrap.of(
      [outcome.right, local.right, cloud.right],
      (accuracy, low, high) => accuracy - low - gapShare * (high - low),
    ),
    cost: costOf({ ...shares, offloadShare, localShare }, costs),
    savingOverCascade: other && saving(bootstrap, outcome, other, costs),
    accuracyOverCascade: other && bootstrap.of([outcome.right, other.right], (a, b) => a - b),
    sweptCost: isRanked(policy) ? choices.sweptCost(policy, gapShare, costs) : null,
  };
}

/** 1 − cost / cost of the other, resampled with the images. */
function saving(bootstrap: Bootstrap, one: Outcome, other: Outcome, costs: RelativeCosts): Interval {
  const columns = [one, other].flatMap(({ mux, local, offloaded }) => [mux, local, offloaded]);
  return bootstrap.of(columns, (...means) => {
    const [mux = 0, local = 0, away = 0, mux2 = 0, local2 = 0, away2 = 0] = means;
    const cost = (m: number, l: number, a: number) => m * costs.mux + l + a * costs.upload;
    return 1 - cost(mux, local, away) / cost(mux2, local2, away2);
  });
}
