/**
 * A zoo of networks small enough to compute by hand: input 2 x 2 grey, three classes.
 *
 * - mux: score = mean brightness / 255; probabilities = (p, r, r) with p rising with the top left pixel
 * - local `small`: softmax of (a, b, c)/64 for the first three pixels a, b, c
 * - cloud `big`: the same, reversed
 * - `fragile`: shares of brightness, which are 0/0 for a black image
 */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FLOAT, floats, integers, node, onnxModel, tensorInfo, UINT8, type Graph } from './onnx.js';

export const IMAGES = tensorInfo('images', UINT8, ['N', 2, 2, 1]);
export const PROBABILITIES = tensorInfo('probabilities', FLOAT, ['N', 3]);
export const SCORE = tensorInfo('score', FLOAT, ['N']);

/** images → float [N,4] under the name `x`. */
const FLAT = [node('Cast', ['images'], 'f', { to: FLOAT }), node('Flatten', ['f'], 'x', { axis: 1 })];

/** Softmax of a 4 x 3 linear map. */
export function linear(weights: number[]): Graph {
  return {
    nodes: [...FLAT, node('MatMul', ['x', 'w'], 'z'), node('Softmax', ['z'], 'probabilities', { axis: 1 })],
    initializers: [floats('w', [4, 3], weights)],
    inputs: [IMAGES],
    outputs: [PROBABILITIES],
  };
}

const s = 1 / 64;
export const SMALL = linear([s, 0, 0, 0, s, 0, 0, 0, s, 0, 0, 0]);
export const BIG = linear([0, 0, s, 0, s, 0, s, 0, 0, 0, 0, 0]);

export const MUX: Graph = {
  nodes: [
    ...linear([s, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).nodes,
    node('MatMul', ['x', 'mean'], 'column'),
    node('Reshape', ['column', 'flat'], 'score'),
  ],
  initializers: [
    floats('w', [4, 3], [s, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    floats(
      'mean',
      [4, 1],
      [1, 1, 1, 1].map((one) => one / 4 / 255),
    ),
    integers('flat', [1], [-1]),
  ],
  inputs: [IMAGES],
  outputs: [SCORE, PROBABILITIES],
};

export const FRAGILE: Graph = {
  nodes: [
    ...FLAT,
    node('MatMul', ['x', 'w'], 'z'),
    node('MatMul', ['x', 'ones'], 'sum'),
    node('Div', ['z', 'sum'], 'probabilities'),
  ],
  initializers: [
    floats('w', [4, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1]),
    floats('ones', [4, 1], [1, 1, 1, 1]),
  ],
  inputs: [IMAGES],
  outputs: [PROBABILITIES],
};

export type ManifestJson = Record<string, unknown>;

export interface TinyZoo {
  dir: string;
  manifest: ManifestJson;
}

/**
 * Writes the zoo into a folder.
 *
 * @param change last edits of the manifest before it is written
 * @param models other graphs than the usual ones, by file name
 */
export async function writeTinyZoo(
  dir: string,
  change: (manifest: ManifestJson) => void = () => undefined,
  models: Record<string, Graph> = {},
): Promise<TinyZoo> {
  await mkdir(dir, { recursive: true });
  const graphs = {
    'small.onnx': SMALL,
    'big.onnx': BIG,
    'mux.onnx': MUX,
    'fragile.onnx': FRAGILE,
    ...models,
  };
  const file = async (name: keyof typeof graphs) => {
    const bytes = onnxModel(graphs[name]);
    await writeFile(join(dir, name), bytes);
    return { file: name, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
  };
  const model = async (id: string, roles: string[], flops: number) => ({
    id,
    roles,
    flops,
    architecture: 'linear',
    accuracy: null,
    ...(await file(`${id}.onnx` as keyof typeof graphs)),
  });
  const manifest: ManifestJson = {
    schema: 1,
    name: 'tiny',
    version: '1',
    licence: 'MIT',
    input: { height: 2, width: 2, channels: 1, layout: 'NHWC', dtype: 'uint8' },
    labels: ['a', 'b', 'c'],
    models: [
      await model('small', ['local'], 12),
      await model('big', ['cloud'], 1200),
      await model('fragile', ['cloud'], 15),
    ],
    mux: {
      pair: { ...(await file('mux.onnx')), architecture: 'linear', flops: 16, accuracy: null, auroc: null },
    },
    policy: {
      mode: 'mux',
      thresholds: { mux: 0.5 },
      calibration: { modes: { cascade: { thresholds: { confidence: 0.9 } } } },
    },
  };
  change(manifest);
  await writeFile(join(dir, 'manifest.json'), JSON.stringify(manifest));
  return { dir, manifest };
}
