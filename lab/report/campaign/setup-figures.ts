/** What a set-up's frames say: the campaign's own summary, and what only a report needs besides. */
import { mean } from '../../../common/statistics.js';
import { Bootstrap, type Interval } from '../../eval/statistics/bootstrap.js';
import type { CampaignReader } from '../../measure/store/reader.js';
import type { FrameRow, SetupRow } from '../../measure/store/rows.js';
import type { CampaignSummary, SetupSummary } from '../../measure/summary/summary-types.js';
import { Numbers } from '../distribution.js';

/** Joules are shown in mJ. */
export const MILLI = 1000;

export interface SetupFigures extends SetupSummary, Pick<SetupRow, 'deviceMode' | 'serverMode'> {
  totalMs: Numbers;
  /** Accuracy less that of cloud-only on the same images; 95 %, resampling images. */
  overCloud: Interval | null;
}

const SEED = 1;

/** In the order of the campaign; a set-up without a finished run is left out. */
export function setupFigures(campaign: CampaignReader, { setups }: CampaignSummary): SetupFigures[] {
  const rows = campaign.setups();
  const found = setups.flatMap((summary) => {
    const row = rows.find(({ setup }) => setup === summary.setup);
    if (!row) return [];
    const frames = campaign.framesOf(summary.setup);
    const totalMs = Numbers.of(frames.flatMap((frame) => frame.totalMs ?? []));
    return [{ summary, row, totalMs, perImage: rightByImage(frames) }];
  });
  const cloud = found.find(({ row }) => row.setup === 'cloud-only');
  return found.map(({ summary, row, totalMs, perImage }) => {
    const paired = cloud && row.setup !== 'cloud-only' && cloud.perImage.key === perImage.key;
    const bootstrap = paired ? new Bootstrap(perImage.right.length, SEED) : null;
    const columns = cloud ? [perImage.right, cloud.perImage.right] : [];
    return {
      ...summary,
      deviceMode: row.deviceMode,
      serverMode: row.serverMode,
      totalMs,
      overCloud: bootstrap?.of(columns, (a = NaN, b = NaN) => a - b) ?? null,
    };
  });
}

/** Share of an image's repeats that were right: repeats of one image are no independent evidence. */
function rightByImage(frames: readonly FrameRow[]): { right: Float64Array; key: string } {
  const images = new Map<number, number[]>();
  for (const { imageIndex, correct } of frames) {
    const seen = images.get(imageIndex);
    if (seen) seen.push(Number(correct));
    else images.set(imageIndex, [Number(correct)]);
  }
  const sorted = [...images].sort(([a], [b]) => a - b);
  return { right: Float64Array.from(sorted, ([, seen]) => mean(seen)), key: sorted.map(([i]) => i).join() };
}
