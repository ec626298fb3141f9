/** Labelled images: folders in ImageNet's layout, IDX files, or the test set of a zoo. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgemuxError } from '../../common/errors.js';
import { encodeJpeg } from '../../mux/image/image.js';
import { decodePicture, prepare, type Picture } from '../../mux/image/prepare.js';
import { inputBytes, inputKey, type NetworkInput } from '../../mux/zoo/input.js';
import { refit } from '../../mux/zoo/views.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { anyPictures, classFolders, type FoundFile, type LabelledFile } from './class-folders.js';
import { MOST_PIXELS } from './golden.js';
import { readTestList } from './test-list.js';
import { loadTestSet, readIdx, type TestSet } from './testset.js';

export const PARTS = ['test', 'train'] as const;
export type Part = (typeof PARTS)[number];

export interface LabelledImages {
  count: number;
  /** Which part of IDX files the indices are of; paths need none. */
  part: Part;
  /** Path below the folder, with `/`; or the index. */
  key(i: number): string | number;
  /** Class index of image i. */
  label(i: number): number;
  /**
   * What networks see of image i, decoded once: uint8 HWC of each of `inputs`.
   * @throws where the image cannot be read or decoded
   */
  pixels(i: number, inputs: readonly NetworkInput[]): Promise<Uint8Array[]>;
  /** Image i as a camera would send it. @throws where it cannot be read */
  encoded(i: number): Promise<Uint8Array>;
  /** What a person should know about the choice, or null. */
  note: string | null;
}

/** Of images that are kept as pixels. */
const JPEG_QUALITY = 95;

/** The zoo's own test images. @throws EdgemuxError ZOO_INVALID where it has none */
export async function testImages(zoo: Zoo): Promise<LabelledImages> {
  return pixelImages(zoo, await loadTestSet(zoo), 'test');
}

/**
 * What a zoo is judged on: pictures of a folder, or what the zoo itself has: test images, or a list of them.
 *
 * @throws EdgemuxError ZOO_INVALID where it has none; CONFIG_INVALID for a folder that does not fit
 */
export async function evaluationImages(zoo: Zoo, dir: string | null): Promise<LabelledImages> {
  const { test, testList } = zoo.manifest;
  if (dir !== null) return folderImages(zoo, dir);
  if (test || !testList) return testImages(zoo);
  const { folder, images } = await readTestList(zoo, testList.file);
  if (await stat(folder).catch(() => null)) return fileImages(folder, images, null);
  throw new EdgemuxError(
    'CONFIG_INVALID',
    `the test images of zoo '${zoo.name}' lie in ${folder}, which is not here: name their folder with --images`,
  );
}

/** What a camera may show: labelled or not. */
export interface CameraImages extends Pick<LabelledImages, 'count' | 'key' | 'encoded' | 'note'> {
  /** Class index of image i; null where nothing says it. */
  label(i: number): number | null;
}

/**
 * As `evaluationImages`, but pictures of a folder need no labels.
 *
 * @throws EdgemuxError ZOO_INVALID where there are none; CONFIG_INVALID for a folder that does not fit
 */
export async function cameraImages(zoo: Zoo, dir: string | null): Promise<CameraImages> {
  if (dir === null) return evaluationImages(zoo, null);
  const { files, note } = await anyPictures(zoo, dir);
  const at = (i: number): FoundFile => fileAt(files, i);
  return {
    count: files.length,
    note,
    key: (i) => at(i).path,
    label: (i) => at(i).label,
    encoded: (i) => readFile(join(dir, at(i).path)),
  };
}

function fileAt<File>(files: readonly File[], i: number): File {
  const found = files[i];
  if (found) return found;
  throw new RangeError(`there is no image ${i}: 0 to ${files.length - 1}`);
}

/** All indices, or `limit` of them: the first of a test set, else at even distances, as folders come class by class. */
export function chosen(
  { count, key }: Pick<LabelledImages, 'count' | 'key'>,
  limit: number | null,
): number[] {
  const wanted = Math.min(count, limit ?? count);
  const even = typeof key(0) === 'string';
  return Array.from({ length: wanted }, (_, i) => (even ? Math.floor((i * count) / wanted) : i));
}

