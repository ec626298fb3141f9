/**
 * A text as a cell of a CSV file: quoted where it must be, and no formula where a spreadsheet opens it, which takes a cell
 * that begins with `=`, `+`, `-`, `@`, a tab or a line end for one.
 */
export function csvText(text: string): string {
  const plain = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
