/** Rows of SQLite to and from our types: JSON columns and 0/1 columns by name. Pure. */
const JSON_COLUMNS = new Set(['drops', 'models', 'stagesJ', 'railsJ']);
const FLAG_COLUMNS = new Set(['simulated', 'counted', 'correct', 'energySimulated']);

export type Cell = string | number | null;

/** A row as SQLite takes it. */
export function toCells(row: object): Record<string, Cell> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, toCell(column, value)]));
}

function toCell(column: string, value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (JSON_COLUMNS.has(column)) return JSON.stringify(value);
  return typeof value === 'boolean' ? Number(value) : (value as Cell);
}

/** A row as SQLite gave it. */
export function fromCells<T>(row: unknown): T {
  const entries = Object.entries(row as Record<string, Cell>);
  return Object.fromEntries(entries.map(([column, cell]) => [column, fromCell(column, cell)])) as T;
}

function fromCell(column: string, cell: Cell): unknown {
  if (cell === null) return null;
  if (JSON_COLUMNS.has(column)) return JSON.parse(String(cell));
  return FLAG_COLUMNS.has(column) ? cell === 1 : cell;
}

/** `INSERT` of named columns. */
export function insertInto(table: string, columns: readonly string[], or = ''): string {
  return `INSERT ${or} INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})`;
}
