/** What `edgemux power` prints. Pure. */
import { csvText } from '../../common/csv.js';
import type { RailState } from '../meter.js';

const CSV_COLUMNS = [
  'time_s',
  'rail',
  'power_W',
  'power_min_W',
  'power_max_W',
  'voltage_V',
  'current_A',
  'energy_J',
  'rate_Hz',
  'samples',
  'gaps',
  'clipped',
  'simulated',
] as const;

/** Lines of a spreadsheet end with CR LF (RFC 4180). */
const CSV_END = '\r\n';

export function csvHeader(): string {
  return CSV_COLUMNS.join(',') + CSV_END;
}

export function csvRows(timeS: number, rails: readonly RailState[]): string {
  return rails
    .map((rail) =>
      [
        timeS.toFixed(3),
        csvText(rail.name),
        cell(rail.powerW?.mean),
        cell(rail.powerW?.min),
        cell(rail.powerW?.max),
        cell(rail.voltageV),
        cell(rail.currentA),
        cell(rail.energyJ),
        rail.rateHz.toFixed(1),
        rail.samples,
        rail.gaps,
        rail.clipped,
        rail.simulated,
      ].join(','),
    )
    .map((row) => row + CSV_END)
    .join('');
}

export function jsonLine(timeS: number, rails: readonly RailState[]): string {
  return `${JSON.stringify({ timeS: Number(timeS.toFixed(3)), rails })}\n`;
}

const HEADINGS = ['rail', 'W', 'min', 'max', 'V', 'A', 'J', 'Hz', 'gaps', ''];

/** One line a rail; the last column says what is odd about it. */
export function table(rails: readonly RailState[]): string {
  const rows = [HEADINGS, ...rails.map(row)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map((cells) =>
    cells
      .map((text, column) => {
        const width = widths[column] ?? 0;
        return column === 0 || column === HEADINGS.length - 1 ? text.padEnd(width) : text.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function row(rail: RailState): string[] {
  const notes = [
    rail.simulated ? 'simulated' : '',
    rail.clipped > 0 ? 'clipped: the true power is higher' : '',
    rail.within === null ? '' : `in ${rail.within}`,
    rail.problem ?? '',
  ];
  return [
    rail.name,
    ...[rail.powerW?.mean, rail.powerW?.min, rail.powerW?.max].map((value) => digits(value, 3)),
    digits(rail.voltageV, 3),
    digits(rail.currentA, 4),
    digits(rail.energyJ, 3),
    digits(rail.rateHz, 0),
    String(rail.gaps),
    notes.filter((note) => note !== '').join('; '),
  ];
}

function digits(value: number | null | undefined, count: number): string {
  return value === null || value === undefined ? '-' : value.toFixed(count);
}

function cell(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : value.toFixed(6);
}
