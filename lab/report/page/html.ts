/** The report as one HTML file: no script, no font, no image and no style from anywhere else. */
import { drawChart } from '../../charts/draw.js';
import type { Block, Fact, Figure, Headline, NotMeasured, Report, Section, Table } from '../document.js';
import { STYLE } from './style.js';

/** Widths in px that pictures are drawn for. The page shows the one that fits. */
const WIDTHS = { full: 940, half: 456, phone: 350 };

export function htmlOf(report: Report): string {
  const { title, subtitle, kind, createdAt, sections } = report;
  const links = [...sections, ...(report.notMeasured.length > 0 ? [MISSING] : []), FACTS];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="edgemux ${escaped(report.edgemux)}">
<meta name="color-scheme" content="light">
<link rel="icon" href="data:,">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="kind">edgemux · ${kind === 'campaign' ? 'measurement campaign' : 'from the journal'}</p>
<h1>${escaped(title)}</h1>
<p class="subtitle">${escaped(subtitle)}</p>
${simulationNote(report)}
<nav>${links.map(({ id, title: name }) => `<a href="#${escaped(id)}">${escaped(name)}</a>`).join('')}</nav>
</header>
<main>
${headlineOf(report.headline)}
${sections.map(sectionOf).join('\n')}
${missingOf(report.notMeasured)}
${factsOf(report.facts)}
</main>
<footer>Made by edgemux ${escaped(report.edgemux)}, ${escaped(createdAt)}</footer>
</body>
</html>
`;
}

const MISSING = { id: 'not-measured', title: 'Not measured' };
const FACTS = { id: 'circumstances', title: 'Circumstances' };

function simulationNote({ simulated }: Report): string {
  if (simulated.length === 0) return '';
  const list = simulated.map((what) => `<li>${escaped(what)}</li>`).join('');
  return `<div class="simulated"><strong>Simulated</strong><ul>${list}</ul></div>`;
}

function headlineOf(headline: readonly Headline[]): string {
  const tiles = headline.map(
    ({ label, value, unit, note, simulated }) =>
      `<div class="tile"><p class="label">${escaped(label)}</p><p class="value">${escaped(value)}` +
      `<span class="unit">${escaped(unit)}</span></p><p class="note">${escaped(note)}` +
      `${simulated ? ' <span class="tag">simulated</span>' : ''}</p></div>`,
  );
  return tiles.length === 0 ? '' : `<div class="tiles">${tiles.join('')}</div>`;
}

function sectionOf({ id, title, lead, blocks }: Section): string {
  const body = paired(blocks).map((group) =>
    group.length > 1
      ? `<div class="pair">${group.map(blockOf).join('\n')}</div>`
      : group.map(blockOf).join(''),
  );
  return `<section id="${escaped(id)}"><h2>${escaped(title)}</h2>
${lead === '' ? '' : `<p class="lead">${escaped(lead)}</p>`}
${body.join('\n')}</section>`;
}

/** Half figures that follow each other, two by two. */
function paired(blocks: readonly Block[]): Block[][] {
  const groups: Block[][] = [];
  for (const block of blocks) {
    const last = groups.at(-1);
    const open = last?.length === 1 && isHalf(last[0]) && isHalf(block);
    if (open) last.push(block);
    else groups.push([block]);
  }
  return groups;
}

function isHalf(block: Block | undefined): boolean {
  return block?.kind === 'figure' && block.width === 'half';
}

function blockOf(block: Block): string {
  switch (block.kind) {
    case 'text':
      return `<p>${escaped(block.text)}</p>`;
    case 'table':
      return tableOf(block);
    case 'figure':
      return figureOf(block);
  }
}

function tableOf({ id, caption, columns, rows, notes }: Table): string {
  const className = (at: number): string => (columns[at]?.align === 'number' ? ' class="number"' : '');
  const head = columns.map(
    ({ name, unit }, at) =>
      `<th scope="col"${className(at)}>${escaped(name)}${unit ? `<small>${escaped(unit)}</small>` : ''}</th>`,
  );
  const body = rows.map((row) => {
    const cells = row.map(({ text, under }, at) => {
      const inside = `${escaped(text)}${under ? `<small>${escaped(under)}</small>` : ''}`;
      return at === 0
        ? `<th scope="row"${className(at)}>${inside}</th>`
        : `<td${className(at)}>${inside}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="table" id="${escaped(id)}"><h3>${escaped(caption)}</h3>
<div class="scroll" tabindex="0" role="region" aria-label="${escaped(caption)}"><table>
<thead><tr>${head.join('')}</tr></thead>
<tbody>${body.join('\n')}</tbody></table></div>
${notes.map((note) => `<p class="note">${escaped(note)}</p>`).join('')}</div>`;
}

function figureOf({ id, chart, caption, width }: Figure): string {
  const picture = (px: number, name: string): string => {
    const svg = drawChart(chart, { width: px, titled: false }, `${id}-${name}`);
    const label = `role="img" aria-label="${escaped(`${chart.title}. ${caption}`)}"`;
    return svg.trim().replace('<svg ', `<svg class="${name}" ${label} `);
  };
  return `<figure id="${escaped(id)}" class="${width}"><h3>${escaped(chart.title)}</h3>
${picture(WIDTHS[width], 'wide')}
${picture(WIDTHS.phone, 'phone')}
<figcaption>${escaped(caption)}</figcaption></figure>`;
}

function missingOf(missing: readonly NotMeasured[]): string {
  if (missing.length === 0) return '';
  const rows = missing.map(({ what, why }) => `<dt>${escaped(what)}</dt><dd>${escaped(why)}</dd>`);
  return `<section id="${MISSING.id}"><h2>What could not be measured, and why</h2><dl>${rows.join('')}</dl></section>`;
}

function factsOf(facts: readonly Fact[]): string {
  const rows = facts.map(({ name, value }) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`);
  return `<section id="${FACTS.id}"><h2>${FACTS.title}</h2><dl>${rows.join('')}</dl></section>`;
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for an element or an attribute in quotation marks. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
