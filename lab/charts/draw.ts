/** From the description of a chart to its SVG. */
import { drawBars } from './bars.js';
import { drawClouds } from './scatter.js';
import { renderSvg } from './echarts.js';
import { drawHeat } from './heatmap.js';
import { FONT, type Room } from './layout.js';
import { drawLines } from './lines.js';
import { drawRanges } from './ranges.js';
import type { ChartSpec } from './spec.js';
import { drawStack } from './stack.js';
import { drawTimeline } from './timeline.js';

/** A chart laid out: its ECharts option, and the height it needs in px. */
export interface Drawn {
  height: number;
  option: object;
}

/** A picture that stands alone: a file in a folder, an image in a Markdown page. */
export const ALONE: Room = { width: 880, titled: true };

/** @param idPrefix of the ids inside the picture, unique on a page */
export function drawChart(spec: ChartSpec, room: Room = ALONE, idPrefix = 'c'): string {
  const { height, option } = laidOut(spec, room);
  const base = { backgroundColor: '#ffffff', textStyle: FONT, legend: { show: false } };
  return renderSvg({ ...base, ...option }, { width: room.width, height: Math.ceil(height), idPrefix });
}

function laidOut(spec: ChartSpec, room: Room): Drawn {
  switch (spec.kind) {
    case 'lines':
      return drawLines(spec, room);
    case 'bars':
      return drawBars(spec, room);
    case 'stack':
      return drawStack(spec, room);
    case 'ranges':
      return drawRanges(spec, room);
    case 'heat':
      return drawHeat(spec, room);
    case 'clouds':
      return drawClouds(spec, room);
    case 'timeline':
      return drawTimeline(spec, room);
  }
}
