/**
 * ONNX external data: weights that a model file keeps in other files, which ONNX Runtime opens by the path that the model
 * says. A zoo's manifest has to name each of them with its hash, below the zoo's folder; else a model that is what its
 * sha256 promises would compute something else, or read a file of somebody else.
 */
import { readFile, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative, sep } from 'node:path';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import type { ZooFile } from './manifest.js';

/** A model file as a manifest names it. */
export interface NetworkFile {
  file: string;
  weights?: ZooFile[] | undefined;
}

/** @throws EdgemuxError ZOO_INVALID where a model names a file that is not in its `weights`, or not inside `folder` */
export async function checkExternalData(folder: string, { file, weights = [] }: NetworkFile): Promise<void> {
  const named = new Set(weights.map((each) => normalize(each.file)));
  for (const location of externalLocations(await readFile(join(folder, file)))) {
    const path = normalize(join(dirname(file), location));
    if (isAbsolute(location) || isOutside(path)) throw outside(file, location);
    if (!named.has(path)) {
      throw new EdgemuxError(
        'ZOO_INVALID',
        `${file} keeps weights in ${path.slice(0, 255)}, whose sha256 is not in the manifest: add it to this network's weights`,
        { details: { file, location } },
      );
    }
  }
  for (const each of weights) await checkInside(folder, each.file);
}

/** A link may lead elsewhere. */
async function checkInside(folder: string, file: string): Promise<void> {
  try {
    const [real, root] = await Promise.all([realpath(join(folder, file)), realpath(folder)]);
    if (isOutside(relative(root, real))) throw outside(file, file);
  } catch (cause) {
    if (cause instanceof EdgemuxError) throw cause;
    throw new EdgemuxError('ZOO_NOT_FOUND', `${file}, named by the manifest: ${messageOf(cause)}`, { cause });
  }
}

function isOutside(path: string): boolean {
  return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path);
}

function outside(file: string, location: string): EdgemuxError {
  return new EdgemuxError(
    'ZOO_INVALID',
    `${file} keeps weights outside of the zoo (${location.slice(0, 255)}): put them below its folder`,
    { details: { file, location } },
  );
}

type Kind = 'model' | 'graph' | 'node' | 'attribute' | 'sparse' | 'tensor' | 'entry';

/** By the field numbers of onnx.proto3: where tensors are. */
const FIELDS: Record<Exclude<Kind, 'entry'>, Record<number, Kind>> = {
  model: { 7: 'graph', 25: 'graph' },
  graph: { 1: 'node', 5: 'tensor', 7: 'node', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry' },
};
/** Graphs within graphs beyond it are nobody's. */
const MOST_DEPTH = 64;

/** Every `location` that the tensors of a model name. What is no model has none: who loads it says so. */
export function externalLocations(model: Uint8Array): string[] {
  const found = new Set<string>();
  walk(Buffer.from(model.buffer, model.byteOffset, model.byteLength), 'model', 0, found);
  return [...found];
}

function walk(bytes: Buffer, kind: Kind, depth: number, found: Set<string>): void {
  if (kind === 'entry') {
    const [key, value] = [1, 2].map((number) =>
      fieldsOf(bytes)
        .find((field) => field.number === number)
        ?.bytes.toString(),
    );
    if (key === 'location' && value !== undefined) found.add(value);
    return;
  }
  if (depth > MOST_DEPTH) return;
  for (const field of fieldsOf(bytes)) {
    const below = FIELDS[kind][field.number];
    if (below !== undefined) walk(field.bytes, below, depth + 1, found);
  }
}

interface Field {
  number: number;
  bytes: Buffer;
}

/** The length-delimited fields of a protocol buffers message, up to where it is none. */
function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70 && at < bytes.length; shift += 7) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    at = Infinity;
    return 0;
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    if (type === 0) varint();
    else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else if (type === 2) {
      const length = varint();
      if (at + length > bytes.length) break;
      fields.push({ number, bytes: bytes.subarray(at, at + length) });
      at += length;
    } else break;
  }
  return fields;
}
