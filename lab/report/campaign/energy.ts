import type { ChartSpec } from '../../charts/kinds.js';
import type { CampaignReader } from '../../measure/store/reader.js';
import type { Block, Figure, Section } from '../document.js';
import { digitsFor, grouped, number, text } from '../numbers.js';
import { inOrder, SIMULATED_RAILS, STAGE_NAMES, stageColour } from '../palette.js';
import { MILLI, type SetupFigures } from './setup-figures.js';

/** Energy of a frame by stage and by rail; null where nothing measured. */
export function energySection(
  campaign: CampaignReader,
  setups: readonly SetupFigures[],
  timeline: Block[],
): Section | null {
  const measured = setups.filter(({ energy }) => energy?.frame);
  if (measured.length === 0) return null;
  const badges = measured.some(({ energy }) => energy?.simulated) ? [SIMULATED_RAILS] : [];
  const staged = measured.some(({ energy }) => Object.keys(energy?.frame?.stagesJ ?? {}).length > 0);
  return {
    id: 'energy',
    title: 'Energy',
    lead:
      'Of the device. Gross is what it drew in the name of a frame, net is less the idle power measured before the runs. ' +
      'Energy and latency are of the same frames.',
    blocks: [
      ...(staged ? [byStage(measured, badges)] : []),
      byRail(measured, badges),
      ...timeline,
      baselineTable(campaign),
    ],
  };
}

function byStage(setups: readonly SetupFigures[], badges: string[]): Figure {
  const stages = inOrder(setups.flatMap(({ energy }) => Object.keys(energy?.frame?.stagesJ ?? {})));
  const parts = stages.map((stage) => ({
    name: STAGE_NAMES[stage] ?? stage,
    colour: stageColour(stage),
    values: setups.map(({ energy }) => MILLI * (energy?.frame?.stagesJ[stage] ?? 0)),
  }));
  const known = setups.map((_, i) => parts.reduce((sum, { values }) => sum + (values[i] ?? 0), 0));
  const rest = setups.map(({ energy }, i) =>
    Math.max(0, MILLI * (energy?.frame?.grossJ ?? 0) - (known[i] ?? 0)),
  );
  return {
    kind: 'figure',
    id: 'energy-stages',
    width: 'half',
    chart: {
      kind: 'stack',
      title: 'Energy by stage of the device',
      badges,
      rows: setups.map(({ setup }) => setup),
      x: { name: 'mean gross energy of a frame (mJ)' },
      parts: [...parts, { name: 'other', colour: stageColour('other'), values: rest }],
      digits: digitsFor(setups.map(({ energy }) => MILLI * (energy?.frame?.grossJ ?? 0))),
    },
    caption: `Every frame shares what the device drew with the others at work at the time. Means of the frames with an energy: ${measuredOf(setups)}.`,
  };
}

/** How many of a set-up's results have an energy. */
function measuredOf(setups: readonly SetupFigures[]): string {
  return setups
    .map(
      ({ setup, energy, frames, missing }) =>
        `${setup} ${grouped(energy?.frame?.measured ?? 0)} of ${grouped(frames - missing)}`,
    )
    .join(', ');
}

function byRail(setups: readonly SetupFigures[], badges: string[]): Figure {
  const rails = [...new Set(setups.flatMap(({ energy }) => energy?.rails.map(({ rail }) => rail) ?? []))];
  const bars = rails.flatMap((rail) =>
    (['grossJ', 'netJ'] as const).map((kind) => ({
      name: `${rail}, ${kind === 'grossJ' ? 'gross' : 'net'}`,
      values: setups.map(({ energy }) => {
        const joules = energy?.rails.find((one) => one.rail === rail)?.[kind] ?? null;
        return joules === null ? null : MILLI * joules;
      }),
    })),
  );
  const chart: ChartSpec = {
    kind: 'bars',
    title: 'Energy by rail, gross and net',
    badges,
    bars,
    x: { name: 'set-up', categories: setups.map(({ setup }) => setup) },
    y: { name: 'energy of the whole phase a frame (mJ)' },
    digits: digitsFor(bars.flatMap(({ values }) => values)),
  };
  return {
    kind: 'figure',
    id: 'energy-rails',
    width: 'half',
    chart,
    caption:
      'All that a rail took in the measured phase, by its frames: idle times between frames are in it. Net is less the idle ' +
      'power and can be below 0 by noise.',
  };
}

/** Idle power, and what a server drew where it has rails. */
function baselineTable(campaign: CampaignReader): Block {
  const rails = campaign.rails();
  return {
    kind: 'table',
    id: 'baselines',
    caption: 'Rails while no frame was in work',
    columns: [
      ...['rail', 'side', 'sensor', 'when'].map((name) => ({ name, align: 'text' as const })),
      { name: 'mean power', unit: 'W', align: 'number' },
      { name: 'standard deviation', unit: 'W', align: 'number' },
      { name: 'samples', align: 'number' },
      { name: 'rate', unit: 'Hz', align: 'number' },
    ],
    rows: campaign.baselines().map(({ rail, moment, meanW, sdW, samples }) => {
      const known = rails.find((one) => one.rail === rail);
      return [
        text(rail, known?.simulated ? 'simulated' : known?.within ? `within ${known.within}` : undefined),
        ...[text(known?.side ?? ''), text(known?.sensor ?? ''), text(`${moment} the runs`)],
        ...[number(meanW, 3), number(sdW, 3)],
        { text: grouped(samples), value: samples },
        number(known?.rateHz ?? null, 0),
      ];
    }),
    notes: [],
  };
}
