/** Energies of a set-up: a frame's own share, and the whole measured phase by rail. */
import { mean } from '../../../common/statistics.js';
import type { CampaignReader } from '../store/reader.js';
import type { FrameRow, RunRow } from '../store/rows.js';
import type { EnergySummary, RailEnergy } from './summary-types.js';

/** Null where no rail was there. */
export function energySummary(
  reader: CampaignReader,
  runs: readonly RunRow[],
  frames: readonly FrameRow[],
): EnergySummary | null {
  const rails = reader.rails().filter(({ side }) => side === 'device');
  if (rails.length === 0) return null;
  const idleW = idlePowers(reader);
  const power = runs.map((run) => ({ run, rows: reader.power(run.run) }));
  const found = rails.map(({ rail, simulated, counted }): RailEnergy => {
    let [grossJ, idleJ, coveredMs, lengthMs]: [number, number | null, number, number] = [0, 0, 0, 0];
    for (const { run, rows } of power) {
      const railRows = rows.filter((row) => row.rail === rail);
      const runMs = railRows.reduce((sum, row) => sum + row.coveredMs, 0);
      grossJ += railRows.reduce((sum, row) => sum + row.energyJ, 0);
      const runIdleW = idleW.get(`${run.session} ${rail}`);
      idleJ = idleJ === null || runIdleW === undefined ? null : idleJ + (runIdleW * runMs) / 1e3;
      coveredMs += runMs;
      lengthMs += run.durationMs ?? 0;
    }
    const perFrame = (energyJ: number): number => energyJ / Math.max(1, frames.length);
    return {
      rail,
      simulated,
      counted,
      grossJ: perFrame(grossJ),
      netJ: idleJ === null ? null : perFrame(grossJ - idleJ),
      covered: lengthMs > 0 ? coveredMs / lengthMs : 0,
    };
  });
  return {
    simulated: rails.some((rail) => rail.simulated),
    frame: frameShare(frames),
    phase: phaseOf(found),
    rails: found,
  };
}

/** Mean of the baselines before and after the runs, by session and rail. */
function idlePowers(reader: CampaignReader): Map<string, number> {
  const found = new Map<string, number[]>();
  for (const { session, rail, meanW } of reader.baselines()) {
    const key = `${session} ${rail}`;
    found.set(key, [...(found.get(key) ?? []), meanW]);
  }
  return new Map([...found].map(([key, powers]) => [key, mean(powers)]));
}

function frameShare(frames: readonly FrameRow[]): EnergySummary['frame'] {
  const measured = frames.filter(({ energyGrossJ }) => energyGrossJ !== null);
  if (measured.length === 0) return null;
  const stages = [...new Set(measured.flatMap(({ stagesJ }) => Object.keys(stagesJ ?? {})))];
  return {
    grossJ: mean(measured.map(({ energyGrossJ }) => energyGrossJ ?? 0)),
    netJ: mean(measured.map(({ energyNetJ }) => energyNetJ ?? 0)),
    stagesJ: Object.fromEntries(
      stages.map((stage) => [stage, mean(measured.map(({ stagesJ }) => stagesJ?.[stage] ?? 0))]),
    ),
    measured: measured.length,
  };
}

function phaseOf(rails: readonly RailEnergy[]): EnergySummary['phase'] {
  const counted = rails.filter((rail) => rail.counted && rail.covered > 0);
  if (counted.length === 0) return null;
  const net = counted.map(({ netJ }) => netJ);
  return {
    grossJ: counted.reduce((sum, { grossJ }) => sum + grossJ, 0),
    netJ: net.every((netJ) => netJ !== null) ? net.reduce((sum, netJ) => sum + netJ, 0) : null,
  };
}
