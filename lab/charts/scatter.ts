import { colour, FONT, headOf, isNarrow, legendOf, type Canvas, type Drawn } from './layout.js';
import type { ChartBase, Colour, Point } from './spec.js';

/** Points without axes, panel beside panel, the same groups in each. */
export interface ScatterSpec extends ChartBase {
  kind: 'clouds';
  groups: readonly { name: string; colour: Colour }[];
  panels: readonly { name: string; groups: readonly (readonly Point[])[] }[];
}

const NAME_PX = 24;
const GAP_PX = 18;

/** Panels of points side by side, or below each other where the canvas is narrow. */
export function drawScatter(spec: ScatterSpec, canvas: Canvas): Drawn {
  const head = headOf(spec, canvas);
  const names = spec.groups.map(({ name }) => name);
  const legend = legendOf(names, head.height, canvas);
  const top = head.height + legend.height + 4;
  const { panels, bottom } = arranged(spec, canvas, top);
  const { title } = head.option as { title?: object };
  return {
    height: bottom + 2,
    option: {
      ...head.option,
      title: [...(title ? [title] : []), ...panels.map(({ caption }) => caption)],
      legend: legend.option,
      grid: panels.map(({ grid }) => grid),
      xAxis: panels.map((_, gridIndex) => bare(gridIndex)),
      yAxis: panels.map((_, gridIndex) => bare(gridIndex)),
      series: spec.panels.flatMap((panel, at) =>
        spec.groups.map(({ name, colour: hue }, group) => ({
          type: 'scatter',
          name,
          xAxisIndex: at,
          yAxisIndex: at,
          silent: true,
          symbolSize: 4.4,
          z: 2 + group,
          itemStyle: { color: colour(hue, group), opacity: 0.72 },
          data: (panel.groups[group] ?? []).map((point) => [...point]),
        })),
      ),
    },
  };
}

/** Where each panel and its name stand. */
function arranged(
  { panels }: ScatterSpec,
  canvas: Canvas,
  top: number,
): { panels: { grid: object; caption: object }[]; bottom: number } {
  const across = isNarrow(canvas) ? 1 : Math.min(3, panels.length);
  const width = Math.floor((canvas.width - (across - 1) * GAP_PX) / across);
  const height = Math.min(width, isNarrow(canvas) ? 260 : 300);
  const placed = panels.map(({ name }, i) => {
    const left = (i % across) * (width + GAP_PX);
    const y = top + Math.floor(i / across) * (height + NAME_PX + GAP_PX);
    const frame = { show: true, borderColor: '#dfe3e7', backgroundColor: '#fbfcfd' };
    return {
      grid: { left: left + 1, top: y + NAME_PX, width: width - 2, height: height - 2, ...frame },
      caption: { text: name, left, top: y, padding: 0, textStyle: { ...FONT, fontWeight: 600 } },
    };
  });
  const rows = Math.ceil(panels.length / across);
  return { panels: placed, bottom: top + rows * (height + NAME_PX + GAP_PX) - GAP_PX };
}

/** The axes of t-SNE have no unit and no direction. */
function bare(gridIndex: number): object {
  return { type: 'value', gridIndex, show: false, scale: true, min: beyond(-1), max: beyond(1) };
}

/** The ends of the data and a little more, so that no point is cut by the frame. */
function beyond(side: -1 | 1): (ends: { min: number; max: number }) => number {
  return ({ min, max }) => (side < 0 ? min : max) + side * 0.04 * (max - min);
}
