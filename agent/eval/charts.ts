/** The one door to ECharts: plain descriptions of charts in, SVG text out, drawn without a browser. */
import { BarChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent, VisualMapComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, HeatmapChart, LineChart, ScatterChart]);
use([GridComponent, LegendComponent, TitleComponent, VisualMapComponent, SVGRenderer]);

export interface Axis {
  /** With its unit. */
  name: string;
  min?: number;
  max?: number;
  log?: boolean;
}

export interface Series {
  name: string;
  /** [x, y]. */
  points: readonly (readonly [number, number])[];
  /** `baseline` is dashed; `marks` are points, not joined. */
  style: 'policy' | 'baseline' | 'marks';
  labels?: readonly string[];
  /** Of marks: the series whose colour each point takes. */
  like?: readonly string[];
}

export interface Bars {
  name: string;
  values: readonly (number | null)[];
}

const SIZE = { width: 880, height: 540 };
/** Told apart by colour-blind readers too (Okabe and Ito). */
const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#555555', '#8B4513'];
/** Dashes tell grey baselines apart. */
const DASHES = [
  [2, 3],
  [10, 4],
  [10, 4, 2, 4],
  [5, 3],
];
const FONT = { fontFamily: 'Helvetica, Arial, sans-serif', fontSize: 14, color: '#222222' };
const GRID = { left: 78, right: 40, top: 118, bottom: 66 };
const LEGEND = { top: 40, left: 'center', itemGap: 16, textStyle: FONT };

function draw(option: object): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...SIZE });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      color: COLOURS,
      textStyle: FONT,
      ...option,
    });
    return `${chart.renderToSVGString()}\n`;
  } finally {
    chart.dispose();
  }
}

function title(text: string): object {
  return { text, left: 'center', top: 10, textStyle: { ...FONT, fontSize: 17, fontWeight: 'bold' } };
}

function axis(kind: 'value' | 'category', { name, min, max, log }: Axis, across: boolean): object {
  return {
    type: log === true ? 'log' : kind,
    ...{ name, nameLocation: 'middle', nameGap: across ? 36 : 54, nameTextStyle: { ...FONT, fontSize: 15 } },
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    axisLabel: { ...FONT, ...(kind === 'value' ? { hideOverlap: true } : { interval: 0 }) },
    axisLine: { show: true, lineStyle: { color: '#555555' } },
    splitLine: { show: kind === 'value', lineStyle: { color: '#e4e4e4' } },
  };
}

/** Lines and marked points over two numeric axes. */
export function lineChart(name: string, x: Axis, y: Axis, series: readonly Series[]): string {
  const colours = series.map(({ style }, i) =>
    style === 'baseline' ? `hsl(0, 0%, ${[35, 50, 62, 72][i % 4] ?? 50}%)` : undefined,
  );
  return draw({
    ...{ title: title(name), legend: LEGEND, grid: GRID },
    xAxis: axis('value', x, true),
    yAxis: axis('value', y, false),
    series: series.map(({ name: label, points, style, labels, like }, i) => ({
      ...{ name: label, clip: true, z: style === 'marks' ? 5 : 2 },
      data: points.map((point, n) => ({ value: [...point], ...colourLike(series, like?.[n]) })),
      ...(style === 'marks' || points.length === 1
        ? {
            type: 'scatter',
            symbolSize: style === 'marks' ? 14 : 11,
            symbol: style === 'marks' ? 'diamond' : 'circle',
          }
        : { type: 'line', showSymbol: false }),
      lineStyle: {
        width: style === 'policy' ? 2.6 : 1.8,
        type: style === 'baseline' ? DASHES[i % 4] : 'solid',
      },
      ...(colours[i] === undefined ? {} : { itemStyle: { color: colours[i] } }),
      ...(labels || (style === 'baseline' && points.length === 1)
        ? { label: markLabel(labels ?? [label]) }
        : {}),
    })),
  });
}

/** A point in the colour of a line, edged so that it shows on it. */
function colourLike(series: readonly Series[], name: string | undefined): object {
  const at = series.findIndex((one) => one.name === name);
  if (at < 0) return {};
  return { itemStyle: { color: COLOURS[at % COLOURS.length], borderColor: '#111111', borderWidth: 1.2 } };
}

function markLabel(labels: readonly string[]): object {
  return {
    ...{
      show: true,
      position: 'right',
      fontSize: 12,
      color: '#222222',
      textBorderColor: '#ffffff',
      textBorderWidth: 3,
    },
    formatter: ({ dataIndex }: { dataIndex: number }) => labels[dataIndex] ?? '',
  };
}

/** Groups of bars; a null leaves a gap. */
export function barChart(
  name: string,
  x: Axis & { categories: readonly string[] },
  y: Axis,
  bars: readonly Bars[],
  digits: number,
): string {
  return draw({
    ...{ title: title(name), legend: bars.length > 1 ? LEGEND : { show: false }, grid: GRID },
    xAxis: { ...axis('category', x, true), data: [...x.categories] },
    yAxis: axis('value', y, false),
    series: bars.map(({ name: label, values }) => ({
      ...{ name: label, type: 'bar', data: [...values], barMaxWidth: 60 },
      label: {
        ...{ show: true, position: 'top', fontSize: bars.length > 3 ? 10 : 13, color: '#222222' },
        formatter: ({ value }: { value: unknown }) =>
          typeof value === 'number' ? value.toFixed(digits) : '',
      },
    })),
  });
}

/** Cells with their values: [row][column], rows from the top. */
export function heatMap(
  name: string,
  x: Axis,
  y: Axis,
  labels: readonly string[],
  cells: readonly (readonly number[])[],
  digits: number,
): string {
  const most = Math.max(...cells.flat(), 1e-9);
  const tilted = labels.length > 4 ? { axisLabel: { ...FONT, interval: 0, rotate: 25 }, nameGap: 62 } : {};
  return draw({
    ...{ title: title(name), grid: { ...GRID, top: 56, bottom: 92, left: 150, right: 110 } },
    xAxis: { ...axis('category', x, true), ...tilted, data: [...labels] },
    yAxis: { ...axis('category', { ...y }, false), nameGap: 120, data: [...labels], inverse: true },
    visualMap: {
      ...{
        min: 0,
        max: most,
        calculable: false,
        orient: 'vertical',
        right: 14,
        top: 'middle',
        precision: digits,
      },
      ...{ inRange: { color: ['#f7fbff', '#9ecae1', '#3182bd'] }, textStyle: FONT },
      text: [most.toFixed(digits), '0'],
    },
    series: [
      {
        type: 'heatmap',
        data: cells.flatMap((row, at) => row.map((value, column) => [column, at, value])),
        label: {
          ...{ show: true, fontSize: 13, color: '#111111', textBorderColor: '#ffffff', textBorderWidth: 2 },
          formatter: ({ value }: { value: unknown }) => cellText(value, digits),
        },
      },
    ],
  });
}

/** @param value [column, row, value] of a cell */
function cellText(value: unknown, digits: number): string {
  const shown: unknown = Array.isArray(value) ? value[2] : undefined;
  return typeof shown === 'number' ? shown.toFixed(digits) : '';
}
