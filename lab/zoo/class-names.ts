/** The names of the classes, from whatever file somebody has them in. */
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { z } from 'zod';
import { EdgemuxError, messageOf } from '../../common/errors.js';

export interface ClassNames {
  /** By class index. */
  labels: string[];
  /** By class index, the WordNet ids (`n01440764`) that stood beside the names; null where none did. */
  ids: string[] | null;
}

const WORDNET = /^n\d{8}$/;
const FORMS =
  'one class name a line, class 0 first; or JSON (id2label or a list), or CSV with a column of names';

/**
 * Reads class names: text (`tench`, `n01440764 tench`, `0: tench`), JSON (a list, or Hugging Face's `id2label`) or CSV;
 * UTF-8 or UTF-16.
 *
 * @param flag stands in messages
 * @throws EdgemuxError CONFIG_INVALID naming the file and the line
 */
export async function readClassNames(file: string, flag = 'labels'): Promise<ClassNames> {
  const refuse = (problem: string, cause?: unknown): EdgemuxError =>
    new EdgemuxError('CONFIG_INVALID', `--${flag}: ${file} ${problem}`, { cause });
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw refuse(`cannot be read: ${messageOf(cause)}`, cause);
  }
  const text = textOf(bytes);
  if (text === null) throw refuse('is neither UTF-8 nor UTF-16: save it as UTF-8');
  const extension = extname(file).toLowerCase();
  const found = rowsOf(text, extension);
  if (typeof found === 'string') throw refuse(found);
  const empty = found.findIndex(({ name }) => name === '');
  if (empty >= 0) throw refuse(`has no name in line ${empty + 1}; ${FORMS}`);
  if (found.length < 2) throw refuse(`has ${found.length} line(s); ${FORMS}`);
  const ids = found.flatMap(({ id }) => (id === null ? [] : [id]));
  return { labels: found.map(({ name }) => name), ids: ids.length === found.length ? ids : null };
}

/** Text in UTF-8 or UTF-16, with or without its mark; null for bytes that are neither. */
function textOf(bytes: Buffer): string | null {
  const odd = bytes.filter((byte, i) => i % 2 === 1 && byte === 0).length;
  const even = bytes.filter((byte, i) => i % 2 === 0 && byte === 0).length;
  const half = bytes.length / 2;
  const mark = bytes.subarray(0, 2).toString('hex');
  const little = mark === 'fffe' || odd > half / 2;
  const big = mark === 'feff' || even > half / 2;
  const encoding = little ? 'utf-16le' : big ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes); // takes the mark off
  } catch {
    return null;
  }
}

interface Named {
  name: string;
  id: string | null;
}

