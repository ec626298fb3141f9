import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawChart } from '../charts/draw.js';
import { allFigures, type Report } from './document.js';
import type { ReportFormat } from './options.js';
import { htmlOf } from './page/html.js';
import { FIGURES, markdownOf } from './page/markdown.js';

/** Writes a report into a folder. @returns paths of what was written, below that folder */
export async function writeReport(
  report: Report,
  outDir: string,
  formats: readonly ReportFormat[],
): Promise<string[]> {
  const files: Record<string, string> = {};
  if (formats.includes('html')) files['report.html'] = htmlOf(report);
  if (formats.includes('json')) files['report.json'] = `${JSON.stringify(report, null, 1)}\n`;
  if (formats.includes('md')) {
    files['report.md'] = markdownOf(report);
    for (const { id, chart } of allFigures(report)) files[join(FIGURES, `${id}.svg`)] = drawChart(chart);
    await mkdir(join(outDir, FIGURES), { recursive: true });
  }
  await mkdir(outDir, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(outDir, name), content);
  return Object.keys(files);
}
