/** Labels files row by row, in either form: what is asked is in memory, whatever the length of the file. */
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { EdgemuxError, isEdgemuxError, messageOf } from '../../../common/errors.js';
import type { LabelRow, LabelsHeader } from './header.js';
import { headerOfLine, rowOfLine } from './lines.js';
import { isWhole, parseHeader, PREFIX_BYTES, promisedHeader, rowOf, type Layout } from './record.js';

/** Bytes that are read at once. */
const BLOCK_BYTES = 4_000_000;

export interface LabelsReader {
  header: LabelsHeader;
  /** How many rows there are at most, where that can be known without reading them. */
  count: number | null;
  rows(): AsyncGenerator<LabelRow>;
}

/**
 * Opens a labels file; its form is known by its first bytes.
 *
 * @param flag to name in messages
 * @throws EdgemuxError CONFIG_INVALID; reading its rows throws it too, naming the row that is none
 */
export async function readLabels(path: string, flag = 'labels'): Promise<LabelsReader> {
  const binary = await binaryFile(path, flag);
  if (binary !== null) {
    const { layout, count } = binary;
    return { header: layout.header, count, rows: () => records(path, binary, flag) };
  }
  try {
    for await (const line of linesOf(path)) {
      const header = named(flag, path, 1, () => headerOfLine(line));
      return { header, count: null, rows: () => rowsOfLines(path, header, flag) };
    }
  } catch (cause) {
    if (isEdgemuxError(cause, 'CONFIG_INVALID')) throw cause;
    throw new EdgemuxError('CONFIG_INVALID', `--${flag}: cannot read ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
  throw new EdgemuxError('CONFIG_INVALID', `--${flag}: ${path} is empty`);
}

/** Lines of a text file, which is closed also where no more of them are wanted. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const input = createReadStream(path);
  try {
    yield* createInterface({ input, crlfDelay: Infinity });
  } finally {
    input.destroy();
  }
}

async function* rowsOfLines(path: string, header: LabelsHeader, flag: string): AsyncGenerator<LabelRow> {
  let number = 0;
  for await (const line of linesOf(path)) {
    number += 1;
    if (number > 1) yield named(flag, path, number, () => rowOfLine(header, line));
  }
}

function named<T>(flag: string, path: string, line: number, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const what = `--${flag}: line ${line} of ${path} is none of edgemux label: ${messageOf(cause).replace(/\s+/g, ' ')}`;
    throw new EdgemuxError('CONFIG_INVALID', what, { cause });
  }
}

export interface BinaryFile {
  layout: Layout;
  /** Where records begin. */
  from: number;
  /** Whole records that there is room for. */
  count: number;
  /** Bytes of a record at the end that is not all there. */
  loose: number;
}

/** What a file with binary records says of itself; null where it is of another form. @throws EdgemuxError CONFIG_INVALID */
export async function binaryFile(path: string, flag: string): Promise<BinaryFile | null> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, 'r');
    const prefix = Buffer.alloc(PREFIX_BYTES);
    const { bytesRead } = await file.read(prefix, 0, PREFIX_BYTES, 0);
    const length = promisedHeader(prefix.subarray(0, bytesRead));
    if (length === null) return null;
    const { size } = await file.stat();
    if (size < PREFIX_BYTES + length) throw new Error('its header is not all there: remove it');
    const text = Buffer.alloc(length);
    await file.read(text, 0, length, PREFIX_BYTES);
    const layout = parseHeader(text.toString('utf8'));
    const from = PREFIX_BYTES + length;
    const count = Math.floor((size - from) / layout.bytes);
    return { layout, from, count, loose: size - from - count * layout.bytes };
  } catch (cause) {
    const what = `--${flag}: cannot read ${path}: ${messageOf(cause).replace(/\s+/g, ' ')}`;
    throw new EdgemuxError('CONFIG_INVALID', what, { cause });
  } finally {
    await file?.close();
  }
}

/** Every record with its number; memory of one is used again for the next. */
export async function* rawRecords(
  path: string,
  { layout, from, count }: BinaryFile,
): AsyncGenerator<{ n: number; record: Buffer }> {
  const file = await open(path, 'r');
  const most = Math.max(1, Math.floor(BLOCK_BYTES / layout.bytes));
  const block = Buffer.alloc(most * layout.bytes);
  try {
    for (let n = 0; n < count; n += most) {
      const records = Math.min(most, count - n);
      await file.read(block, 0, records * layout.bytes, from + n * layout.bytes);
      for (let r = 0; r < records; r += 1) {
        yield { n: n + r, record: block.subarray(r * layout.bytes, (r + 1) * layout.bytes) };
      }
    }
  } finally {
    await file.close();
  }
}

async function* records(path: string, found: BinaryFile, flag: string): AsyncGenerator<LabelRow> {
  const damaged = (n: number): EdgemuxError =>
    new EdgemuxError(
      'CONFIG_INVALID',
      `--${flag}: row ${n + 1} of ${path} is not whole: the same edgemux label again goes on with it`,
    );
  for await (const { n, record } of rawRecords(path, found)) {
    if (!isWhole(found.layout, record)) throw damaged(n);
    yield rowOf(found.layout, record);
  }
  if (found.loose > 0) throw damaged(found.count);
}
