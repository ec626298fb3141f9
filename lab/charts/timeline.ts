import {
  colour,
  headOf,
  isNarrow,
  legendOf,
  SMALL,
  textWidth,
  valueAxis,
  X_AXIS_PX,
  Y_NAME_PX,
  type Canvas,
  type Drawn,
} from './layout.js';
import type { Axis, ChartBase, Colour, Point } from './spec.js';

/** Power over time, and under it what the frames were doing. */
export interface TimelineSpec extends ChartBase {
  kind: 'timeline';
  x: Axis;
  y: Axis;
  rails: readonly { name: string; points: readonly Point[] }[];
  /** Spans of time in the unit of x, on a lane. */
  lanes: readonly string[];
  kinds: readonly { name: string; colour: Colour }[];
  spans: readonly { lane: number; kind: number; from: number; to: number }[];
}

const LANE_PX = 17;

/** Power by rail above, the frames' spans in lanes below, on one axis of time. */
export function drawTimeline(spec: TimelineSpec, canvas: Canvas): Drawn {
  const head = headOf(spec, canvas);
  const names = [
    ...spec.kinds.map(({ name }) => name),
    ...(spec.rails.length > 1 ? spec.rails.map(({ name }) => name) : []),
  ];
  const legend = legendOf(names, head.height, canvas);
  const left = Math.max(46, Math.min(110, Math.max(...spec.lanes.map((lane) => textWidth(lane, 12))) + 10));
  const top = head.height + legend.height + Y_NAME_PX;
  const power = isNarrow(canvas) ? 170 : 230;
  const lanes = spec.lanes.length * LANE_PX + 6;
  const x = valueAxis(spec.x, true, canvas);
  return {
    height: top + power + lanes + X_AXIS_PX + 12,
    option: {
      ...head.option,
      legend: legend.option,
      grid: [
        { left, right: 14, top, height: power },
        { left, right: 14, top: top + power + 12, height: lanes },
      ],
      xAxis: [
        { ...x, gridIndex: 0, name: '', axisLabel: { show: false } },
        { ...x, gridIndex: 1, axisLabel: { ...SMALL, hideOverlap: true, showMaxLabel: false } },
      ],
      yAxis: [
        { ...valueAxis({ min: 0, ...spec.y }, false, canvas), gridIndex: 0, boundaryGap: [0, '6%'] },
        laneAxis(spec),
      ],
      series: [...railSeries(spec), ...spec.kinds.map((kind, at) => spanSeries(spec, kind, at))],
    },
  };
}

function laneAxis({ lanes }: TimelineSpec): object {
  return {
    type: 'category',
    data: [...lanes],
    inverse: true,
    gridIndex: 1,
    axisLabel: { ...SMALL, interval: 0 },
    axisTick: { show: false },
    axisLine: { show: false },
    splitLine: { show: false },
  };
}

function railSeries({ rails }: TimelineSpec): object[] {
  return rails.map(({ name, points }, at) => ({
    type: 'line',
    name,
    symbol: 'none',
    step: 'middle',
    silent: true,
    xAxisIndex: 0,
    yAxisIndex: 0,
    data: points.map((point) => [...point]),
    lineStyle: { width: 1.3, color: colour(undefined, at) },
    itemStyle: { color: colour(undefined, at) },
    ...(rails.length === 1 ? { areaStyle: { color: colour(undefined, at), opacity: 0.1 } } : {}),
  }));
}

interface Custom {
  value: (of: number) => number;
  coord: (at: [number, number]) => [number, number];
}

function spanSeries({ spans }: TimelineSpec, kind: TimelineSpec['kinds'][number], at: number): object {
  return {
    type: 'custom',
    name: kind.name,
    silent: true,
    clip: true,
    xAxisIndex: 1,
    yAxisIndex: 1,
    itemStyle: { color: colour(kind.colour) },
    encode: { x: [0, 1], y: 2 },
    data: spans.filter((span) => span.kind === at).map(({ from, to, lane }) => [from, to, lane]),
    renderItem: (_: unknown, api: Custom) => {
      const [x, y] = api.coord([api.value(0), api.value(2)]);
      const [end] = api.coord([api.value(1), api.value(2)]);
      return {
        type: 'rect',
        shape: { x, y: y - (LANE_PX - 5) / 2, width: Math.max(0.8, end - x), height: LANE_PX - 5 },
        style: { fill: colour(kind.colour) },
      };
    },
  };
}
