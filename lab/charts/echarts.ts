/** ECharts: options in, SVG text out, drawn without a browser. */
import { BarChart, CustomChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts';
import {
  GraphicComponent,
  GridComponent,
  LegendComponent,
  TitleComponent,
  VisualMapComponent,
} from 'echarts/components';
import { init, use } from 'echarts/core';
import { LabelLayout } from 'echarts/features';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, CustomChart, HeatmapChart, LineChart, ScatterChart, LabelLayout, SVGRenderer]);
use([GraphicComponent, GridComponent, LegendComponent, TitleComponent, VisualMapComponent]);

export interface Picture {
  width: number;
  height: number;
  /** Of what the picture names inside itself: several pictures share a page. */
  idPrefix: string;
}

/** @returns an `<svg>` element without scripts, styles or references to anything outside */
export function renderSvg(option: object, { width, height, idPrefix }: Picture): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, ...option });
    return `${tidied(chart.renderToSVGString(), idPrefix)}\n`;
  } finally {
    chart.dispose();
  }
}

/** Less what only a pointer would need; ids that are the same in every run; a width that the page decides. */
function tidied(svg: string, idPrefix: string): string {
  return svg
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ (class|pointer-events|ecmeta_[a-z_]+)="[^"]*"/g, '')
    .replace(/(id="|url\(#)zr\d+-/g, `$1${idPrefix}-`)
    .replace(/ xmlns:xlink="[^"]*"| version="1\.1"| baseProfile="full"/g, '')
    .replace(/ (d|x|y|transform)="[^"]*"/g, (place) => place.replace(/(\.\d\d)\d+/g, '$1'))
    .replace(/\n/g, '');
}
