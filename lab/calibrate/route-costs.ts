/** What frames cost by where they were answered, from results that were measured. Pure but for reading them. */
import { mean } from '../../common/statistics.js';
import type { Result } from '../../protocol/messages.js';
import { CampaignReader } from '../measure/store/reader.js';
import type { CalibrationRow, RouteCosts } from './curve.js';
import { plainScale } from './scale.js';

interface Costed {
  offloaded: boolean;
  totalMs: number | null;
  grossJ: number | null;
  simulated: boolean;
}

/** Of the hybrid's frames; of the other set-ups' where the campaign has no hybrid. */
export function campaignCosts(path: string): RouteCosts {
  const reader = new CampaignReader(path);
  try {
    const hybrid = reader.framesOf('hybrid');
    const frames =
      hybrid.length > 0 ? hybrid : [...reader.framesOf('mobile-only'), ...reader.framesOf('cloud-only')];
    const costed = frames
      .filter(({ route }) => route !== null && route !== 'fallback')
      .map(({ route, totalMs, energyGrossJ, energySimulated }) => ({
        offloaded: route === 'cloud',
        totalMs,
        grossJ: energyGrossJ,
        simulated: energySimulated === true,
      }));
    return routeCosts(costed, `campaign ${path}`);
  } finally {
    reader.close();
  }
}

export function resultCosts(results: readonly Result[], source: string): RouteCosts {
  const costed = results
    .filter(({ route }) => route !== 'fallback')
    .map(({ route, latencyMs, energyJ }) => ({
      offloaded: route === 'cloud',
      totalMs: latencyMs.total,
      grossJ: energyJ?.gross ?? null,
      simulated: energyJ?.simulated === true,
    }));
  return routeCosts(costed, source);
}

/** Rows of results nobody labelled: what the mux said of each frame. */
export function resultRows(results: readonly Result[]): CalibrationRow[] {
  const { keepScoreOf } = plainScale('mux');
  return results.flatMap(({ muxScore }) =>
    muxScore === null ? [] : [{ keepScore: keepScoreOf(muxScore), keepRight: null, sendRight: null }],
  );
}

function routeCosts(frames: readonly Costed[], source: string): RouteCosts {
  const of = <T>(offloaded: boolean, value: (frame: Costed) => T | null): T[] =>
    frames.filter((frame) => frame.offloaded === offloaded).flatMap((frame) => value(frame) ?? []);
  const both = <T>(value: (frame: Costed) => T | null): { kept: T[]; offloaded: T[] } | null => {
    const found = { kept: of(false, value), offloaded: of(true, value) };
    return found.kept.length > 0 && found.offloaded.length > 0 ? found : null;
  };
  const energies = both(({ grossJ }) => grossJ);
  const latencies = both(({ totalMs }) => totalMs);
  const rising = (values: number[]): number[] => values.sort((a, b) => a - b);
  return {
    energyJ: energies && { kept: mean(energies.kept), offloaded: mean(energies.offloaded) },
    latencyMs: latencies && { kept: rising(latencies.kept), offloaded: rising(latencies.offloaded) },
    source,
    simulated: frames.some(({ simulated }) => simulated),
  };
}
