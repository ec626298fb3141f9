import type { Block, Section } from '../document.js';
import { digitsFor, grouped, number, share, text } from '../numbers.js';
import { inOrder, ROUTE_COLOURS, SIMULATED_RAILS, STAGE_NAMES, stageColour } from '../palette.js';
import { bucketNames, duration } from './buckets.js';
import { seenRoutes } from './routes.js';
import type { JournalTally } from './tally.js';

const MILLI = 1000;

/** What the frames cost, by route, stage and rail; null where nothing measured. */
export function energySection(tally: JournalTally): Section | null {
  if (tally.measuredJ === 0) return null;
  const badges = tally.simulatedJ > 0 ? [SIMULATED_RAILS] : [];
  return {
    id: 'energy',
    title: 'Energy',
    lead:
      `${grouped(tally.measuredJ)} of ${grouped(tally.frames)} frames have an energy. Gross is what the device drew in a ` +
      "frame's name, net is less the idle power.",
    blocks: [
      byRoute(tally, badges),
      ...(tally.stagesJ.size > 0 ? [byStage(tally, badges)] : []),
      overTime(tally, badges),
      routeTable(tally, simulatedWord(tally)),
      ...(tally.railsJ.size > 0 ? [railTable(tally, simulatedWord(tally))] : []),
    ],
  };
}

function byRoute(tally: JournalTally, badges: string[]): Block {
  const rows = seenRoutes(tally).flatMap((route) => {
    const { grossJ } = tally.route(route);
    const [low, middle, high] = [0.05, 0.5, 0.95].map((part) => grossJ.percentile(part));
    if (low == null || middle == null || high == null) return [];
    return [
      {
        name: route,
        colour: ROUTE_COLOURS[route],
        low: Math.max(0, low * MILLI),
        middle: middle * MILLI,
        high: high * MILLI,
      },
    ];
  });
  return {
    kind: 'figure',
    id: 'energy-routes',
    width: 'half',
    chart: {
      kind: 'ranges',
      title: 'Energy of a frame, by route',
      badges,
      rows,
      x: { name: 'gross energy (mJ)' },
      digits: digitsFor(rows.map(({ middle }) => middle)),
    },
    caption: 'Bars: from the 5th to the 95th percentile; dots and figures: the median.',
  };
}

function byStage(tally: JournalTally, badges: string[]): Block {
  const parts = inOrder([...tally.stagesJ.keys()]).map((stage) => ({
    name: STAGE_NAMES[stage] ?? stage,
    colour: stageColour(stage),
    values: [(MILLI * (tally.stagesJ.get(stage) ?? 0)) / tally.measuredJ],
  }));
  return {
    kind: 'figure',
    id: 'energy-stages',
    width: 'half',
    chart: {
      kind: 'stack',
      title: 'Energy by stage',
      badges,
      rows: ['all frames'],
      parts,
      x: { name: 'mean gross energy of a frame (mJ)' },
      digits: digitsFor(parts.map(({ values }) => values[0] ?? 0)),
    },
    caption: 'Stages of the device. What a server spends is not in it.',
  };
}

function overTime(tally: JournalTally, badges: string[]): Block {
  const means = tally.overTime.map(({ grossJ, withEnergy }) =>
    withEnergy === 0 ? null : (MILLI * grossJ) / withEnergy,
  );
  return {
    kind: 'figure',
    id: 'energy-over-time',
    width: 'full',
    chart: {
      kind: 'bars',
      title: 'Energy of a frame over time',
      badges,
      stacked: true,
      digits: digitsFor(means),
      x: { name: 'time (UTC)', categories: bucketNames(tally.buckets) },
      y: { name: 'mean gross energy of a frame (mJ)', min: 0 },
      bars: [{ name: 'energy', colour: 'green', values: means }],
    },
    caption: `Means of the frames of ${duration(tally.buckets.stepMs)} each.`,
  };
}

function simulatedWord({ simulatedJ }: JournalTally): string {
  return simulatedJ > 0 ? ' (simulated rails)' : '';
}

function routeTable(tally: JournalTally, simulated: string): Block {
  const rows = seenRoutes(tally).map((route) => ({ route, ...pick(tally, route) }));
  const digits = digitsFor(rows.map(({ gross }) => gross));
  return {
    kind: 'table',
    id: 'energy-table',
    caption: `Energy by route${simulated}`,
    columns: [
      { name: 'route', align: 'text' },
      { name: 'frames with energy', align: 'number' },
      ...['gross, mean', 'gross, p95', 'net, mean'].map((name) => ({
        name,
        unit: 'mJ',
        align: 'number' as const,
      })),
      { name: 'share of all joules', unit: '%', align: 'number' },
    ],
    rows: rows.map(({ route, frames, gross, p95, net, part }) => [
      text(route),
      { text: grouped(frames), value: frames },
      ...[gross, p95, net].map((value) => number(value, digits)),
      share(part),
    ]),
    notes: [],
  };
}

function pick(
  tally: JournalTally,
  route: Parameters<JournalTally['route']>[0],
): { frames: number; gross: number | null; p95: number | null; net: number | null; part: number | null } {
  const { grossJ, netJ } = tally.route(route);
  const all = seenRoutes(tally).reduce((sum, one) => sum + tally.route(one).grossJ.sum, 0);
  const milli = (joules: number | null): number | null => (joules === null ? null : MILLI * joules);
  return {
    frames: grossJ.length,
    gross: milli(grossJ.mean()),
    p95: milli(grossJ.percentile(0.95)),
    net: milli(netJ.mean()),
    part: all > 0 ? grossJ.sum / all : null,
  };
}

function railTable(tally: JournalTally, simulated: string): Block {
  return {
    kind: 'table',
    id: 'energy-rails',
    caption: `Energy by rail${simulated}`,
    columns: [
      { name: 'rail', align: 'text' },
      { name: 'gross', unit: 'J', align: 'number' },
      { name: 'net', unit: 'J', align: 'number' },
    ],
    rows: [...tally.railsJ].map(([rail, { gross, net }]) => [text(rail), number(gross, 3), number(net, 3)]),
    notes: ['Sums over the frames; idle times between frames belong to no frame and are not in it.'],
  };
}
