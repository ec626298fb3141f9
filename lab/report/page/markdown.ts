/** The report as Markdown; its figures lie beside it as SVG files. */
import { table } from '../../eval/tables/tables.js';
import type { Block, Cell, Report, Table } from '../document.js';

/** Folder of the figures, beside report.md. */
export const FIGURES = 'figures';

export function markdownOf(report: Report): string {
  const parts = [
    `# ${report.title}`,
    report.subtitle,
    ...(report.simulated.length > 0
      ? [`**Simulated:**\n\n${report.simulated.map((what) => `- ${what}`).join('\n')}`]
      : []),
    table(
      ['', '', ''],
      report.headline.map(({ label, value, unit, note, simulated }) => [
        label,
        `**${value} ${unit}**`.replace(' **', '**'),
        cellOf({ text: `${note}${simulated ? ' (simulated)' : ''}` }),
      ]),
    ),
    ...report.sections.flatMap(({ title, lead, blocks }) => [
      `## ${title}`,
      ...(lead === '' ? [] : [lead]),
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
    `Made by edgemux ${report.edgemux}, ${report.createdAt}.`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function blockOf(block: Block): string {
  switch (block.kind) {
    case 'text':
      return block.text;
    case 'table':
      return tableOf(block);
    case 'figure':
      return `![${block.chart.title}](${FIGURES}/${block.id}.svg)\n\n${block.caption}`;
  }
}

function tableOf({ caption, columns, rows, notes }: Table): string {
  const head = columns.map(({ name, unit }) => (unit ? `${name} (${unit})` : name));
  return [
    `**${caption}**`,
    table(
      head,
      rows.map((row) => row.map(cellOf)),
    ),
    ...notes,
  ].join('\n\n');
}

function cellOf({ text, under }: Cell): string {
  return (under ? `${text} (${under})` : text).replaceAll('|', '\\|');
}
