import { ROUTES, type Route } from '../../../protocol/messages.js';
import type { BarsSpec } from '../../charts/bars.js';
import type { Block, Section } from '../document.js';
import { grouped, share, text } from '../numbers.js';
import { ROUTE_COLOURS } from '../palette.js';
import { bucketNames, duration } from './buckets.js';
import type { JournalTally } from './tally.js';

/** Routes that any frame took, in the order of the contract. */
export function seenRoutes(tally: JournalTally): Route[] {
  return ROUTES.filter((route) => tally.route(route).frames > 0);
}

const REASON_TEXTS: Record<string, string> = {
  'mux easy': 'the mux was sure',
  'local easy': 'the mux called it easy',
  'local confident': 'the local model was sure',
  'local disabled': 'offloading is off',
  'cloud hard': 'the mux called it hard',
  'cloud unsure': 'the local model was unsure',
  'fallback timeout': 'no answer in time',
  'fallback server-away': 'no server online',
  'fallback refused': 'the server refused',
  'fallback window-full': 'too many requests under way',
  'fallback bad-answer': 'the answer could not be used',
};

/** Who answered, why, and how that changed. */
export function routesSection(tally: JournalTally): Section {
  const asked = tally.route('cloud').frames + tally.route('fallback').frames;
  const failed = tally.route('fallback').frames;
  const lead =
    `The device kept ${percent(1 - asked / tally.frames)} of the frames and asked a server about ` +
    `${percent(asked / tally.frames)}. ` +
    (asked === 0
      ? 'Nothing was offloaded.'
      : failed === 0
        ? 'The server answered all of them in time.'
        : `Of those ${percent(failed / asked)} had no answer to use and were answered by the device after all.`);
  return { id: 'routes', title: 'Who answered', lead, blocks: blocksOf(tally) };
}

function blocksOf(tally: JournalTally): Block[] {
  const scored = [...tally.muxScores.values()].some((bins) => bins.some((frames) => frames > 0));
  return [
    {
      kind: 'figure',
      id: 'routes-over-time',
      width: 'full',
      chart: overTime(tally),
      caption: `Share of frames by route, every ${duration(tally.buckets.stepMs)}. Gaps: no frames.`,
    },
    {
      kind: 'table',
      id: 'reasons',
      caption: 'Routes and reasons',
      columns: [
        { name: 'route', align: 'text' },
        { name: 'reason', align: 'text' },
        { name: 'frames', align: 'number' },
        { name: 'share', unit: '%', align: 'number' },
      ],
      rows: [...tally.reasons]
        .sort(([, a], [, b]) => b - a)
        .map(([key, frames]) => {
          const [route = '', reason = ''] = key.split(' ');
          return [
            text(route),
            text(reason, REASON_TEXTS[key]),
            { text: grouped(frames), value: frames },
            share(frames / tally.frames, 2),
          ];
        }),
      notes: [],
    },
    ...(scored ? [scoreFigure(tally)] : []),
  ];
}

function overTime(tally: JournalTally): BarsSpec {
  return {
    kind: 'bars',
    title: 'Routes over time',
    stacked: true,
    digits: 0,
    x: { name: 'time (UTC)', categories: bucketNames(tally.buckets) },
    y: { name: 'frames (%)', min: 0, max: 100 },
    bars: seenRoutes(tally).map((route) => ({
      name: route,
      colour: ROUTE_COLOURS[route],
      values: tally.overTime.map(({ routes }) => {
        const all = ROUTES.reduce((sum, one) => sum + routes[one], 0);
        return all === 0 ? null : (100 * routes[route]) / all;
      }),
    })),
  };
}

function scoreFigure(tally: JournalTally): Block {
  const thresholds = [...tally.thresholds.keys()];
  const said =
    thresholds.length === 0
      ? ''
      : ` Thresholds in use: ${thresholds
          .slice(0, 4)
          .map((value) => String(Number(value.toFixed(4))))
          .join(', ')}.`;
  return {
    kind: 'figure',
    id: 'mux-scores',
    width: 'full',
    chart: {
      kind: 'bars',
      title: 'Mux score: what the mux thought of the frames',
      stacked: true,
      digits: 0,
      x: {
        name: 'mux score, 0 = easy, 1 = hard',
        categories: Array.from({ length: 20 }, (_, i) => (i / 20).toFixed(2)),
      },
      y: { name: 'frames' },
      bars: seenRoutes(tally).map((route) => ({
        name: route,
        colour: ROUTE_COLOURS[route],
        values: tally.muxScores.get(route) ?? [],
      })),
    },
    caption: `Each bar is a twentieth of the scale, from the figure under it.${said}`,
  };
}

export function percent(part: number): string {
  const value = 100 * part;
  return `${value > 0 && value < 1 ? value.toFixed(2) : value.toFixed(1)} %`;
}
