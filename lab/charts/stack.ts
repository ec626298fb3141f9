import {
  categoryAxis,
  colour,
  FONT,
  headOf,
  legendOf,
  textWidth,
  valueAxis,
  X_AXIS_PX,
  type Canvas,
  type Drawn,
} from './layout.js';
import type { Axis, ChartBase, Colour } from './spec.js';

/** One horizontal bar a row, put together of parts, with its total at the end. */
export interface StackSpec extends ChartBase {
  kind: 'stack';
  x: Axis;
  rows: readonly string[];
  /** A value for each row; null: not measured. */
  parts: readonly { name: string; values: readonly (number | null)[]; colour: Colour }[];
  digits: number;
}

const ROW_PX = 40;
/** Colours on which white text is read better than dark. */
const DARK: readonly Colour[] = ['blue', 'vermilion', 'green', 'purple', 'ochre', 'grey'];

/** Horizontal bars put together of parts: a part has its value where there is room, the bar its total at its end. */
export function drawStack(spec: StackSpec, canvas: Canvas): Drawn {
  const head = headOf(spec, canvas);
  const shown = spec.parts.filter(({ values }) => values.some((value) => (value ?? 0) > 0));
  const legend = legendOf(
    shown.map(({ name }) => name),
    head.height,
    canvas,
  );
  const totals = spec.rows.map((_, row) => shown.reduce((sum, { values }) => sum + (values[row] ?? 0), 0));
  const left = Math.min(canvas.width * 0.34, Math.max(...spec.rows.map((row) => textWidth(row))) + 10);
  const right = Math.max(...totals.map((total) => textWidth(total.toFixed(spec.digits)))) + 14;
  const top = head.height + legend.height + 4;
  const most = spec.x.max ?? Math.max(...totals, 1e-12);
  const pxPerUnit = (canvas.width - left - right) / most;
  return {
    height: top + spec.rows.length * ROW_PX + X_AXIS_PX,
    option: {
      ...head.option,
      legend: legend.option,
      grid: { left, right, top, bottom: X_AXIS_PX },
      xAxis: { ...valueAxis({ min: 0, ...spec.x }, true, canvas), splitLine: { show: false } },
      yAxis: {
        ...categoryAxis('', spec.rows, false),
        inverse: true,
        axisLabel: { ...FONT, interval: 0, width: left - 10, overflow: 'break' },
      },
      series: [
        ...shown.map((part) => partSeries(part, spec.digits, pxPerUnit)),
        totalSeries(totals, spec.digits),
      ],
    },
  };
}

function partSeries(
  { name, values, colour: hue }: StackSpec['parts'][number],
  digits: number,
  pxPerUnit: number,
): object {
  return {
    name,
    type: 'bar',
    stack: 'all',
    data: [...values],
    barWidth: 22,
    silent: true,
    itemStyle: { color: colour(hue), borderColor: '#ffffff', borderWidth: 0.7 },
    label: {
      ...FONT,
      fontSize: 11.5,
      show: true,
      position: 'inside',
      color: DARK.includes(hue) ? '#ffffff' : '#1f2429',
      formatter: ({ value }: { value: unknown }) => {
        if (typeof value !== 'number') return '';
        const text = value.toFixed(digits);
        return textWidth(text, 11.5) + 6 < value * pxPerUnit ? text : '';
      },
    },
  };
}

/** Nothing of its own: the text at the end of each bar. */
function totalSeries(totals: readonly number[], digits: number): object {
  return {
    type: 'bar',
    stack: 'all',
    silent: true,
    itemStyle: { color: 'transparent' },
    data: totals.map(() => 0),
    label: {
      ...FONT,
      show: true,
      position: 'right',
      fontWeight: 600,
      formatter: ({ dataIndex }: { dataIndex: number }) => (totals[dataIndex] ?? 0).toFixed(digits),
    },
  };
}
