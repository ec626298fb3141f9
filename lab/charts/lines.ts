import { placeOfLine, placeOfMark, type Box, type Crowd, type Side } from './label-places.js';
import {
  FONT,
  HALO,
  headOf,
  INK,
  isNarrow,
  legendOf,
  textWidth,
  valueAxis,
  type Canvas,
  type Drawn,
} from './layout.js';
import { colour, X_AXIS_PX, Y_NAME_PX } from './layout.js';
import type { Axis, ChartBase, Point } from './spec.js';

export interface Line {
  name: string;
  points: readonly Point[];
  /** `baseline` is grey and dashed. */
  role: 'policy' | 'baseline';
}

export interface Mark {
  /** Written beside it; empty: none. */
  name: string;
  at: Point;
  /** 95 % interval of y. */
  interval?: Point;
  /** The line whose colour it takes. */
  like?: string;
}

/** Curves over two numeric axes, and single points. */
export interface LinesSpec extends ChartBase {
  kind: 'lines';
  x: Axis;
  y: Axis;
  lines: readonly Line[];
  marks: readonly Mark[];
}

/** Dashes and greys tell baselines apart. */
const DASHES = [
  [2, 3],
  [10, 4],
  [10, 4, 2, 4],
  [5, 3],
];
const GREYS = ['#555555', '#777777', '#808080', '#6a6a6a'];
const NAME_PX = 15;
const MARK_PX = 14;

/** Curves with their names on them, and marks. Where the canvas is narrow a legend names the curves. */
export function drawLines(spec: LinesSpec, canvas: Canvas): Drawn {
  const head = headOf(spec, canvas);
  const narrow = isNarrow(canvas);
  const names = spec.lines.map(({ name }) => name);
  const legend = narrow ? legendOf(names, head.height, canvas, 'line') : null;
  const top = head.height + (legend?.height ?? 0) + Y_NAME_PX;
  const height = narrow ? 230 : Math.round(Math.min(390, canvas.width * 0.48));
  const grid = { left: 46, right: 16, top };
  const plot: Box = { x: grid.left, y: top, width: canvas.width - grid.left - grid.right, height };
  const colours = coloursOf(spec.lines);
  return {
    height: top + height + X_AXIS_PX,
    option: {
      ...head.option,
      ...(legend ? { legend: legend.option } : {}),
      grid: { ...grid, height },
      xAxis: valueAxis(spec.x, true, canvas),
      yAxis: valueAxis(spec.y, false, canvas),
      series: [
        ...spec.lines.map((line, i) => curve(line, i, colours)),
        ...spec.marks.flatMap((mark) => drawMark(mark, colours)),
        ...namesOf(spec, plot, colours, narrow),
      ],
    },
  };
}

/** Colours by name: hues for policies, greys for baselines. */
function coloursOf(lines: readonly Line[]): Map<string, string> {
  let hue = 0;
  let grey = 0;
  return new Map(
    lines.map(({ name, role }) => [
      name,
      role === 'policy' ? colour(undefined, hue++) : (GREYS[grey++ % GREYS.length] ?? INK),
    ]),
  );
}

function curve({ name, points, role }: Line, at: number, colours: Map<string, string>): object {
  const policy = role === 'policy';
  return {
    name,
    clip: true,
    z: policy ? 3 : 2,
    data: points.map((point) => [...point]),
    silent: true,
    ...(points.length === 1 ? { type: 'scatter', symbolSize: 9 } : { type: 'line', symbol: 'none' }),
    lineStyle: { width: policy ? 2.4 : 1.7, type: policy ? 'solid' : DASHES[at % DASHES.length] },
    itemStyle: { color: colours.get(name), opacity: 1 },
  };
}

/** A diamond in its line's colour, with its interval. */
function drawMark({ at, interval, like }: Mark, colours: Map<string, string>): object[] {
  const point = {
    type: 'scatter',
    data: [[...at]],
    symbol: 'diamond',
    symbolSize: MARK_PX,
    z: 8,
    silent: true,
    itemStyle: {
      color: colours.get(like ?? '') ?? INK,
      borderColor: '#111111',
      borderWidth: 1.2,
      opacity: 1,
    },
  };
  if (!interval) return [point];
  const whisker = {
    type: 'line',
    showSymbol: true,
    symbol: 'rect',
    symbolSize: [9, 1.6],
    z: 7,
    silent: true,
    data: interval.map((y) => [at[0], y]),
    lineStyle: { color: '#111111', width: 1.3, type: 'solid' },
    itemStyle: { color: '#111111' },
  };
  return [whisker, point];
}

