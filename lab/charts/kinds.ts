/** Every kind of chart by its name in the descriptions. A new kind is its file, and a line here. */
import { drawBars } from './bars.js';
import { drawHeatmap } from './heatmap.js';
import type { Canvas, Drawn } from './layout.js';
import { drawLines } from './lines.js';
import { drawRanges } from './ranges.js';
import { drawScatter } from './scatter.js';
import { drawStack } from './stack.js';
import { drawTimeline } from './timeline.js';

const KINDS = {
  lines: drawLines,
  bars: drawBars,
  stack: drawStack,
  ranges: drawRanges,
  heat: drawHeatmap,
  clouds: drawScatter,
  timeline: drawTimeline,
};

type Kinds = typeof KINDS;

/** What any chart shows. */
export type ChartSpec = Parameters<Kinds[keyof Kinds]>[0];

/** Compiles only where each kind stands under the name that its own description gives. */
const LAYOUTS: {
  [Kind in ChartSpec['kind']]: (spec: Extract<ChartSpec, { kind: Kind }>, canvas: Canvas) => Drawn;
} = KINDS;

export function laidOut(spec: ChartSpec, canvas: Canvas): Drawn {
  const layout = LAYOUTS[spec.kind] as (spec: ChartSpec, canvas: Canvas) => Drawn;
  return layout(spec, canvas);
}
