/** The labelled test images of a zoo (IDX files, gzip), for the demo, the evaluation and the tests. */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import type { Zoo } from '../../mux/zoo/zoo.js';

export interface TestSet {
  count: number;
  /** Pixels of image i, uint8 HWC of the zoo's input: a view, not a copy. */
  images(i: number): Uint8Array;
  /** Class index of image i. */
  label(i: number): number;
}

/** An IDX file of unsigned bytes: its dims and its data. */
export interface Idx {
  dims: number[];
  data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;

/**
 * Reads the zoo's test images and labels.
 *
 * @throws EdgemuxError ZOO_INVALID where the zoo has none, or they do not fit its input, labels or count
 */
export async function loadTestSet(zoo: Zoo): Promise<TestSet> {
  const { test } = zoo.manifest;
  if (!test)
    throw new EdgemuxError(
      'ZOO_INVALID',
      `zoo '${zoo.name}' ships no test images: name a folder of labelled pictures with --images`,
    );
  const [images, labels] = await Promise.all([
    readIdx(zoo.path(test.images.file)),
    readIdx(zoo.path(test.labels.file)),
  ]);
  const { height, width, channels } = zoo.input;
  const wanted = channels === 1 ? [test.count, height, width] : [test.count, height, width, channels];
  expectDims(test.images.file, images.dims, wanted);
  expectDims(test.labels.file, labels.dims, [test.count]);
  const stranger = labels.data.findIndex((label) => label >= zoo.classes);
  if (stranger >= 0) {
    throw new EdgemuxError(
      'ZOO_INVALID',
      `${test.labels.file}: label ${stranger} is ${labels.data[stranger]}`,
    );
  }
  const size = height * width * channels;
  const inRange = (i: number) => {
    if (Number.isInteger(i) && i >= 0 && i < test.count) return i;
    throw new RangeError(`there is no test image ${i}: 0 to ${test.count - 1}`);
  };
  return {
    count: test.count,
    images: (i) => images.data.subarray(inRange(i) * size, (i + 1) * size),
    label: (i) => labels.data[inRange(i)] ?? 0,
  };
}

/**
 * Reads a gzipped IDX file: two zero bytes, type, number of dims, the dims as 32-bit big-endian, the data.
 *
 * @throws EdgemuxError ZOO_INVALID for anything but unsigned bytes of the announced length
 */
export async function readIdx(path: string): Promise<Idx> {
  let bytes: Buffer;
  try {
    bytes = await promisify(gunzip)(await readFile(path));
  } catch (cause) {
    throw new EdgemuxError('ZOO_INVALID', `${path} is not a gzip file: ${messageOf(cause)}`, { cause });
  }
  const rank = bytes[3] ?? 0;
  if (
    bytes.length < 4 + 4 * rank ||
    bytes.readUInt16BE(0) !== 0 ||
    bytes[2] !== UNSIGNED_BYTE ||
    rank === 0
  ) {
    throw new EdgemuxError('ZOO_INVALID', `${path} is not an IDX file of unsigned bytes`);
  }
  const dims = Array.from({ length: rank }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const data = bytes.subarray(4 + 4 * rank);
  const length = dims.reduce((product, dim) => product * dim, 1);
  if (data.length !== length) {
    throw new EdgemuxError('ZOO_INVALID', `${path} holds ${data.length} bytes of data instead of ${length}`);
  }
  return { dims, data };
}

function expectDims(file: string, found: number[], wanted: number[]): void {
  if (found.join() === wanted.join()) return;
  throw new EdgemuxError('ZOO_INVALID', `${file} has dims [${found.join()}] instead of [${wanted.join()}]`);
}
