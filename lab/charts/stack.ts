import {
  categoryAxis,
  colour,
  FONT,
  headOf,
  legendOf,
  textWidth,
  valueAxis,
  X_AXIS_PX,
  type Room,
} from './layout.js';
import type { Drawn } from './draw.js';
import { type Colour, type StackSpec } from './spec.js';

const ROW_PX = 40;
/** Colours on which white text is read better than dark. */
const DARK: readonly Colour[] = ['blue', 'vermilion', 'green', 'purple', 'ochre', 'grey'];

/** Horizontal bars put together of parts: a part has its value where there is room, the bar its total at its end. */
export function drawStack(spec: StackSpec, room: Room): Drawn {
  const head = headOf(spec, room);
  const shown = spec.parts.filter(({ values }) => values.some((value) => (value ?? 0) > 0));
  const legend = legendOf(
    shown.map(({ name }) => name),
    head.height,
    room,
  );
  const totals = spec.rows.map((_, row) => shown.reduce((sum, { values }) => sum + (values[row] ?? 0), 0));
  const left = Math.min(room.width * 0.34, Math.max(...spec.rows.map((row) => textWidth(row))) + 10);
  const right = Math.max(...totals.map((total) => textWidth(total.toFixed(spec.digits)))) + 14;
  const top = head.height + legend.height + 4;
  const most = spec.x.max ?? Math.max(...totals, 1e-12);
  const pxPerUnit = (room.width - left - right) / most;
  return {
    height: top + spec.rows.length * ROW_PX + X_AXIS_PX,
    option: {
      ...head.option,
      legend: legend.option,
      grid: { left, right, top, bottom: X_AXIS_PX },
      xAxis: { ...valueAxis({ min: 0, ...spec.x }, true, room), splitLine: { show: false } },
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
