/**
 * The binary labels file (`*.labels`), little-endian:
 *
 * | bytes        | what                                                                                     |
 * |--------------|------------------------------------------------------------------------------------------|
 * | 8            | `edgmxlbl`                                                                               |
 * | 4            | version of the layout: 1                                                                 |
 * | 4            | length of the header                                                                     |
 * | that many    | JSON: the header of `header.ts` with `record: {nameBytes, top}`; spaces to a multiple of 16 |
 * | records      | all of one length, so that the n-th can be found, and a file be mapped into memory       |
 *
 * A record: `name` (nameBytes of UTF-8, zeros behind; or, nameBytes 0, a uint32 index), `label` uint32, numbers float32 (score
 * of the mux of the pair, p and w of the group's), then for each network its probabilities as codes (`codes.ts`): K of
 * them, or with `top` = k the k largest as classes uint16 and codes uint16 and a code for the sum of all others; zeros to a multiple
 * of 4; `check` uint32, the CRC-32 of all bytes before it, by which a half-written record is known.
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { EdgemuxError } from '../../../common/errors.js';
import { argmax, topK } from '../../../mux/rules/probabilities.js';
import { codeOf, decode, encode, probabilityOf } from './codes.js';
import { headerSchema, widths, type ImageKey, type LabelRow, type LabelsHeader } from './header.js';

export const MAGIC = 'edgmxlbl';
const LAYOUT_VERSION = 1;
/** Of magic, version and length. */
export const PREFIX_BYTES = 16;
const ALIGNMENT = 16;

const recordSchema = z.object({
  record: z.object({
    nameBytes: z.int().min(0).max(65_536),
    /** Probabilities kept of each network; null: all. */
    top: z.int().min(1).max(65_535).nullable(),
  }),
});
export type RecordForm = z.infer<typeof recordSchema>['record'];

/** Places of the parts of a record, in bytes. */
export interface Layout {
  header: LabelsHeader;
  form: RecordForm;
  classes: number;
  vectors: number;
  numbers: number;
  labelAt: number;
  numbersAt: number;
  codesAt: number;
  checkAt: number;
  bytes: number;
}

export function layoutOf(header: LabelsHeader, form: RecordForm): Layout {
  const classes = header.labels.length;
  const { vectors, numbers } = widths(header);
  const labelAt = Math.max(4, form.nameBytes);
  const numbersAt = labelAt + 4;
  const codesAt = numbersAt + 4 * numbers;
  const shorts = form.top === null ? classes : 2 * form.top + 1;
  const checkAt = Math.ceil((codesAt + 2 * vectors * shorts) / 4) * 4;
  return {
    header,
    form,
    classes,
    vectors,
    numbers,
    labelAt,
    numbersAt,
    codesAt,
    checkAt,
    bytes: checkAt + 4,
  };
}

/** How records name images of these names, with room for somewhat longer ones. */
export function nameBytesFor(longest: number): number {
  return Math.max(64, Math.ceil((longest + 8) / 16) * 16);
}

/** Everything before the records. */
export function headerBytes({ header, form }: Layout): Buffer {
  const text = JSON.stringify({ ...header, record: form });
  const bytes = Buffer.byteLength(text);
  const length = Math.ceil((PREFIX_BYTES + bytes) / ALIGNMENT) * ALIGNMENT - PREFIX_BYTES;
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, 'latin1');
  prefix.writeUInt32LE(LAYOUT_VERSION, 8);
  prefix.writeUInt32LE(length, 12);
  return Buffer.concat([prefix, Buffer.from(text), Buffer.alloc(length - bytes, ' ')]);
}

/** Length of the header that the first PREFIX_BYTES promise; null where they are none of a labels file. */
export function promisedHeader(prefix: Buffer): number | null {
  if (prefix.length < PREFIX_BYTES || prefix.toString('latin1', 0, 8) !== MAGIC) return null;
  const version = prefix.readUInt32LE(8);
  if (version !== LAYOUT_VERSION) {
    const remedy = 'read it with the edgemux that wrote it, and convert it to *.jsonl there';
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `a labels file of layout ${version}, not ${LAYOUT_VERSION}: ${remedy}`,
    );
  }
  return prefix.readUInt32LE(12);
}

/** @throws where the text is no header */
export function parseHeader(text: string): Layout {
  const value: unknown = JSON.parse(text);
  return layoutOf(headerSchema.parse(value), recordSchema.parse(value).record);
}

