/** From the description of a chart to its SVG. */
import { renderSvg } from './echarts.js';
import { laidOut, type ChartSpec } from './kinds.js';
import { FONT, type Canvas } from './layout.js';

/** A picture that stands alone: a file in a folder, an image in a Markdown page. */
export const ALONE: Canvas = { width: 880, titled: true };

/** @param idPrefix of the ids inside the picture, unique on a page */
export function drawChart(spec: ChartSpec, canvas: Canvas = ALONE, idPrefix = 'c'): string {
  const { height, option } = laidOut(spec, canvas);
  const base = { backgroundColor: '#ffffff', textStyle: FONT, legend: { show: false } };
  return renderSvg({ ...base, ...option }, { width: canvas.width, height: Math.ceil(height), idPrefix });
}