/** A row a class, in class order; or what is wrong. */
function rowsOf(text: string, extension: string): Named[] | string {
  if (extension === '.json' || /^\s*[[{]\s*["[{]/.test(text)) return fromJson(text);
  const lines = text.trimEnd().split(/\r?\n/);
  if (extension === '.csv' || extension === '.tsv')
    return fromColumns(lines, extension === '.tsv' ? '\t' : null);
  return fromLines(lines.map((line) => line.trim()));
}

const named = z.union([z.string(), z.array(z.string()).min(1)]);
const jsonSchema = z.union([z.array(z.string()), z.record(z.string(), z.unknown())]);

/** A list of names; `{"id2label": {"0": "tench"}}`; `{"0": "tench"}`; `{"0": ["n01440764", "tench"]}`; `{"tench": 0}`. */
function fromJson(text: string): Named[] | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return `is no JSON: ${messageOf(cause)}`;
  }
  const parsed = jsonSchema.safeParse(json);
  if (!parsed.success) return `has neither a list nor id2label; ${FORMS}`;
  if (Array.isArray(parsed.data)) return parsed.data.map((line) => split(line.trim()));
  const { id2label, label2id } = parsed.data;
  const inner = z.record(z.string(), z.unknown()).safeParse(id2label ?? label2id ?? parsed.data);
  if (!inner.success) return `has an id2label that is no object; ${FORMS}`;
  return inOrder(
    Object.entries(inner.data).map(([key, value]) => {
      if (typeof value === 'number') return [value, split(key.trim())];
      const texts = named.safeParse(value);
      if (!texts.success) return [NaN, split(key)];
      return [/^\d+$/.test(key) ? Number(key) : NaN, [texts.data].flat().map(split).reduce(joined)];
    }),
  );
}

/** Two columns of one class. */
function joined(one: Named, other: Named): Named {
  return { id: one.id ?? other.id, name: one.name === one.id ? other.name : one.name };
}

/** Rows with the class index that stood beside each. */
function inOrder(rows: [number, Named][]): Named[] | string {
  const byIndex = new Map(rows);
  const found = rows.flatMap((_, index) => byIndex.get(index) ?? []);
  return found.length === rows.length
    ? found
    : `does not number its classes 0 to ${rows.length - 1}; ${FORMS}`;
}

/** `tench`, `n01440764 tench`, and either with its index in front (`0: tench`). */
function fromLines(lines: string[]): Named[] {
  const numbered = lines.map((line, i) => {
    const [, index = '', rest = ''] = /^\{?\s*(\d+)\s*[:,\s]\s*(.+)$/.exec(line) ?? [];
    return Number(index) === i && index !== '' ? rest.replace(/^(['"])(.*)\1\s*[,}]?\s*\}?$/, '$2') : null;
  });
  const bare = numbered.every((rest) => rest !== null) ? numbered : lines;
  return bare.map((line) => split(line ?? ''));
}

/** A WordNet id in front of the name, where there is one. */
function split(line: string): Named {
  const [first = '', ...rest] = line.split(/[\s:]+/);
  if (!WORDNET.test(first)) return { name: line, id: null };
  const name = line.slice(first.length).replace(/^[\s:]+/, '');
  return { id: first, name: rest.length === 0 || name === '' ? first : name };
}

const INDEX = /^(index|idx|id|class_?id|class_?index|class_?idx|label_?id|target)$/i;
const NAME = /^(label|labels|name|class|class_?name|label_?name|category|display_?name|words)$/i;

function fromColumns(lines: string[], separator: string | null): Named[] | string {
  const count = (sign: string): number => (lines[0] ?? '').split(sign).length;
  const at = separator ?? (count(';') > count(',') ? ';' : ',');
  const table = lines.map((line) => cells(line, at));
  const [first = []] = table;
  const header = first.some((cell) => INDEX.test(cell) || NAME.test(cell));
  const head = header ? first : [];
  const rows = header ? table.slice(1) : table;
  const columns = Math.max(0, ...rows.map(({ length }) => length));
  const every = (column: number, form: RegExp) => rows.every((row) => form.test(row[column] ?? ''));
  const all = Array.from({ length: columns }, (_, column) => column);
  const numbers = all.filter((column) => every(column, /^\d+$/));
  const ids = all.find((column) => every(column, WORDNET));
  const names = all.filter((column) => !numbers.includes(column) && column !== ids);
  const name = names.find((column) => NAME.test(head[column] ?? '')) ?? names[0] ?? ids;
  if (name === undefined) return `has no column of names; ${FORMS}`;
  const read = rows.map((row): Named => {
    const cell = split(row[name] ?? '');
    return ids === undefined ? cell : { name: cell.name, id: row[ids] ?? null };
  });
  const [index] = numbers;
  return index === undefined ? read : inOrder(read.map((one, i) => [Number(rows[i]?.[index]), one]));
}

/** Cells of a line of CSV; between quotes a separator and doubled quotes are part of the cell. */
function cells(line: string, separator: string): string[] {
  const found: string[] = [''];
  let quoted = false;
  for (const sign of line) {
    if (sign === '"') quoted = !quoted;
    if (sign === separator && !quoted) found.push('');
    else found.push(`${found.pop() ?? ''}${sign}`);
  }
  return found.map((cell) =>
    cell
      .trim()
      .replace(/^"([^]*)"$/, '$1')
      .replaceAll('""', '"'),
  );
}
