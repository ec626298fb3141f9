/** Pictures and their classes: by folders that are named as the classes are, or by WordNet ids in their own names. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { nearestName } from '../../common/config/nearest.js';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { plainName } from './class-map.js';

/** What the trainer looks for too. BMP, PPM and TIFF are none of the daemon's formats: they are named as unreadable. */
const PICTURE = /\.(jpe?g|png|webp|bmp|ppm|tiff?)$/i;
/** Folders that hold classes, in the order of preference: images that the models were not trained on first. */
const SETS = ['val', 'test', 'train'];

/** One picture of a list. */
export interface LabelledFile {
  /** Below the folder, with `/`. */
  path: string;
  /** Class index. */
  label: number;
}

/** One picture whose class nothing may say. */
export interface FoundFile {
  path: string;
  label: number | null;
}

type Classes = Pick<Zoo, 'labels'> & { manifest: Pick<Zoo['manifest'], 'classIds'> };

/**
 * Class folders are matched with the zoo's labels by name, by index or by WordNet id; where none of them is a label,
 * and there is one for every label, by their sorted order, as torchvision numbers them. Pictures without folders may
 * have the WordNet id in their names, as ImageNet's have (`n01440764_10026.JPEG`).
 *
 * @throws EdgemuxError CONFIG_INVALID naming folders that match nothing; its `details.unlabelled` is true where nothing
 *   says any class
 */
export async function classFolders(
  zoo: Classes,
  dir: string,
): Promise<{ files: LabelledFile[]; note: string | null }> {
  const outer = await folders(dir);
  const set = SETS.find((name) => outer.includes(name) && !zoo.labels.includes(name));
  const root = set === undefined ? dir : join(dir, set);
  const names = set === undefined ? outer : await folders(root);
  if (names.length === 0) return { files: await namedFiles(zoo, dir), note: null };
  const { classes, note } = matchClasses(zoo, root, names);
  const files: LabelledFile[] = [];
  for (const name of names) {
    const found = (await picturesBelow(join(root, name))).map((path) =>
      relative(dir, path).replaceAll('\\', '/'),
    );
    for (const path of found.sort()) files.push({ path, label: classes.get(name) ?? 0 });
  }
  if (files.length === 0)
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `there are no pictures below ${root}/<class>/ (JPEG, PNG, WebP)`,
    );
  const trained = `${root}: models are better on images they were trained on; take others`;
  return { files, note: set === 'train' ? trained : note };
}

/**
 * The pictures of any folder: with their classes where `classFolders` finds them, else those below it without.
 *
 * @throws EdgemuxError CONFIG_INVALID for a folder without pictures, and where some folders are classes and some not
 */
export async function anyPictures(
  zoo: Classes,
  dir: string,
): Promise<{ files: FoundFile[]; note: string | null }> {
  try {
    return await classFolders(zoo, dir);
  } catch (error) {
    if (!(error instanceof EdgemuxError) || error.details['unlabelled'] !== true) throw error;
    const paths = (await picturesBelow(dir)).map((path) => relative(dir, path).replaceAll('\\', '/'));
    if (paths.length === 0) throw error;
    const note = `${dir}: nothing says which classes its ${paths.length} pictures show, so there is no accuracy`;
    return { files: paths.sort().map((path) => ({ path, label: null })), note };
  }
}

/** Pictures of a folder without folders, by the WordNet ids that their names begin with. */
async function namedFiles(zoo: Classes, dir: string): Promise<LabelledFile[]> {
  const paths = await picturesBelow(dir);
  if (paths.length === 0)
    throw new EdgemuxError('CONFIG_INVALID', `there are no pictures in ${dir} (JPEG, PNG, WebP)`);
  const ids = new Map(zoo.manifest.classIds?.map((id, k) => [id, k]));
  const files = paths.map((path) => basename(path)).sort();
  const labels = files.map((name) => ids.get(/^n\d{8}(?=[_.-])/.exec(name)?.[0] ?? ''));
  const stranger = labels.indexOf(undefined);
  if (stranger < 0) return files.map((path, i) => ({ path, label: labels[i] ?? 0 }));
  throw new EdgemuxError(
    'CONFIG_INVALID',
    `${dir} has ${files.length} pictures and no folders, and nothing says what ${files[stranger] ?? ''} shows. Put each into a folder ` +
      `named for its class (${zoo.labels.slice(0, 2).join(', ')} …)${ids.size > 0 ? ', or begin its name with the WordNet id' : ''}`,
    { details: { unlabelled: true } },
  );
}

