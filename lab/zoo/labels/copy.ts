/** `edgemux label merge` and `edgemux label convert`: rows of labels files into another one. */
import { stat } from 'node:fs/promises';
import { EdgemuxError } from '../../../common/errors.js';
import { EXIT } from '../../../common/exit.js';
import type { CopyOptions } from '../label-options.js';
import { sameOutputs, type ImageKey, type LabelRow } from './header.js';
import { readLabels, type LabelsReader } from './read.js';
import { openLabels } from './write.js';

/** Rows that are written at once. */
const ROWS = 256;

/**
 * Copies the rows of all files, one of each in turn: parts of `--shard` come into the order of the whole.
 *
 * @throws EdgemuxError CONFIG_INVALID where files do not fit each other, an image is in two of them, or the new file exists
 */
export async function runLabelCopy(
  { inFiles, outFile, top }: CopyOptions,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  if (await stat(outFile).catch(() => null)) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--out: ${outFile} is there already: name another file, or remove it`,
    );
  }
  const readers = await Promise.all(inFiles.map((file) => readLabels(file, 'in')));
  const header = await commonHeader(inFiles, readers);
  const longestName = await longest(readers);
  const file = await openLabels(outFile, header, { top, longestName });
  try {
    const seen = new Map<ImageKey, string>();
    let rows: LabelRow[] = [];
    for await (const { row, from } of inTurns(readers)) {
      assertNew(seen, row.image, inFiles[from] ?? '');
      rows.push(row);
      if (rows.length < ROWS) continue;
      await file.append(rows);
      rows = [];
    }
    await file.append(rows);
    write(`${file.tally.rows} rows of ${inFiles.length} file(s) in ${outFile}\n`);
  } finally {
    await file.close();
  }
  return EXIT.ok;
}

async function commonHeader(
  files: readonly string[],
  readers: readonly LabelsReader[],
): Promise<LabelsReader['header']> {
  const [first] = readers;
  if (!first) throw new RangeError('no file');
  const other = readers.findIndex(({ header }) => !sameOutputs(header, first.header));
  if (other < 0) return first.header;
  throw new EdgemuxError(
    'CONFIG_INVALID',
    `--in: ${files[other]} is of other models, classes or images than ${files[0]}: they cannot be one file`,
  );
}

/** Bytes of the longest name of all rows. */
async function longest(readers: readonly LabelsReader[]): Promise<number> {
  let most = 0;
  for (const reader of readers) {
    if (reader.header.images === 'indices') continue;
    for await (const { image } of reader.rows()) most = Math.max(most, Buffer.byteLength(String(image)));
  }
  return most;
}

async function* inTurns(readers: readonly LabelsReader[]): AsyncGenerator<{ row: LabelRow; from: number }> {
  let open = readers.map((reader, from) => ({ rows: reader.rows(), from }));
  while (open.length > 0) {
    const ended = new Set<number>();
    for (const { rows, from } of open) {
      const next = await rows.next();
      if (next.done === true) ended.add(from);
      else yield { row: next.value, from };
    }
    open = open.filter(({ from }) => !ended.has(from));
  }
}

function assertNew(seen: Map<ImageKey, string>, image: ImageKey, file: string): void {
  const other = seen.get(image);
  seen.set(image, file);
  if (other === undefined) return;
  throw new EdgemuxError(
    'CONFIG_INVALID',
    `--in: ${image} is in ${other} and in ${file}: name each part once`,
  );
}
