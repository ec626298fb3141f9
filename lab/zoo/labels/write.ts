/**
 * Labels files to write to: new ones, or ones to go on with. Rows are appended, so a run that was stopped or killed goes on:
 * rows of the file are not computed again, and half a row at its end is cut off.
 */
import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { EdgemuxError, messageOf } from '../../../common/errors.js';
import { argmax } from '../../../mux/rules/probabilities.js';
import { sameOutputs, type ImageKey, type LabelRow, type LabelsHeader } from './header.js';
import { headerLine, headerOfLine, rowLine, rowOfLine } from './lines.js';
import { binaryFile, rawRecords } from './read.js';
import {
  headerBytes,
  imageOf,
  isWhole,
  layoutOf,
  nameBytesFor,
  recordOf,
  rowOf,
  type Layout,
} from './record.js';
import { wholeLines } from './whole-lines.js';

export type Form = 'records' | 'lines';

/** The form that a file's name asks for. @throws EdgemuxError CONFIG_INVALID for another ending */
export function formOf(path: string, flag = 'out'): Form {
  if (path.endsWith('.labels')) return 'records';
  if (path.endsWith('.jsonl')) return 'lines';
  throw new EdgemuxError(
    'CONFIG_INVALID',
    `--${flag} must be a file that ends in .labels or .jsonl (got ${path})`,
  );
}

/** How often each model is right. */
export class Tally {
  rows = 0;
  readonly right: number[];
  /** Rows that at least one has right. */
  any = 0;

  constructor(models: number) {
    this.right = new Array<number>(models).fill(0);
  }

  add(right: readonly boolean[]): void {
    this.rows += 1;
    right.forEach((one, m) => (this.right[m] = (this.right[m] ?? 0) + Number(one)));
    this.any += Number(right.includes(true));
  }
}

export interface OpenLabels {
  /** Names of the rows that are there already. */
  done: ReadonlySet<ImageKey>;
  tally: Tally;
  /** Rows that were cut off, as they are not whole. */
  cut: number;
  append(rows: readonly LabelRow[]): Promise<void>;
  close(): Promise<void>;
}

export interface WriteOptions {
  /** Probabilities that are kept of each network, the largest ones; null: all. Records only. */
  top: number | null;
  /** Bytes of the longest name. */
  longestName: number;
}

/**
 * Opens a new file, or one to go on with; its form is that of its name.
 *
 * @throws EdgemuxError CONFIG_INVALID where the file is of other models, labels or images, or cannot be written
 */
export async function openLabels(
  path: string,
  header: LabelsHeader,
  options: WriteOptions,
): Promise<OpenLabels> {
  const form = formOf(path);
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  const found: Found = { done: new Set(), tally: new Tally(header.models.length), cut: 0, bytes: 0 };
  const layout = form === 'records' ? await recordsOf(path, size, header, options, found) : null;
  if (form === 'lines' && size > 0) await linesOf(path, size, header, found);
  const first = layout ? headerBytes(layout) : headerLine(header);
  let handle: FileHandle;
  try {
    handle = await open(path, 'a');
    await handle.truncate(found.bytes);
    if (found.bytes === 0) await handle.appendFile(first);
  } catch (cause) {
    throw new EdgemuxError('CONFIG_INVALID', `--out: cannot write ${path}: ${messageOf(cause)}`, { cause });
  }
  const written = (rows: readonly LabelRow[]): string | Buffer =>
    layout
      ? Buffer.concat(rows.map((row) => recordOf(layout, row)))
      : rows.map((row) => rowLine(header, row)).join('');
  return {
    ...found,
    append: async (rows) => {
      rows.forEach(({ right }) => found.tally.add(right));
      if (rows.length > 0) await handle.appendFile(written(rows));
    },
    close: () => handle.close(),
  };
}

interface Found {
  done: Set<ImageKey>;
  tally: Tally;
  cut: number;
  /** Length of header and whole rows; 0 for no file. */
  bytes: number;
}

/** The layout of the file, or of a new one; what it holds goes into `found`. Rows count up to the first that is not whole. */
async function recordsOf(
  path: string,
  size: number,
  header: LabelsHeader,
  { top, longestName }: WriteOptions,
  found: Found,
): Promise<Layout> {
  const nameBytes = header.images === 'indices' ? 0 : nameBytesFor(longestName);
  const wanted = layoutOf(header, { nameBytes, top });
  if (await isBegun(path, size, headerBytes(wanted))) return wanted;
  const file = await binaryFile(path, 'out');
  if (!file || !sameOutputs(file.layout.header, header) || file.layout.form.top !== top) throw another(path);
  const { layout, from, count } = file;
  found.bytes = from;
  for await (const { record } of rawRecords(path, file)) {
    if (!isWhole(layout, record)) break;
    found.done.add(imageOf(layout, record));
    found.tally.add(rowOf(layout, record).right);
    found.bytes += layout.bytes;
  }
  found.cut = count - found.done.size + (file.loose > 0 ? 1 : 0);
  return layout;
}

async function linesOf(path: string, size: number, header: LabelsHeader, found: Found): Promise<void> {
  if (await isBegun(path, size, Buffer.from(headerLine(header)))) return;
  let number = 0;
  for await (const { line, end } of wholeLines(path)) {
    number += 1;
    if (number === 1 && !isHeader(line, header)) throw another(path);
    if (number > 1) {
      const row = rowIn(path, header, line, number);
      found.done.add(row.image);
      found.tally.add(row.right);
    }
    found.bytes = end;
  }
  found.cut = found.bytes < size ? 1 : 0;
}

/** True for a file that ends before its header does. @throws EdgemuxError CONFIG_INVALID for one that is somebody else's */
async function isBegun(path: string, size: number, header: Buffer): Promise<boolean> {
  if (size >= header.length) return false;
  if (size > 0 && !header.subarray(0, size).equals(await readFile(path))) throw another(path);
  return true;
}

function isHeader(line: string, header: LabelsHeader): boolean {
  try {
    return sameOutputs(headerOfLine(line), header);
  } catch {
    return false;
  }
}

function rowIn(path: string, header: LabelsHeader, line: string, number: number): LabelRow {
  try {
    return rowOfLine(header, line);
  } catch (cause) {
    const what = `--out: line ${number} of ${path} is no row of edgemux label: ${messageOf(cause).replace(/\s+/g, ' ')}`;
    throw new EdgemuxError('CONFIG_INVALID', what, { cause });
  }
}

function another(path: string): EdgemuxError {
  return new EdgemuxError(
    'CONFIG_INVALID',
    `--out: ${path} holds something else, or labels of other models, classes, images or --top. Name another file, or remove it`,
  );
}

/** One row of what was computed. */
export function labelRow(
  image: ImageKey,
  label: number,
  models: number,
  outputs: LabelRow['outputs'],
): LabelRow {
  const right = outputs.probabilities.slice(0, models).map((one) => argmax(one) === label);
  return { image, label, outputs, right };
}
