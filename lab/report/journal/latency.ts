import type { Figure, Section, Table } from '../document.js';
import { digitsFor, grouped, number, text } from '../numbers.js';
import { ROUTE_COLOURS, STAGE_COLOURS, STAGE_NAMES } from '../palette.js';
import { joined, type Numbers } from '../distribution.js';
import { LATENCY_PARTS, type JournalTally } from './tally.js';
import { seenRoutes } from './routes.js';

/** Latency by route and stage. */
export function latencySection(tally: JournalTally): Section {
  return {
    id: 'latency',
    title: 'Latency',
    lead:
      'From admission on the device to the result, in ms. Means of stages add up; percentiles do not. Network is the round ' +
      'trip less the time that the server says it had the frame.',
    blocks: [stackFigure(tally), rangeFigure(tally), stageTable(tally)],
  };
}

function stackFigure(tally: JournalTally): Figure {
  const routes = seenRoutes(tally);
  const means = routes.map((route) => tally.route(route).totalMs.mean());
  const parts = LATENCY_PARTS.map((stage) => ({
    name: STAGE_NAMES[stage] ?? stage,
    colour: STAGE_COLOURS[stage],
    values: routes.map((route) => tally.route(route).stagesMs[stage].mean()),
  }));
  const others = routes.map((_, at) => {
    const known = parts.reduce((sum, { values }) => sum + (values[at] ?? 0), 0);
    return Math.max(0, (means[at] ?? 0) - known);
  });
  return {
    kind: 'figure',
    id: 'latency-stages',
    width: 'half',
    chart: {
      kind: 'stack',
      title: 'Where the time goes, by route',
      rows: routes,
      digits: digitsFor(means),
      x: { name: 'mean latency of a frame (ms)' },
      parts: [...parts, { name: 'other', colour: STAGE_COLOURS.other, values: others }],
    },
    caption:
      'Means. Other: threads handing over, and in a fallback the wait for an answer that did not come.',
  };
}

function rangeFigure(tally: JournalTally): Figure {
  const rows = seenRoutes(tally).map((route) => {
    const { totalMs } = tally.route(route);
    return {
      name: route,
      colour: ROUTE_COLOURS[route],
      low: totalMs.percentile(0.05) ?? 0,
      middle: totalMs.percentile(0.5) ?? 0,
      high: totalMs.percentile(0.95) ?? 0,
    };
  });
  const digits = digitsFor(rows.map(({ middle }) => middle));
  return {
    kind: 'figure',
    id: 'latency-ranges',
    width: 'half',
    chart: { kind: 'ranges', title: 'How it spreads, by route', x: { name: 'latency (ms)' }, rows, digits },
    caption: 'Bars: from the 5th to the 95th percentile; dots and figures: the median.',
  };
}

function stageTable(tally: JournalTally): Table {
  const routes = seenRoutes(tally).map((route) => tally.route(route));
  const rows: [string, Numbers][] = [
    ['total', joined(routes.map(({ totalMs }) => totalMs))],
    ...seenRoutes(tally).map((route): [string, Numbers] => [`total, ${route}`, tally.route(route).totalMs]),
    ...LATENCY_PARTS.map((stage): [string, Numbers] => [
      STAGE_NAMES[stage] ?? stage,
      positive(joined(routes.map(({ stagesMs }) => stagesMs[stage]))),
    ]),
  ];
  const shown = rows.filter(([, numbers]) => numbers.length > 0);
  return {
    kind: 'table',
    id: 'latency-table',
    caption: 'Latency by route and by stage',
    columns: [
      { name: 'what', align: 'text' },
      { name: 'frames', align: 'number' },
      ...['mean', 'p50', 'p95', 'p99'].map((name) => ({ name, unit: 'ms', align: 'number' as const })),
    ],
    rows: shown.map(([name, numbers]) => [
      text(name),
      { text: grouped(numbers.length), value: numbers.length },
      number(numbers.mean(), 2),
      ...[0.5, 0.95, 0.99].map((share) => number(numbers.percentile(share), 2)),
    ]),
    notes: ['A stage counts the frames that went through it.'],
  };
}

/** A stage that did not run took 0 ms. */
function positive(numbers: Numbers): Numbers {
  return numbers.filtered((value) => value > 0);
}
