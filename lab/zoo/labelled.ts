/** Labelled images: folders in ImageNet's layout, IDX files, or the test set of a zoo. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import { decodeImage } from '../../mux/image/image.js';
import { loadTestSet, readIdx } from './testset.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { MOST_PIXELS } from './golden.js';

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
  /** uint8 HWC of the zoo's input. @throws where the image cannot be read or decoded */
  pixels(i: number): Promise<Uint8Array>;
  /** What a person should know about the choice, or null. */
  note: string | null;
}

/** What the trainer looks for too. BMP, PPM and TIFF are none of the daemon's formats: they are named as unreadable. */
const PICTURE = /\.(jpe?g|png|webp|bmp|ppm|tiff?)$/i;
/** Folders that hold classes, in the order of preference: images that the models were not trained on first. */
const SETS = ['val', 'test', 'train'];

/** The zoo's own test images. @throws EdgemuxError ZOO_INVALID where it has none */
export async function testImages(zoo: Zoo): Promise<LabelledImages> {
  const set = await loadTestSet(zoo);
  return {
    count: set.count,
    part: 'test',
    note: null,
    key: (i) => i,
    label: set.label,
    pixels: (i) => Promise.resolve(set.images(i)),
  };
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
  const size = height * width * channels;
  return {
    count,
    part,
    note: null,
    key: (i) => i,
    label: (i) => labels.data[i] ?? 0,
    pixels: (i) => Promise.resolve(images.data.subarray(i * size, (i + 1) * size)),
  };
}

/**
 * Pictures below `<dir>/<class>/`, or below `<dir>/val/<class>/` (else test/, else train/).
 *
 * Class folders are matched with the zoo's labels by name, else, where there is one for every label, by their
 * sorted order, as torchvision numbers them.
 *
 * @throws EdgemuxError CONFIG_INVALID naming folders that match nothing
 */
export async function folderImages(zoo: Zoo, dir: string): Promise<LabelledImages> {
  const outer = await folders(dir);
  const set = SETS.find((name) => outer.includes(name) && !zoo.labels.includes(name));
  const root = set === undefined ? dir : join(dir, set);
  const names = set === undefined ? outer : await folders(root);
  const { classes, note } = matchClasses(zoo, root, names);
  const found: { path: string; label: number }[] = [];
  for (const name of names) {
    const files = await readdir(join(root, name), { recursive: true });
    for (const file of files.filter((one) => PICTURE.test(one)).sort())
      found.push({ path: join(root, name, file), label: classes.get(name) ?? 0 });
  }
  if (found.length === 0)
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `there are no pictures below ${root}/<class>/ (JPEG, PNG, WebP)`,
    );
  const at = (i: number) => found[i] ?? { path: '', label: 0 };
  return {
    count: found.length,
    part: 'test',
    note: set === 'train' ? `${root}: models are better on images they were trained on; take others` : note,
    key: (i) => relative(dir, at(i).path).replaceAll('\\', '/'),
    label: (i) => at(i).label,
    pixels: async (i) => decodeImage(await readFile(at(i).path), zoo.input, { maxPixels: MOST_PIXELS }),
  };
}

async function folders(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    const found = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
    return found
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch (cause) {
    throw new EdgemuxError('CONFIG_INVALID', `${dir} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Class index of each folder. */
function matchClasses(
  zoo: Zoo,
  root: string,
  names: readonly string[],
): { classes: Map<string, number>; note: string | null } {
  const plain = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '_');
  const labels = zoo.labels.map(plain);
  const strangers = names.filter((name) => !labels.includes(plain(name)));
  const unique = new Set(labels).size === labels.length;
  if (names.length > 0 && strangers.length === 0 && unique)
    return { classes: new Map(names.map((name) => [name, labels.indexOf(plain(name))])), note: null };
  if (names.length === zoo.classes) {
    const note = `${root}: folders are taken as classes in their sorted order (${names[0]} is ${zoo.labels[0]})`;
    return { classes: new Map(names.map((name, i) => [name, i])), note };
  }
  const some = strangers.slice(0, 3).join(', ') || 'none';
  throw new EdgemuxError(
    'CONFIG_INVALID',
    `${root} has ${names.length} folders for ${zoo.classes} classes, and ${strangers.length} of them are no class names ` +
      `(${some}). Name folders as the labels are, or have one for every class`,
  );
}
