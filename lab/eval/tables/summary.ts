/** What `edgemux eval` prints: the two tables and the policies that are cheapest. */
import type { EvalReport, PairReport } from '../schema.js';
import { columns } from '../../columns.js';
import { groupTable, pairTable } from './tables.js';

export function summaryOf({ zoo, images, models, pair, group, notes }: EvalReport): string {
  return [
    `${zoo.name} ${zoo.version}, ${images} test images; brackets are 95 % intervals`,
    ...(pair
      ? [
          aligned(pairTable(pair)),
          cheapest(pair, 'flops'),
          ...(pair.mux?.runMs ? [cheapest(pair, 'time')] : []),
        ]
      : []),
    ...(group ? [aligned(groupTable(models, group))] : []),
    ...(pair || group
      ? []
      : [models.map(({ id, accuracy }) => `${id} ${(accuracy.value * 100).toFixed(2)} %`).join('\n')]),
    ...(notes.length > 0 ? [notes.map((note) => `note: ${note}`).join('\n')] : []),
  ].join('\n\n');
}

/** The cheapest policy by wanted accuracy and cost of an upload, the mux priced one way or the other. */
function cheapest({ costs }: PairReport, priced: 'flops' | 'time'): string {
  const tables = costs.filter(({ muxFrom }) => muxFrom === priced);
  const mux = tables[0]?.mux;
  const price = typeof mux === 'number' ? ` (mux ${mux.toFixed(2)} × local, by ${priced})` : '';
  const uploads = [...new Set(tables.map(({ upload }) => upload))];
  const gaps = [...new Set(tables.map(({ gapShare }) => gapShare))];
  const cell = (gap: number, upload: number) => {
    const found = tables.find((table) => table.gapShare === gap && table.upload === upload);
    const row = found?.rows.find(({ policy }) => policy === found.cheapest);
    return row ? `${row.policy} ${row.cost.toFixed(2)}` : '–';
  };
  const head = [`cheapest policy${price}`, ...uploads.map((upload) => `upload ${upload} × local`)];
  const rows = gaps.map((gap) => [
    `${(gap * 100).toFixed(0)} % of the gap`,
    ...uploads.map((upload) => cell(gap, upload)),
  ]);
  return columns([head, ...rows], 'left');
}

/** A Markdown table as plain columns for a terminal. */
export function aligned(markdown: string): string {
  const rows = markdown
    .split('\n')
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));
  return columns(
    rows.filter((_, i) => i !== 1),
    'left',
  );
}
