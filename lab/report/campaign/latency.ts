import type { Figure, Section } from '../document.js';
import { digitsFor } from '../numbers.js';
import { STAGE_COLOURS, STAGE_NAMES } from '../palette.js';
import type { LinkProfile } from '../../measure/store/facts.js';
import type { SetupFigures } from './setup-figures.js';

const ESTIMATED = 'UPLOAD AND DOWNLOAD ESTIMATED';

/** Latency by stage, eq. 9 to 12 with every term measured but the split of the way. */
export function latencySection(setups: readonly SetupFigures[], shaped: string[]): Section {
  return {
    id: 'latency',
    title: 'Latency',
    lead:
      'From admission on the device to the result. The network is the round trip less the time that the server had the frame; ' +
      'how it divides into upload and download is estimated from the quickest exchanges.',
    blocks: [stages(setups, shaped), ranges(setups, shaped)],
  };
}

const STAGES = ['queue', 'decode', 'mux', 'local', 'encode', 'upload', 'cloud', 'download', 'other'] as const;

function stages(setups: readonly SetupFigures[], shaped: string[]): Figure {
  const away = setups.some(({ latencyMs }) => latencyMs.stages.upload > 0);
  return {
    kind: 'figure',
    id: 'latency-stages',
    width: 'full',
    chart: {
      kind: 'stack',
      title: 'Where the time goes',
      rows: setups.map(({ setup }) => setup),
      badges: [...shaped, ...(away ? [ESTIMATED] : [])],
      x: { name: 'mean latency of a frame (ms)' },
      parts: STAGES.map((stage) => ({
        name: STAGE_NAMES[stage] ?? stage,
        colour: STAGE_COLOURS[stage],
        values: setups.map(({ latencyMs }) => latencyMs.stages[stage]),
      })),
      digits: digitsFor(setups.map(({ latencyMs }) => latencyMs.mean)),
    },
    caption:
      'Means over all frames of a set-up: a stage that only some frames go through is as long as its share. Other: threads ' +
      'handing over, results being put together, and waiting for answers that did not come.',
  };
}

function ranges(setups: readonly SetupFigures[], shaped: string[]): Figure {
  const rows = setups.map(({ setup, totalMs }) => ({
    name: setup,
    low: totalMs.percentile(0.05) ?? 0,
    middle: totalMs.percentile(0.5) ?? 0,
    high: totalMs.percentile(0.95) ?? 0,
  }));
  return {
    kind: 'figure',
    id: 'latency-ranges',
    width: 'full',
    chart: {
      kind: 'ranges',
      title: 'How it spreads',
      badges: shaped,
      rows,
      x: { name: 'latency (ms)' },
      digits: digitsFor(rows.map(({ middle }) => middle)),
    },
    caption: 'Bars: from the 5th to the 95th percentile of the frames; dots and figures: the median.',
  };
}

/** Badge of figures that depend on a link that was shaped; empty: it was not. */
export function linkBadges({ name, uplinkMbitS, downlinkMbitS, rttMs, jitterMs }: LinkProfile): string[] {
  const shaped = uplinkMbitS !== null || downlinkMbitS !== null || rttMs > 0 || jitterMs > 0;
  return shaped ? [`SIMULATED LINK: ${name.toUpperCase()}`] : [];
}
