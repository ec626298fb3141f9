import t from 'tap';
import { drawChart } from '../../../lab/charts/draw.js';
import { placeOfLine, type Crowd } from '../../../lab/charts/label-places.js';
import type { ChartSpec } from '../../../lab/charts/kinds.js';
import { COLOURS } from '../../../lab/charts/spec.js';

const bars = (from: number): { name: string; values: number[] }[] => [
  { name: 'bars', values: [from, from + 1] },
];
const axes = { x: { name: 'time (s)' }, y: { name: 'power (W)' } };
/** One of each kind: the type asks for one that is missing. */
const EXAMPLES: Record<ChartSpec['kind'], ChartSpec> = {
  lines: {
    ...axes,
    kind: 'lines',
    title: 'lines',
    lines: [
      { name: 'policy', role: 'policy', points: [[0, 1], [1, 2]] }, // prettier-ignore
      { name: 'baseline', role: 'baseline', points: [[0, 0.5]] },
    ],
    marks: [{ name: 'here', at: [0.5, 1.5], interval: [1.2, 1.8], like: 'policy' }],
  },
  bars: {
    ...axes,
    kind: 'bars',
    title: 'bars',
    x: { name: 'kind', categories: ['a', 'b'] },
    bars: bars(1),
    digits: 1,
  },
  stack: {
    kind: 'stack',
    title: 'stack',
    x: { name: 'latency (ms)' },
    rows: ['one', 'two'],
    digits: 1,
    parts: [{ name: 'mux', values: [1.25, null], colour: 'amber' }],
  },
  ranges: {
    kind: 'ranges',
    title: 'ranges',
    x: { name: 'latency (ms)' },
    digits: 1,
    rows: [{ name: 'local', low: 1, middle: 2.5, high: 4 }],
  },
  heat: {
    kind: 'heat',
    title: 'heat',
    x: { name: 'wrong' },
    y: { name: 'right' },
    digits: 1,
    labels: ['small', 'large'],
    cells: [[0, 1.5], [4.5, 0]], // prettier-ignore
  },
  clouds: {
    kind: 'clouds',
    title: 'clouds',
    groups: [{ name: 'right', colour: 'blue' }],
    panels: [{ name: 'before', groups: [[[0, 0], [1, 1]]] }], // prettier-ignore
  },
  timeline: {
    ...axes,
    kind: 'timeline',
    title: 'timeline',
    lanes: ['device'],
    rails: [{ name: 'module', points: [[0, 3], [1, 4]] }], // prettier-ignore
    kinds: [{ name: 'local', colour: 'blue' }],
    spans: [{ lane: 0, kind: 0, from: 0.1, to: 0.4 }],
  },
};
const SPECS = Object.values(EXAMPLES);
const CANVASES = [
  { width: 880, titled: true },
  { width: 350, titled: false },
];

t.test(
  'a picture stands alone: no script, style, handler or address outside, and its title where it is wanted',
  async (t) => {
    for (const spec of SPECS) {
      for (const canvas of CANVASES) {
        const svg = drawChart(spec, canvas, 'fig-1');
        t.match(svg, new RegExp(`^<svg width="${canvas.width}"`), `${spec.kind} at ${canvas.width} px`);
        t.notMatch(svg, /<script|<style|<image|href=|\son[a-z]+=|NaN|undefined|Infinity/);
        t.same(svg.match(/https?:[^"]*/g), ['http://www.w3.org/2000/svg'], 'the name space only');
        t.equal(svg.includes(`>${spec.title}<`), canvas.titled);
      }
    }
  },
);

t.test('what is simulated is written on the picture itself, at every width', async (t) => {
  for (const spec of SPECS) {
    for (const canvas of CANVASES) {
      t.match(drawChart({ ...spec, badges: ['SIMULATED POWER RAILS'] }, canvas), />SIMULATED POWER RAILS</);
      t.notMatch(drawChart(spec, canvas), /SIMULATED/);
    }
  }
});

t.test('axes carry their names with units; parts, cells and marks their values', async (t) => {
  const wanted = {
    lines: ['time (s)', 'power (W)', 'here', 'policy', 'baseline'],
    bars: ['kind', '2.0'],
    heat: ['4.5'],
  };
  const more = {
    stack: ['latency (ms)', '1.3'],
    ranges: ['2.5'],
    clouds: ['before'],
    timeline: ['device', 'power (W)'],
  };
  for (const spec of SPECS) {
    const svg = drawChart(spec);
    for (const text of { ...wanted, ...more }[spec.kind]) t.match(svg, `>${text}<`, `${spec.kind}: ${text}`);
  }
});

t.test('two pictures on a page share no id, and the same chart gives the same picture', async (t) => {
  const spec = EXAMPLES.lines;
  const idsOf = (svg: string): string[] => [...svg.matchAll(/id="([^"]*)"/g)].map(([, id = '']) => id);
  const [first, second] = [drawChart(spec, undefined, 'a'), drawChart(spec, undefined, 'b')];
  t.ok(idsOf(first).length > 0);
  t.notOk(idsOf(first).some((id) => idsOf(second).includes(id)));
  t.equal(drawChart(spec, undefined, 'a'), first);
});

t.test('the name of a line stands clear of other lines and of names that are there already', async (t) => {
  const plot = { x: 0, y: 0, width: 400, height: 300 };
  const crowd: Crowd = {
    plot,
    taken: [],
    lines: [[[0, 100], [400, 100]], [[0, 112], [400, 260]]], // prettier-ignore
  };
  const place = placeOfLine(crowd, 0, 60, 15);
  t.equal(place?.at[1], 100, 'on its line');
  t.ok(place && (place.side === 'top' || place.at[0] > 100), 'not squeezed between the two at the left');
  const again = placeOfLine(crowd, 0, 60, 15);
  t.ok(again && place && (again.side !== place.side || Math.abs(again.at[0] - place.at[0]) >= 60));
  t.equal(placeOfLine({ plot, lines: [[]], taken: [] }, 0, 60, 15), null, 'no line, no name');
});

/** Contrast of a colour to white (WCAG 2). */
function contrast(hex: string): number {
  const linear = [1, 3, 5].map((at) => {
    const share = parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05);
}

t.test('colours that names are written in are readable on white', async (t) => {
  for (const hue of ['blue', 'vermilion', 'green', 'purple', 'ochre', 'grey'] as const) {
    t.ok(contrast(COLOURS[hue]) >= 4.5, `${hue}: ${contrast(COLOURS[hue]).toFixed(1)}`);
  }
});