/** One row as its record. @throws EdgemuxError CONFIG_INVALID for a name that does not fit */
export function recordOf(layout: Layout, { image, label, outputs }: Omit<LabelRow, 'right'>): Buffer {
  const record = Buffer.alloc(layout.bytes);
  writeName(layout, record, image);
  record.writeUInt32LE(label, layout.labelAt);
  const { score, correct, weights } = outputs;
  const numbers = [...(score === null ? [] : [score]), ...(correct ?? []), ...(weights ?? [])];
  numbers.forEach((number, n) => record.writeFloatLE(number, layout.numbersAt + 4 * n));
  const shorts = shortsOf(layout, record);
  outputs.probabilities.forEach((probabilities, v) => writeVector(layout, shorts, v, probabilities));
  record.writeUInt32LE(crc32(record.subarray(0, layout.checkAt)), layout.checkAt);
  return record;
}

function writeName({ form: { nameBytes } }: Layout, record: Buffer, image: ImageKey): void {
  if (typeof image === 'number') record.writeUInt32LE(image, 0);
  else if (Buffer.byteLength(image) <= nameBytes) record.write(image, 0, 'utf8');
  else {
    const remedy = 'name another --out, which makes room for it';
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `the file has ${nameBytes} bytes for a name, ${image} is longer: ${remedy}`,
    );
  }
}

/** The codes of a record, which lies at an even place of its memory. */
function shortsOf({ codesAt, checkAt }: Layout, record: Buffer): Uint16Array {
  return new Uint16Array(record.buffer, record.byteOffset + codesAt, (checkAt - codesAt) / 2);
}

function writeVector(
  { classes, form: { top } }: Layout,
  shorts: Uint16Array,
  v: number,
  probabilities: Float32Array,
): void {
  if (top === null) return encode(probabilities, shorts.subarray(v * classes, (v + 1) * classes));
  const from = v * (2 * top + 1);
  const best = topK(probabilities, Math.min(top, classes));
  let kept = 0;
  best.forEach(({ classIndex, probability }, rank) => {
    shorts[from + rank] = classIndex;
    shorts[from + top + rank] = codeOf(probability);
    kept += probability;
  });
  const best0 = shorts[from + top] ?? 0; // of those that round alike the answer stays the largest
  for (let at = from + top + 1; at < from + top + best.length && shorts[at] === best0; at += 1)
    shorts[at] = best0 + 1;
  shorts[from + 2 * top] = codeOf(Math.max(0, 1 - kept));
}

/** True where the record is whole. */
export function isWhole({ checkAt, bytes }: Layout, record: Buffer): boolean {
  return record.length === bytes && record.readUInt32LE(checkAt) === crc32(record.subarray(0, checkAt));
}

export function imageOf({ form: { nameBytes } }: Layout, record: Buffer): ImageKey {
  if (nameBytes === 0) return record.readUInt32LE(0);
  const end = record.indexOf(0);
  return record.toString('utf8', 0, end < 0 || end > nameBytes ? nameBytes : end);
}

/** The row of a record: copies, so that the record may be reused. */
export function rowOf(layout: Layout, record: Buffer): LabelRow {
  const { header, vectors, numbersAt, labelAt } = layout;
  const label = record.readUInt32LE(labelAt);
  const number = (n: number): number => record.readFloatLE(numbersAt + 4 * n);
  const first = header.muxes?.pair ? 1 : 0;
  const members = header.muxes?.group?.models.length ?? 0;
  const column = (from: number) => Float32Array.from({ length: members }, (_, m) => number(from + m));
  const probabilities = Array.from({ length: vectors }, (_, v) => vectorOf(layout, record, v));
  return {
    image: imageOf(layout, record),
    label,
    outputs: {
      probabilities,
      score: first === 1 ? number(0) : null,
      correct: members > 0 ? column(first) : null,
      weights: members > 0 ? column(first + members) : null,
    },
    right: header.models.map((_, m) => argmax(probabilities[m] ?? []) === label),
  };
}

/** K probabilities of a network; those that were not kept share the rest alike. */
function vectorOf(layout: Layout, record: Buffer, v: number): Float32Array {
  const { classes, form } = layout;
  const found = new Float32Array(classes);
  const shorts = shortsOf(layout, record);
  if (form.top === null) {
    decode(shorts.subarray(v * classes, (v + 1) * classes), found);
    return found;
  }
  const { top } = form;
  const kept = Math.min(top, classes);
  const from = v * (2 * top + 1);
  found.fill(probabilityOf(shorts[from + 2 * top] ?? 0) / Math.max(1, classes - kept));
  for (let rank = 0; rank < kept; rank += 1) {
    found[shorts[from + rank] ?? 0] = probabilityOf(shorts[from + top + rank] ?? 0);
  }
  return found;
}