/** Names of the folders in a folder, and of links to such. */
async function folders(dir: string): Promise<string[]> {
  try {
    const names = (await readdir(dir)).filter((name) => !name.startsWith('.'));
    const are = await Promise.all(names.map((name) => isFolder(join(dir, name))));
    return names.filter((_, i) => are[i]).sort();
  } catch (cause) {
    throw new EdgemuxError('CONFIG_INVALID', `${dir} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** False for a link that leads nowhere too. */
async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Pictures in a folder and below it. @param above real paths of the folders on the way: a link may lead back */
export async function picturesBelow(dir: string, above: readonly string[] = []): Promise<string[]> {
  const real = await realpath(dir);
  if (above.includes(real)) return [];
  const found: string[] = [];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (PICTURE.test(entry.name) && !entry.isDirectory()) found.push(path);
    else if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path))))
      found.push(...(await picturesBelow(path, [...above, real])));
  }
  return found;
}

/** Class index of each folder. */
function matchClasses(
  zoo: Classes,
  root: string,
  names: readonly string[],
): { classes: Map<string, number>; note: string | null } {
  const known = knownNames(zoo);
  const found = new Map(names.map((name) => [name, classOf(known, name)]));
  const strangers = names.filter((name) => found.get(name) === undefined);
  const count = zoo.labels.length;
  if (names.length > 0 && strangers.length === 0)
    return { classes: withoutTwice(zoo, root, found), note: null };
  if (names.length > 0 && names.every((name) => /^\d+$/.test(name) && Number(name) < count))
    return { classes: new Map(names.map((name) => [name, Number(name)])), note: null };
  if (names.length === count && strangers.length === names.length) {
    const note = `${root}: folders are taken as classes in their sorted order (${names[0]} is ${zoo.labels[0]})`;
    return { classes: new Map(names.map((name, i) => [name, i])), note };
  }
  throw noClass(zoo, root, names, strangers);
}

/** Plain name → class index; 'twice' where several classes have it. */
function knownNames({ labels, manifest }: Classes): Map<string, number | 'twice'> {
  const known = new Map<string, number | 'twice'>();
  const add = (name: string, k: number): void => {
    known.set(name, (known.get(name) ?? k) === k ? k : 'twice');
  };
  labels.forEach((label, k) => add(plainName(label), k));
  const whole = new Set(known.keys());
  // `tench, Tinca tinca` is a tench too, where nothing else is.
  labels.forEach((label, k) => {
    const first = plainName(label.split(',')[0] ?? '');
    if (!whole.has(first)) add(first, k);
  });
  manifest.classIds?.forEach((id, k) => add(plainName(id), k));
  return known;
}

/** The class that a folder is named for: `tench`, `n01440764`, or `n01440764_tench`. */
function classOf(known: Map<string, number | 'twice'>, name: string): number | 'twice' | undefined {
  return known.get(plainName(name)) ?? known.get(/^n\d{8}/.exec(name)?.[0] ?? '');
}

function withoutTwice(
  zoo: Classes,
  root: string,
  found: ReadonlyMap<string, number | 'twice' | undefined>,
): Map<string, number> {
  return new Map(
    [...found].map(([name, k]) => {
      if (typeof k === 'number') return [name, k];
      throw new EdgemuxError(
        'CONFIG_INVALID',
        `${root}/${name}: several of the ${zoo.labels.length} classes are called '${name}'. Name folders by index ` +
          `(0 to ${zoo.labels.length - 1}) or by WordNet id`,
      );
    }),
  );
}

function noClass(
  zoo: Classes,
  root: string,
  names: readonly string[],
  strangers: readonly string[],
): EdgemuxError {
  const plain = zoo.labels.map(plainName);
  const told = strangers.slice(0, 3).map((name) => {
    const near = nearestName(plainName(name), plain);
    const label = zoo.labels[plain.indexOf(near ?? '')];
    return label === undefined ? `'${name}'` : `'${name}' (the nearest label is '${label}')`;
  });
  return new EdgemuxError(
    'CONFIG_INVALID',
    `${root} has ${names.length} folders for ${zoo.labels.length} classes, and ${strangers.length} of them are no class ` +
      `names: ${told.join(', ') || 'none'}. Name folders as the labels are, or by index, or by WordNet id where --labels has them`,
    { details: { unlabelled: strangers.length === names.length } },
  );
}
