/** Eq. 13 and 14 with the measured terms, beside what was measured. Pure. */
import { mean } from '../../../common/statistics.js';
import { groupCost, hybridCost } from '../../eval/cost.js';
import type { CampaignFacts } from '../store/facts.js';
import type { FrameRow } from '../store/rows.js';
import type { FormulaValue, SetupSummary } from './summary-types.js';

type Quantity = FormulaValue['quantity'];
const QUANTITIES: readonly Quantity[] = ['flops', 'latencyMs', 'energyGrossJ', 'energyNetJ'];

/** Mean of a quantity over the frames of a set-up; null where it was not measured. */
function measuredOf(setup: SetupSummary | undefined, quantity: Quantity): number | null {
  if (!setup) return null;
  if (quantity === 'flops') return setup.flops.total;
  if (quantity === 'latencyMs') return setup.latencyMs.mean;
  return setup.energy?.frame?.[quantity === 'energyGrossJ' ? 'grossJ' : 'netJ'] ?? null;
}

/** What the mux costs a frame of the hybrid. Net energy by stage is not known. */
function muxOf(setup: SetupSummary, quantity: Quantity, zoo: CampaignFacts['zoo']): number | null {
  if (quantity === 'flops') return zoo.muxPairFlops;
  if (quantity === 'latencyMs') return setup.latencyMs.stages.mux;
  return quantity === 'energyGrossJ' ? (setup.energy?.frame?.stagesJ['mux'] ?? null) : null;
}

/** Eq. 13 for the hybrid, from the mobile-only and cloud-only set-ups of the same campaign. */
export function pairFormulas(setups: readonly SetupSummary[], zoo: CampaignFacts['zoo']): FormulaValue[] {
  const by = (name: string) => setups.find(({ setup }) => setup === name);
  const hybrid = by('hybrid');
  if (!hybrid) return [];
  return QUANTITIES.flatMap((quantity): FormulaValue[] => {
    const local = measuredOf(by('mobile-only'), quantity);
    const cloud = measuredOf(by('cloud-only'), quantity);
    const measured = measuredOf(hybrid, quantity);
    if (local === null || cloud === null || measured === null) return [];
    // Upload and download are within the measured cost of cloud-only: eq. 10 is one number here.
    const value = (mux: number): number =>
      hybridCost({ mux, local, upload: 0, cloud, download: 0 }, hybrid.localShare);
    const mux = muxOf(hybrid, quantity, zoo);
    return [
      {
        equation: 13,
        setup: 'hybrid',
        quantity,
        measured,
        muxNegligible: value(0),
        muxOneLocalPass: value(local),
        muxMeasured: mux === null ? null : value(mux),
      },
    ];
  });
}

/**
 * Eq. 14 for the group. A model's FLOPs stand in the zoo; its latency is that of the frames for which it ran alone.
 *
 * @param single frames of group-single
 */
export function groupFormulas(
  setups: readonly SetupSummary[],
  zoo: CampaignFacts['zoo'],
  single: readonly FrameRow[],
): FormulaValue[] {
  const ids = zoo.models.map(({ id }) => id);
  const latencies = ids.map((id) => {
    const alone = single.filter(({ models, totalMs }) => totalMs !== null && models.join() === id);
    return mean(alone.map(({ totalMs }) => totalMs ?? 0));
  });
  return setups
    .filter(({ setup }) => setup.startsWith('group-'))
    .flatMap((setup) => {
      const called = ids.map((id) => Math.min(1, setup.called[id] ?? 0));
      const cost = (costs: number[], mux = 0): number => groupCost(called, costs, mux);
      const flops = zoo.models.map((model) => model.flops);
      const common = { equation: 14 as const, setup: setup.setup, muxOneLocalPass: null };
      const values: FormulaValue[] = [
        {
          ...common,
          quantity: 'flops',
          measured: setup.flops.total,
          muxNegligible: cost(flops),
          muxMeasured: zoo.muxGroupFlops === null ? null : cost(flops, zoo.muxGroupFlops),
        },
      ];
      if (called.some((share, i) => share > 0 && Number.isNaN(latencies[i]))) return values;
      const known = latencies.map((latencyMs) => (Number.isNaN(latencyMs) ? 0 : latencyMs));
      const { mean: measured } = setup.latencyMs;
      return [
        ...values,
        { ...common, quantity: 'latencyMs', measured, muxNegligible: cost(known), muxMeasured: null },
      ];
    });
}
