import {
  categoryAxis,
  colour,
  FONT,
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
import type { Axis, ChartBase, Colour } from './spec.js';

/** Groups of bars; a null leaves a gap. `stacked` puts the series on each other. */
export interface BarsSpec extends ChartBase {
  kind: 'bars';
  x: Axis & { categories: readonly string[] };
  y: Axis;
  bars: readonly { name: string; values: readonly (number | null)[]; colour?: Colour }[];
  digits: number;
  stacked?: boolean;
}

/** Upright bars, beside or on each other. */
export function drawBars(spec: BarsSpec, canvas: Canvas): Drawn {
  const head = headOf(spec, canvas);
  const legend =
    spec.bars.length > 1
      ? legendOf(
          spec.bars.map(({ name }) => name),
          head.height,
          canvas,
        )
      : null;
  const top = head.height + (legend?.height ?? 0);
  const { categories } = spec.x;
  const each = (canvas.width - 60) / categories.length;
  const widest = Math.max(...categories.map((text) => textWidth(text, 12)));
  // Names side by side, or every n-th of them where they would touch and are a scale.
  const thin = spec.stacked === true && widest + 14 > each ? Math.ceil((widest + 24) / each) : 1;
  const tilt = thin === 1 && widest + 6 > each;
  const bottom = X_AXIS_PX + (tilt ? Math.ceil(widest * 0.64) : 0);
  const xAxis = categoryAxis(spec.x.name, categories, true);
  return {
    height: top + (isNarrow(canvas) ? 250 : 320) + bottom - X_AXIS_PX,
    option: {
      ...head.option,
      ...(legend ? { legend: legend.option } : {}),
      grid: { left: 46, right: 14, top: top + Y_NAME_PX, bottom },
      xAxis: {
        ...xAxis,
        nameGap: tilt ? 24 + Math.ceil(widest * 0.64) : 30,
        axisLabel: { ...SMALL, interval: thin - 1, rotate: tilt ? 40 : 0 },
      },
      yAxis: valueAxis(spec.y, false, canvas),
      series: spec.bars.map((bar, i) => series(spec, bar, i, each / spec.bars.length)),
    },
  };
}

function series(
  { stacked, digits }: BarsSpec,
  bar: BarsSpec['bars'][number],
  at: number,
  widthPx: number,
): object {
  const longest = Math.max(...bar.values.map((value) => textWidth((value ?? 0).toFixed(digits), 12)));
  return {
    name: bar.name,
    type: 'bar',
    data: [...bar.values],
    silent: true,
    itemStyle: { color: colour(bar.colour, at) },
    ...(stacked === true ? { stack: 'all', barCategoryGap: '8%' } : { barMaxWidth: 56, barGap: '8%' }),
    label: {
      ...FONT,
      fontSize: 12,
      show: stacked !== true && longest < widthPx * 1.1,
      position: 'top',
      distance: 3,
      formatter: ({ value }: { value: unknown }) => (typeof value === 'number' ? value.toFixed(digits) : ''),
    },
  };
}
