import {
  categoryAxis,
  colour,
  FONT,
  HALO,
  headOf,
  SMALL,
  textWidth,
  valueAxis,
  X_AXIS_PX,
  type Canvas,
  type Drawn,
} from './layout.js';
import type { Axis, ChartBase, Colour } from './spec.js';

/** Low end, middle and high end of a quantity by row, such as percentiles. */
export interface RangesSpec extends ChartBase {
  kind: 'ranges';
  x: Axis;
  rows: readonly { name: string; low: number; middle: number; high: number; colour?: Colour }[];
  digits: number;
}

const ROW_PX = 34;

/** A line from low to high and a dot in the middle, a row each. */
export function drawRanges(spec: RangesSpec, canvas: Canvas): Drawn {
  const head = headOf(spec, canvas);
  const names = spec.rows.map(({ name }) => name);
  const left = Math.min(canvas.width * 0.36, Math.max(...names.map((name) => textWidth(name))) + 12);
  const height = names.length * ROW_PX;
  return {
    height: head.height + height + X_AXIS_PX + 8,
    option: {
      ...head.option,
      grid: { left, right: 20, top: head.height + 8, height },
      xAxis: {
        ...valueAxis({ min: 0, ...spec.x }, true, canvas),
        splitLine: { show: true, lineStyle: { color: '#eef0f2' } },
      },
      yAxis: {
        ...categoryAxis('', names, false),
        inverse: true,
        axisLabel: { ...FONT, interval: 0, width: left - 10, overflow: 'break' },
      },
      series: [...spec.rows.map(spanOf), middles(spec)],
    },
  };
}

function spanOf({ low, high, colour: hue }: RangesSpec['rows'][number], row: number): object {
  return {
    type: 'line',
    symbol: 'none',
    silent: true,
    z: 2,
    data: [
      [low, row],
      [high, row],
    ],
    lineStyle: { width: 6, color: colour(hue ?? 'blue'), opacity: 0.35, cap: 'round' },
  };
}

function middles({ rows, digits }: RangesSpec): object {
  return {
    type: 'scatter',
    silent: true,
    symbolSize: 11,
    z: 4,
    data: rows.map(({ middle, colour: hue }, row) => ({
      value: [middle, row],
      itemStyle: { color: colour(hue ?? 'blue'), opacity: 1 },
    })),
    label: {
      ...SMALL,
      ...HALO,
      show: true,
      position: 'top',
      distance: 2,
      formatter: ({ dataIndex }: { dataIndex: number }) => rows[dataIndex]?.middle.toFixed(digits) ?? '',
    },
  };
}
