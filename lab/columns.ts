/**
 * Plain text in columns, for a terminal: the first one to the left.
 *
 * @param others where the cells of the other columns stand; figures read best at the right
 */
export function columns(rows: readonly (readonly string[])[], others: 'left' | 'right' = 'right'): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const padded = (cell: string, at: number): string => {
    const width = widths[at] ?? 0;
    if (at === 0) return cell.padEnd(width);
    return others === 'right' ? cell.padStart(width + 2) : `  ${cell.padEnd(width)}`;
  };
  const lines = rows.map((row) => row.map(padded).join(''));
  return (others === 'left' ? lines.map((line) => line.trimEnd()) : lines).join('\n');
}