/** The names of marks, of single points and, where there is no legend, of lines. */
function namesOf(spec: LinesSpec, plot: Box, colours: Map<string, string>, legend: boolean): object[] {
  const { lines, marks } = spec;
  const toPx = scale(spec, plot);
  const long = lines.filter(({ points }) => points.length > 1);
  const single = lines.flatMap(({ name, points }) =>
    points.length === 1 ? points.map((at) => ({ name, at })) : [],
  );
  const dots = [...marks, ...single];
  const crowd: Crowd = {
    plot,
    lines: long.map(({ points }) => points.map(toPx).sort((a, b) => a[0] - b[0])),
    taken: dots.map(({ at }) => around(toPx(at))),
  };
  const ofDots = dots
    .filter(({ name }) => name !== '')
    .map(({ name, at }) => {
      const { side } = placeOfMark(crowd, toPx(at), textWidth(name), NAME_PX);
      return nameAt(name, at, side, colours.get(name) ?? INK);
    });
  if (legend) return ofDots;
  const ofLines = long.flatMap(({ name, points }, i) => {
    const place = placeOfLine(crowd, i, textWidth(name), NAME_PX);
    const nearest = place && nearestPoint(points, place.at, toPx);
    return place && nearest ? [nameAt(name, nearest, place.side, colours.get(name) ?? INK)] : [];
  });
  return [...ofDots, ...ofLines];
}

function around([x, y]: Point): Box {
  return { x: x - MARK_PX / 2, y: y - MARK_PX / 2, width: MARK_PX, height: MARK_PX };
}

/** Between the two points of a line around a place on it, in data units. */
function nearestPoint(points: readonly Point[], [x]: Point, toPx: (point: Point) => Point): Point | null {
  const sorted = [...points].sort((a, b) => a[0] - b[0]);
  for (let i = 1; i < sorted.length; i += 1) {
    const [before, after] = [sorted[i - 1], sorted[i]];
    if (!before || !after || toPx(after)[0] < x) continue;
    const [from, to] = [toPx(before)[0], toPx(after)[0]];
    const share = to === from ? 0 : Math.max(0, (x - from) / (to - from));
    return [before[0] + share * (after[0] - before[0]), before[1] + share * (after[1] - before[1])];
  }
  return null;
}

function nameAt(name: string, at: Point, side: Side, ink: string): object {
  return {
    type: 'scatter',
    data: [[...at]],
    symbolSize: side === 'top' || side === 'bottom' ? 1 : MARK_PX,
    z: 9,
    silent: true,
    itemStyle: { color: 'transparent' },
    label: {
      ...FONT,
      ...HALO,
      show: true,
      color: ink,
      fontWeight: 600,
      position: side,
      distance: 4,
      opacity: 1,
      formatter: () => name,
    },
  };
}

/** Data units to px, as the axes will have them. */
function scale(spec: LinesSpec, plot: Box): (point: Point) => Point {
  const points = [...spec.lines.flatMap((line) => line.points), ...spec.marks.map(({ at }) => at)];
  const ends = (axis: Axis, of: 0 | 1): Point => {
    const values = points.map((point) => point[of]).filter((value) => axis.log !== true || value > 0);
    const [low, high] = [axis.min ?? Math.min(...values), axis.max ?? Math.max(...values)];
    return axis.log === true ? [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))] : [low, high];
  };
  const [x0, x1] = ends(spec.x, 0);
  const [y0, y1] = ends(spec.y, 1);
  const along = (value: number): number => (spec.x.log === true ? Math.log10(Math.max(value, 1e-12)) : value);
  return ([x, y]) => [
    plot.x + ((along(x) - x0) / (x1 - x0 || 1)) * plot.width,
    plot.y + ((y1 - y) / (y1 - y0 || 1)) * plot.height,
  ];
}
