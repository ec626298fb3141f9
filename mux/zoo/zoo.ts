/** Loading a zoo: a folder with a manifest, every file of which is what the manifest says it is. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import { checkExternalData } from './external-data.js';
import { GROUP_MUX_ID, MUX_ID, networkInput, type NetworkInput } from './input.js';
import { parseManifest, type Manifest, type ModelEntry, type MuxEntry, type ZooFile } from './manifest.js';

export type { Manifest, ModelEntry, MuxEntry } from './manifest.js';
export type { NetworkInput } from './input.js';

export interface Zoo {
  /** Absolute path of the folder. */
  dir: string;
  name: string;
  version: string;
  /** sha256 of the manifest's bytes, hex: two zoos with one hash are the same, files included. */
  hash: string;
  manifest: Manifest;
  labels: readonly string[];
  /** Of the test set and of networks without one of their own: ask `inputOf` for a network's. */
  input: NetworkInput;
  /** Number of classes K. */
  classes: number;
  /** The model with the role `local`. */
  local: ModelEntry | null;
  /** The model with the most FLOPs. */
  largest: ModelEntry;
  muxPair: MuxEntry | null;
  /** @throws EdgemuxError ZOO_INVALID where the zoo has no such model */
  modelById(id: string): ModelEntry;
  /**
   * What a network takes: a model by its id, a mux by `MUX_ID` or `GROUP_MUX_ID`.
   * @throws EdgemuxError ZOO_INVALID where the zoo has no such network
   */
  inputOf(network: string): NetworkInput;
  /** Absolute path of a file that the manifest names. */
  path(file: string): string;
}

/**
 * Reads and checks a zoo.
 *
 * @throws EdgemuxError ZOO_NOT_FOUND (folder, manifest or a file missing), ZOO_INVALID (schema, keys named),
 *   ZOO_CHANGED (a file's bytes differ from its sha256)
 */
export async function loadZoo(dir: string): Promise<Zoo> {
  const folder = resolve(dir);
  const bytes = await readManifest(folder);
  const manifest = parseManifest(bytes.toString('utf8'), join(folder, 'manifest.json'));
  const files = zooFiles(manifest);
  await Promise.all(files.map((file) => checkFile(folder, file)));
  for (const network of networksOf(manifest)) await checkExternalData(folder, network);
  return zooFrom(folder, manifest, createHash('sha256').update(bytes).digest('hex'));
}

function zooFrom(dir: string, manifest: Manifest, hash: string): Zoo {
  const [first, ...others] = manifest.models;
  if (first === undefined) throw new EdgemuxError('ZOO_INVALID', `${dir}: models is empty`);
  const ids = manifest.models.map((model) => model.id);
  const modelById = (id: string): ModelEntry => {
    const model = manifest.models.find((candidate) => candidate.id === id);
    if (model) return model;
    throw new EdgemuxError(
      'ZOO_INVALID',
      `zoo '${manifest.name}' has no model '${id}', only ${ids.join(', ')}`,
    );
  };
  const input = networkInput(manifest.input);
  return {
    dir,
    name: manifest.name,
    version: manifest.version,
    hash,
    manifest,
    labels: manifest.labels,
    input,
    classes: manifest.labels.length,
    local: manifest.models.find((model) => model.roles.includes('local')) ?? null,
    largest: others.reduce((best, model) => (model.flops > best.flops ? model : best), first),
    muxPair: manifest.mux?.pair ?? null,
    modelById,
    inputOf(network) {
      const own = (muxOf(manifest, network) ?? modelById(network)).input;
      return own ? networkInput(own) : input;
    },
    path: (file) => join(dir, file),
  };
}

function muxOf({ mux }: Manifest, network: string): MuxEntry | null {
  if (network === MUX_ID) return mux?.pair ?? null;
  return network === GROUP_MUX_ID ? (mux?.group ?? null) : null;
}

/** Absolute paths of the manifest, of every model and of the muxes in use. */
export function modelPaths({ manifest, path }: Zoo): string[] {
  const { models, mux } = manifest;
  const files = [...models, mux?.pair, mux?.group].filter((entry) => entry !== undefined && entry !== null);
  const all = files.flatMap((network) => [network, ...(network.weights ?? [])]);
  return [path('manifest.json'), ...all.map(({ file }) => path(file))];
}

/**
 * Compares files of a loaded zoo with what its manifest said when it was loaded.
 * @param paths absolute
 * @throws EdgemuxError ZOO_NOT_FOUND, ZOO_CHANGED
 */
export async function checkZooFiles(zoo: Zoo, paths: readonly string[]): Promise<void> {
  const files = zooFiles(zoo.manifest).filter(({ file }) => paths.includes(zoo.path(file)));
  await Promise.all(files.map((file) => checkFile(zoo.dir, file)));
}

/** Every file that a manifest names. */
function zooFiles(manifest: Manifest): ZooFile[] {
  const { golden, test, testList } = manifest;
  const networks = networksOf(manifest).flatMap((network) => [network, ...(network.weights ?? [])]);
  return [...networks, golden, test?.images, test?.labels, testList].filter((file) => file !== undefined);
}

/** Models and muxes, those of ablations too. */
function networksOf({ models, mux, ablations = [] }: Manifest): (ModelEntry | MuxEntry)[] {
  const muxes = [mux, ...ablations.map((ablation) => ablation.mux)].flatMap((one) => [one?.pair, one?.group]);
  return [...models, ...muxes].filter((network) => network !== undefined);
}

async function readManifest(folder: string): Promise<Buffer> {
  const path = join(folder, 'manifest.json');
  try {
    return await readFile(path);
  } catch (cause) {
    throw new EdgemuxError(
      'ZOO_NOT_FOUND',
      `there is no zoo at ${folder}: ${messageOf(cause)}. Name a folder that holds a manifest.json`,
      { cause, details: { path } },
    );
  }
}

/** Compares a file with its sha256 while streaming it: a zoo may hold hundreds of megabytes. */
async function checkFile(folder: string, { file, sha256, bytes }: ZooFile): Promise<void> {
  const path = join(folder, file);
  const hash = createHash('sha256');
  let found = 0;
  try {
    await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        found += chunk.length;
        hash.update(chunk);
      }
    });
  } catch (cause) {
    throw new EdgemuxError(
      'ZOO_NOT_FOUND',
      `${path}, named by the manifest, cannot be read: ${messageOf(cause)}`,
      {
        cause,
        details: { file, path },
      },
    );
  }
  const actual = hash.digest('hex');
  if (actual === sha256 && found === bytes) return;
  throw new EdgemuxError(
    'ZOO_CHANGED',
    `${path} is not the file that the manifest describes: sha256 ${actual} (${found} bytes) instead of ${sha256} ` +
      `(${bytes} bytes). Copy or unpack the zoo again, or train it anew so that its manifest is rewritten`,
    { details: { file, path, expected: sha256, actual, expectedBytes: bytes, actualBytes: found } },
  );
}
