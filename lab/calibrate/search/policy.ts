/**
 * The whole policy of a zoo from held-out images: every device mode's thresholds, tables of further targets, and the server's
 * group policy, as `scripts/train/policies/calibrate.py` writes them into a manifest. Pure.
 */
import type { Thresholds } from '../../../common/policy-names.js';
import { rankedRuleOf, RANKED_MODES, type RankedMode } from '../../../mux/rules/policies/registry.js';
import { DEFAULT_MUX_THRESHOLD } from '../../../mux/rules/policy-settings.js';
import type { GroupCalibration } from '../../../mux/rules/group-settings.js';
import { costOf, type RelativeCosts } from '../../eval/choices.js';
import type { MeasuredGroup } from '../../eval/group/measured-group.js';
import type { Pair } from '../../eval/pair/pair.js';
import { searchGroup } from './group-search.js';
import { rounded } from './numbers.js';
import { PairSearch, type Reached } from './pair-search.js';

const OFFLOADS = [0.05, 0.1, 0.2, 0.32, 0.5];
const GAPS = [0.5, 0.9, 0.98];
const UPLOADS = [0.5, 1, 2, 4, 8];
/** Upload cost of the rows of `OFFLOADS`. */
const USUAL_UPLOAD = 4;

/** A row of the manifest: thresholds and what they reach; cost in local runs. */
export interface PolicyRow {
  thresholds: Thresholds;
  offloadShare: number;
  accuracy: number;
  localRuns: number;
  cost: number;
}
export interface ModeRow extends PolicyRow {
  target: string;
}
export interface TargetRow extends PolicyRow {
  mode: RankedMode;
  gap?: number;
  upload?: number;
  offload?: number;
}

export interface SearchedPolicy {
  mode: RankedMode;
  thresholds: Thresholds;
  calibration: {
    images: number;
    costs: { mux: number; local: 1; upload: number };
    target: string;
    modes: Partial<Record<RankedMode, ModeRow>>;
    targets: TargetRow[];
    group?: GroupCalibration;
  };
}

export interface SearchGoal {
  /** Accuracy to reach, as a share of the way from the local model's to the cloud's. */
  gapShare: number;
  /** Cost of an upload in local runs. */
  upload: number;
}

/** @param group null: the zoo has none, and keeps what its manifest says of one */
export function searchPolicy(pair: Pair, group: MeasuredGroup | null, goal: SearchGoal): SearchedPolicy {
  const search = new PairSearch(pair);
  const costs = { mux: pair.mux ? pair.mux.flops / pair.local.flops : 0, upload: goal.upload };
  const modes = modesOf(search, goal, costs);
  const reaching = (Object.keys(modes) as RankedMode[]).filter((mode) => mode !== 'mux');
  const mode = reaching.reduce<RankedMode>(
    (best, one) => ((modes[one]?.cost ?? 0) < (modes[best]?.cost ?? Infinity) ? one : best),
    reaching[0] ?? 'mux',
  );
  return {
    mode,
    thresholds: { ...(pair.mux ? { mux: DEFAULT_MUX_THRESHOLD } : {}), ...modes[mode]?.thresholds },
    calibration: {
      images: pair.count,
      costs: { mux: rounded(costs.mux, 4), local: 1, upload: goal.upload },
      target: `${percent(goal.gapShare)} of the way from the local to the cloud accuracy`,
      modes,
      targets: targetsOf(search, costs.mux),
      ...(group ? { group: searchGroup(group) } : {}),
    },
  };
}

function percent(share: number): string {
  return `${rounded(share * 100, 1)}%`;
}

/** The cheapest thresholds of each mode that reach the goal; of `mux` its own calibrated middle. */
function modesOf(
  search: PairSearch,
  { gapShare }: SearchGoal,
  costs: RelativeCosts,
): SearchedPolicy['calibration']['modes'] {
  const modes: SearchedPolicy['calibration']['modes'] = {};
  const target = search.gapTarget(gapShare);
  for (const mode of search.modes(RANKED_MODES)) {
    if (mode === 'mux') {
      const row = rowOf(search.at(mode, { mux: DEFAULT_MUX_THRESHOLD }), costs);
      modes.mux = { target: `offload ${percent(row.offloadShare)}`, ...row };
      continue;
    }
    const found = search.cheapest(mode, target, endsGated(search, mode), costs);
    if (found) modes[mode] = { target: `${percent(gapShare)} of the gap`, ...rowOf(found, costs) };
  }
  return modes;
}

/** Whether the gate, over all of OFFLOADS, picks better frames to offload than the mode's confidence does. */
function endsGated(search: PairSearch, mode: RankedMode): boolean {
  if (!lastRules(search, mode).includes(true)) return false;
  const accuracy = (gated: boolean) =>
    OFFLOADS.reduce((sum, share) => sum + search.atOffload(mode, share, gated).accuracy, 0);
  return accuracy(true) > accuracy(false);
}

/** Whether a mode's last rule is the gate: the ways there are to end it. */
function lastRules({ pair }: PairSearch, mode: RankedMode): boolean[] {
  return rankedRuleOf(mode).ranking({ gain: 1 }, pair.gate).threshold === 'gain' ? [false, true] : [false];
}

/** Thresholds for further targets: shares of the gap at several upload costs, and offload shares. */
function targetsOf(search: PairSearch, mux: number): TargetRow[] {
  const every = search
    .modes(RANKED_MODES)
    .flatMap((mode) => lastRules(search, mode).map((gated) => ({ mode, gated })));
  const gaps = GAPS.flatMap((gap) => {
    const target = search.gapTarget(gap);
    return every.flatMap(({ mode, gated }) => {
      const found = search.reaching(mode, target, gated);
      return UPLOADS.flatMap((upload): TargetRow[] => {
        const costs = { mux, upload };
        const best = found.reduce<Reached | null>(
          (a, b) => (a === null || costOf(b, costs) < costOf(a, costs) ? b : a),
          null,
        );
        return best ? [{ mode, gap, upload, ...rowOf(best, costs) }] : [];
      });
    });
  });
  const shares = OFFLOADS.flatMap((offload) =>
    every.map(({ mode, gated }): TargetRow => {
      const costs = { mux, upload: USUAL_UPLOAD };
      return { mode, offload, ...rowOf(search.atOffload(mode, offload, gated), costs) };
    }),
  );
  return [...gaps, ...shares];
}

function rowOf(reached: Reached, costs: RelativeCosts): PolicyRow {
  return {
    thresholds: reached.thresholds,
    offloadShare: rounded(reached.offloadShare, 4),
    accuracy: rounded(reached.accuracy, 4),
    localRuns: rounded(reached.localShare, 4),
    cost: rounded(costOf(reached, costs), 4),
  };
}
