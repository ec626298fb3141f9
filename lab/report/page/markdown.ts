/** The report as Markdown; its figures lie beside it as SVG files. */
import { markdownText } from '../../eval/tables/escape.js';
import { table } from '../../eval/tables/tables.js';
import type { Block, Cell, Report, Table } from '../document.js';

/** Folder of the figures, beside report.md. */
export const FIGURES = 'figures';

export function markdownOf(report: Report): string {
  const parts = [
    `# ${markdownText(report.title)}`,
    markdownText(report.subtitle),
    ...(report.simulated.length > 0
      ? [`**Simulated:**\n\n${report.simulated.map((what) => `- ${markdownText(what)}`).join('\n')}`]
      : []),
    table(
      ['', '', ''],
      report.headline.map(({ label, value, unit, note, simulated }) => [
        markdownText(label),
        `**${markdownText(value)} ${markdownText(unit)}**`.replace(' **', '**'),
        cellOf({ text: `${note}${simulated ? ' (simulated)' : ''}` }),
      ]),
    ),
    ...report.sections.flatMap(({ title, lead, blocks }) => [
      `## ${markdownText(title)}`,
      ...(lead === '' ? [] : [markdownText(lead)]),
      ...blocks.map(blockOf),
    ]),
    ...(report.notMeasured.length > 0
      ? [
          '## What could not be measured, and why',
          table(
            ['what', 'why'],
            report.notMeasured.map(({ what, why }) => [what, why].map((each) => cellOf({ text: each }))),
          ),
        ]
      : []),
    '## Circumstances',
    table(
      ['', ''],
      report.facts.map(({ name, value }) => [name, value].map((each) => cellOf({ text: each }))),
    ),
    `Made by edgemux ${markdownText(report.edgemux)}, ${report.createdAt}.`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function blockOf(block: Block): string {
  switch (block.kind) {
    case 'text':
      return markdownText(block.text);
    case 'table':
      return tableOf(block);
    case 'figure':
      return `![${markdownText(block.chart.title)}](${FIGURES}/${block.id}.svg)\n\n${markdownText(block.caption)}`;
  }
}

function tableOf({ caption, columns, rows, notes }: Table): string {
  const head = columns.map(({ name, unit }) => markdownText(unit ? `${name} (${unit})` : name));
  return [
    `**${markdownText(caption)}**`,
    table(
      head,
      rows.map((row) => row.map(cellOf)),
    ),
    ...notes.map(markdownText),
  ].join('\n\n');
}

function cellOf({ text, under }: Cell): string {
  return markdownText(under ? `${text} (${under})` : text);
}
