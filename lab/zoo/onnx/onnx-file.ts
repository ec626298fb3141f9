/**
 * The one place that talks to protobufjs: ONNX files ↔ plain data, by ONNX's own schema.
 *
 * 64-bit integers stay exact (a Slice to the end is written as 2^63 − 1). Weights that lie in a file of their own are
 * taken into the model, so that a zoo's model is one file with one sha256.
 */
import { open, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import protobuf from 'protobufjs';
import { EdgemuxError, messageOf } from '../../../common/errors.js';
import { ONNX_PROTO } from './onnx-schema.js';
import { tensorsOf, type OnnxGraph, type OnnxModel, type OnnxTensor } from './onnx-types.js';

const Model = protobuf.parse(ONNX_PROTO).root.lookupType('onnx.ModelProto');

/** What a protobuf message, and with it an ONNX file, can hold: 2 GiB. */
const MOST_BYTES = 2 ** 31 - 1;

/** A model as read: `graph` is there. */
export type ReadModel = OnnxModel & { graph: OnnxGraph };

/**
 * Reads an ONNX file, with its external weights.
 *
 * @throws EdgemuxError MODEL_UNUSABLE, naming the file, where it cannot be read or is no ONNX model
 */
export async function readModel(path: string): Promise<ReadModel> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new EdgemuxError('MODEL_UNUSABLE', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  const model = decodeModel(bytes, path);
  for (const tensor of tensorsOf(model.graph)) if (tensor.dataLocation === 1) await takeIn(tensor, path);
  return model;
}

/** @throws EdgemuxError MODEL_UNUSABLE for bytes that are no ONNX model */
export function decodeModel(bytes: Uint8Array, source: string): ReadModel {
  if (Buffer.from(bytes.subarray(0, 30)).toString('latin1').startsWith('version https://git-lfs')) {
    throw unusable(source, 'a Git LFS pointer, not the model: run `git lfs pull` where it came from');
  }
  let model: OnnxModel;
  try {
    model = Model.decode(bytes) as OnnxModel;
  } catch (cause) {
    throw unusable(source, `no ONNX file (${messageOf(cause)})`);
  }
  const { graph } = model;
  if (!graph || (graph.node ?? []).length === 0) throw unusable(source, 'no ONNX model: it has no graph');
  return Object.assign(model, { graph });
}

/** @throws EdgemuxError MODEL_UNUSABLE for a model beyond what one file can hold */
export function encodeModel(model: OnnxModel): Uint8Array {
  const bytes = Model.encode(model as Record<string, unknown>).finish();
  if (bytes.length > MOST_BYTES) {
    throw new EdgemuxError('MODEL_UNUSABLE', `the model has ${bytes.length} bytes; an ONNX file holds 2 GiB`);
  }
  return bytes;
}

/** Replaces a reference to another file by its bytes. */
async function takeIn(tensor: OnnxTensor, path: string): Promise<void> {
  const entries = new Map((tensor.externalData ?? []).map(({ key = '', value = '' }) => [key, value]));
  const location = normalize(entries.get('location') ?? '');
  if (location === '.' || isAbsolute(location) || location.startsWith('..')) {
    throw unusable(
      path,
      `a model whose weights '${tensor.name ?? ''}' lie outside its folder: '${location}'`,
    );
  }
  const file = join(dirname(path), location);
  try {
    const offset = Number(entries.get('offset') ?? 0);
    const length = entries.has('length') ? Number(entries.get('length')) : (await stat(file)).size - offset;
    tensor.rawData = await readPart(file, offset, length);
  } catch (cause) {
    throw unusable(path, `a model whose weights are in ${file}, which cannot be read: ${messageOf(cause)}`);
  }
  tensor.externalData = [];
  tensor.dataLocation = 0;
}

async function readPart(file: string, offset: number, length: number): Promise<Buffer> {
  if (!(length >= 0 && length <= MOST_BYTES)) throw new Error(`a part of ${length} bytes`);
  const handle = await open(file);
  try {
    const bytes = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) throw new Error(`it ends at byte ${offset + filled} of ${offset + length}`);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

function unusable(path: string, what: string): EdgemuxError {
  return new EdgemuxError('MODEL_UNUSABLE', `${path} is ${what}`, { details: { path } });
}
