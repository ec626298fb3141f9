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
  return `${JSON.stringify({ timeS: Number(timeS.toFixed(3)), rails, total: totalOf(rails) })}\n`;
}

/** Power and energy of the whole device. */
interface Total {
  /** Names of the rails that are added up. */
  rails: string[];
  /** Over the last second; null while one of them gives none. */
  powerW: number | null;
  energyJ: number;
}

/** The sum of the rails that count; null where none does, since nobody knows which of them contain which. */
function totalOf(rails: readonly RailState[]): Total | null {
  const counted = rails.filter((rail) => rail.counted);
  if (counted.length === 0) return null;
  const watts = counted.map((rail) => rail.powerW?.mean ?? null);
  const sum = (values: readonly (number | null)[]): number =>
    values.reduce<number>((all, one) => all + (one ?? 0), 0);
  return {
    rails: counted.map(({ name }) => name),
    powerW: watts.includes(null) ? null : sum(watts),
    energyJ: sum(counted.map(({ energyJ }) => energyJ)),
  };
}

const HEADINGS = ['rail', 'W', 'min', 'max', 'V', 'A', 'J', 'Hz', 'gaps', ''];

/** One line a rail and, of several, one of the whole; the last column says what is odd about it. */
export function table(rails: readonly RailState[]): string {
  const rows = [HEADINGS, ...rails.map(row), ...(rails.length > 1 ? [totalRow(rails)] : [])];
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

function totalRow(rails: readonly RailState[]): string[] {
  const total = totalOf(rails);
  const how = total === null ? 'not known: name the rails to add up in power.sum' : total.rails.join(' + ');
  const numbers = [digits(total?.powerW, 3), '', '', '', '', digits(total?.energyJ, 3), '', ''];
  return ['total', ...numbers, how];
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