/** What the daemon decodes. */
const FRAME = /\.(jpe?g|png|webp)$/i;

/** Indices of the images that a camera could send. */
export function daemonPictures({ count, key }: Pick<LabelledImages, 'count' | 'key'>): number[] {
  const could = (name: string | number): boolean => typeof name === 'number' || FRAME.test(name);
  return Array.from({ length: count }, (_, i) => i).filter((i) => could(key(i)));
}

function pixelImages(zoo: Zoo, set: TestSet, part: Part): LabelledImages {
  return {
    count: set.count,
    part,
    note: null,
    key: (i) => i,
    label: set.label,
    pixels: (i, inputs) => Promise.all(inputs.map((input) => refitted(set.images(i), zoo.input, input))),
    encoded: (i) => encodeJpeg(set.images(i), zoo.input, JPEG_QUALITY),
  };
}

/** Pixels that were made for one input as another takes them. */
async function refitted(pixels: Uint8Array, from: NetworkInput, to: NetworkInput): Promise<Uint8Array> {
  if (inputKey(from) === inputKey(to)) return pixels;
  const { height, width, channels } = from;
  return prepare({ pixels, height, width, channels }, refit(to, from));
}

const IDX_FILES = { test: 't10k', train: 'train' } as const;

/**
 * A folder with MNIST's four files.
 *
 * @throws EdgemuxError ZOO_INVALID (no IDX file), CONFIG_INVALID where they do not fit each other or the zoo
 */
export async function idxImages(zoo: Zoo, dir: string, part: Part): Promise<LabelledImages> {
  const file = (what: string) => join(dir, `${IDX_FILES[part]}-${what}-ubyte.gz`);
  const [images, labels] = await Promise.all([readIdx(file('images-idx3')), readIdx(file('labels-idx1'))]);
  const { height, width, channels } = zoo.input;
  const [count = 0] = images.dims;
  const wanted = channels === 1 ? [count, height, width] : [count, height, width, channels];
  if (images.dims.join() !== wanted.join() || labels.dims.join() !== String(count)) {
    const found = `[${images.dims.join()}] and labels [${labels.dims.join()}]`;
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--idx: images ${found} do not fit the zoo's input [${wanted.join()}]`,
    );
  }
  const stranger = labels.data.find((label) => label >= zoo.classes);
  if (stranger !== undefined)
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--idx: label ${stranger}, but the zoo has ${zoo.classes} classes`,
    );
  const size = inputBytes(zoo.input);
  const set = {
    count,
    images: (i: number) => images.data.subarray(i * size, (i + 1) * size),
    label: (i: number) => labels.data[i] ?? 0,
  };
  return pixelImages(zoo, set, part);
}

/**
 * Pictures below `<dir>/<class>/`, or below `<dir>/val/<class>/` (else test/, else train/); links are followed.
 *
 * @throws EdgemuxError CONFIG_INVALID naming folders that match nothing
 */
export async function folderImages(
  zoo: Pick<Zoo, 'labels' | 'manifest'>,
  dir: string,
): Promise<LabelledImages> {
  const { files, note } = await classFolders(zoo, dir);
  return fileImages(dir, files, note);
}

/** As the daemon has it: what is damaged is no picture to judge by, and is counted. */
const LIMITS = { maxPixels: MOST_PIXELS, damaged: 'drop' } as const;

/** @param dir that the paths are below */
export function fileImages(dir: string, files: readonly LabelledFile[], note: string | null): LabelledImages {
  const at = (i: number): LabelledFile => fileAt(files, i);
  const encoded = (i: number): Promise<Uint8Array> => readFile(join(dir, at(i).path));
  return {
    count: files.length,
    part: 'test',
    note,
    key: (i) => at(i).path,
    label: (i) => at(i).label,
    encoded,
    pixels: async (i, inputs) => {
      const picture: Picture = await decodePicture(await encoded(i), LIMITS, inputs);
      return Promise.all(inputs.map((input) => prepare(picture, input)));
    },
  };
}
