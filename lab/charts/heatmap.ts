import {
  categoryAxis,
  FONT,
  headOf,
  INK,
  isNarrow,
  SMALL,
  textWidth,
  type Canvas,
  type Drawn,
} from './layout.js';
import type { Axis, ChartBase } from './spec.js';

/** Cells with their values: [row][column], rows from the top. */
export interface HeatmapSpec extends ChartBase {
  kind: 'heat';
  x: Axis;
  y: Axis;
  labels: readonly string[];
  cells: readonly (readonly number[])[];
  digits: number;
}

/** Cells in one hue, each with its value. */
export function drawHeatmap(spec: HeatmapSpec, canvas: Canvas): Drawn {
  const head = headOf(spec, canvas);
  const count = spec.labels.length;
  const widest = Math.max(...spec.labels.map((label) => textWidth(label, 12)));
  const tall = Math.ceil(widest * 0.72);
  const left = widest + 14;
  const top = head.height + tall + 38;
  const cell = Math.min(92, (canvas.width - left - 26) / count);
  const height = Math.ceil(cell * 0.8) * count;
  const label = { ...SMALL, color: INK, interval: 0 };
  return {
    height: top + height + 8,
    option: {
      ...head.option,
      grid: { left, top, width: cell * count, height },
      xAxis: {
        ...categoryAxis(`${spec.x.name} →`, spec.labels, true),
        position: 'top',
        nameGap: tall + 16,
        axisLabel: { ...label, rotate: 45 },
        axisLine: { show: false },
      },
      yAxis: {
        ...categoryAxis(`${spec.y.name} ↓`, spec.labels, false),
        inverse: true,
        nameLocation: 'start',
        nameGap: 10,
        nameTextStyle: { ...SMALL, align: 'right', padding: [0, 10, 0, 0] },
        axisLabel: label,
      },
      ...cellsOf(spec, isNarrow(canvas) ? 11 : 12.5),
    },
  };
}

function cellsOf({ cells, digits }: HeatmapSpec, fontSize: number): object {
  const most = Math.max(...cells.flat(), 1e-9);
  return {
    visualMap: {
      show: false,
      min: 0,
      max: most,
      inRange: { color: ['#f6f9fc', '#c3dbee', '#6fa8d3', '#1f6fae'] },
    },
    series: [
      {
        type: 'heatmap',
        silent: true,
        itemStyle: { borderColor: '#ffffff', borderWidth: 1.5 },
        data: cells.flatMap((row, at) => row.map((value, column) => cellOf(column, at, value, most))),
        label: {
          ...FONT,
          fontSize,
          show: true,
          formatter: ({ value }: { value: unknown }) => cellText(value, digits),
        },
      },
    ],
  };
}

/** The diagonal of a right-and-wrong matrix is empty by definition, and so is its text. */
function cellOf(column: number, row: number, value: number, most: number): object {
  return { value: [column, row, value], label: { color: value > 0.62 * most ? '#ffffff' : INK } };
}

/** @param value [column, row, value] of a cell */
function cellText(value: unknown, digits: number): string {
  if (!Array.isArray(value)) return '';
  const [column, row, shown] = value as unknown[];
  return column === row || typeof shown !== 'number' ? '–' : shown.toFixed(digits);
}
