/**
 * A zoo whose networks look at a picture differently, small enough to foresee: mux 16 x 16 grey in a letterbox, local
 * model 32 x 32 grey stretched, server's model 48 x 48 colour cropped.
 *
 * - mux: score = mean brightness / 255
 * - local `small`: softmax of (8 m, 4, 0), m the mean brightness in [0, 1]
 * - cloud `big`: softmax of 8 times the means of red, green and blue in [0, 1]
 */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { seededRandom } from '../../common/random.js';
import {
  FLOAT,
  floats,
  integers,
  node,
  onnxModel,
  tensorInfo,
  UINT8,
  type Graph,
} from '../mux/support/onnx.js';

const GAIN = 8;
const COMMON = { layout: 'NHWC', dtype: 'uint8' } as const;
export const MUX_INPUT = { height: 16, width: 16, channels: 1, ...COMMON, fit: 'letterbox' } as const;
export const LOCAL_INPUT = { height: 32, width: 32, channels: 1, ...COMMON } as const;
export const CLOUD_INPUT = {
  height: 48,
  width: 48,
  channels: 3,
  ...COMMON,
  fit: 'crop',
  share: 0.875,
  kernel: 'bicubic',
} as const;

type Size = { height: number; width: number; channels: number };

/** Softmax of a linear map of all values, and the shared part of a mux. */
function linear({ height, width, channels }: Size, weight: (channel: number, k: number) => number): Graph {
  const size = height * width * channels;
  const weights = Array.from({ length: size * 3 }, (_, at) => weight(Math.floor(at / 3) % channels, at % 3));
  return {
    nodes: [
      node('Cast', ['images'], 'f', { to: FLOAT }),
      node('Flatten', ['f'], 'x', { axis: 1 }),
      node('MatMul', ['x', 'w'], 'y'),
      node('Add', ['y', 'b'], 'z'),
      node('Softmax', ['z'], 'probabilities', { axis: 1 }),
    ],
    initializers: [
      floats('w', [size, 3], weights),
      floats('b', [3], channels === 1 ? [0, GAIN / 2, 0] : [0, 0, 0]),
    ],
    inputs: [tensorInfo('images', UINT8, ['N', height, width, channels])],
    outputs: [tensorInfo('probabilities', FLOAT, ['N', 3])],
  };
}

const perValue = ({ height, width }: Size): number => GAIN / 255 / height / width;

function muxGraph(size: Size): Graph {
  const graph = linear(size, (_, k) => (k === 0 ? perValue(size) : 0));
  const mean = new Array<number>(size.height * size.width).fill(1 / 255 / size.height / size.width);
  return {
    ...graph,
    nodes: [
      ...graph.nodes,
      node('MatMul', ['x', 'm'], 'column'),
      node('Reshape', ['column', 'flat'], 'score'),
    ],
    initializers: [...graph.initializers, floats('m', [mean.length, 1], mean), integers('flat', [1], [-1])],
    outputs: [tensorInfo('score', FLOAT, ['N']), ...graph.outputs],
  };
}

/** As `linear`, of a group of two: correct = sigmoid and weights = softmax of the mean red and green. */
function groupMuxGraph(size: Size): Graph {
  const graph = linear(size, (channel, k) => (k === channel ? perValue(size) : 0));
  const count = size.height * size.width * size.channels;
  const weights = Array.from({ length: count * 2 }, (_, at) =>
    Math.floor(at / 2) % size.channels === at % 2 ? perValue(size) : 0,
  );
  return {
    ...graph,
    nodes: [
      ...graph.nodes,
      node('MatMul', ['x', 'v'], 'u'),
      node('Sigmoid', ['u'], 'correct'),
      node('Softmax', ['u'], 'weights', { axis: 1 }),
    ],
    initializers: [...graph.initializers, floats('v', [count, 2], weights)],
    outputs: [
      tensorInfo('correct', FLOAT, ['N', 2]),
      tensorInfo('weights', FLOAT, ['N', 2]),
      ...graph.outputs,
    ],
  };
}

/** Writes the zoo. @param change last edits of the manifest, as mistakes that are to be caught */
export async function writeTwoSizes(
  dir: string,
  change: (manifest: Record<string, unknown>) => void = () => undefined,
): Promise<string> {
  await mkdir(dir, { recursive: true });
  const file = async (name: string, graph: Graph) => {
    const bytes = onnxModel(graph);
    await writeFile(join(dir, name), bytes);
    return { file: name, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
  };
  const facts = { architecture: 'linear', accuracy: null };
  const small = linear(LOCAL_INPUT, (_, k) => (k === 0 ? perValue(LOCAL_INPUT) : 0));
  const big = linear(CLOUD_INPUT, (channel, k) => (k === channel ? perValue(CLOUD_INPUT) : 0));
  const manifest: Record<string, unknown> = {
    schema: 2,
    name: 'two-sizes',
    version: '1',
    licence: 'MIT',
    input: LOCAL_INPUT,
    labels: ['red', 'green', 'blue'],
    models: [
      { id: 'small', roles: ['local'], flops: 3072, ...facts, ...(await file('small.onnx', small)) },
      {
        id: 'big',
        roles: ['cloud'],
        flops: 20_736,
        ...facts,
        ...(await file('big.onnx', big)),
        input: CLOUD_INPUT,
      },
    ],
    mux: {
      pair: {
        ...(await file('mux.onnx', muxGraph(MUX_INPUT))),
        ...facts,
        flops: 1024,
        auroc: null,
        input: MUX_INPUT,
      },
    },
    policy: { mode: 'mux', thresholds: { mux: 0.3 } },
  };
  change(manifest);
  await writeFile(join(dir, 'manifest.json'), JSON.stringify(manifest));
  return dir;
}

/** Input of the second model of the group and, at half of its size, of the group's mux. */
export const MIDDLE_INPUT = { ...CLOUD_INPUT, height: 32, width: 32 } as const;

/** The zoo with a group: `middle` 32 x 32 beside `big`, and a mux of 16 x 16, which all see the same part of a picture. */
export async function writeTwoSizesGroup(
  dir: string,
  change: (manifest: Record<string, unknown>) => void = () => undefined,
): Promise<string> {
  await mkdir(dir, { recursive: true });
  const input = { ...MIDDLE_INPUT, height: 16, width: 16 };
  const middle = linear(MIDDLE_INPUT, (channel, k) => (k === channel ? perValue(MIDDLE_INPUT) : 0));
  const entry = async (name: string, graph: Graph) => {
    const bytes = onnxModel(graph);
    await writeFile(join(dir, name), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { file: name, sha256, bytes: bytes.length, architecture: 'linear', accuracy: null };
  };
  const [model, mux] = [await entry('middle.onnx', middle), await entry('group.onnx', groupMuxGraph(input))];
  return writeTwoSizes(dir, (manifest) => {
    const models = manifest['models'] as object[];
    models.splice(1, 0, { id: 'middle', roles: ['group'], flops: 9216, ...model, input: MIDDLE_INPUT });
    const group = { ...mux, flops: 1536, auroc: null, input, models: ['middle', 'big'] };
    manifest['mux'] = { ...(manifest['mux'] as object), group };
    change(manifest);
  });
}

/**
 * A picture of 240 x 160, red, green and blue from left to right, Cropped it is mostly green, stretched all three alike.
 *
 * @param noise in grey levels: much of it takes many bytes
 */
export async function stripes({ noise = 25 } = {}): Promise<Buffer> {
  const random = seededRandom(5);
  const [width, height] = [240, 160];
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const stripe = Math.floor((Math.floor(at / 3) % width) / (width / 3));
    return (stripe === at % 3 ? 230 : 0) + noise * random();
  });
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return noise > 0 ? image.png().toBuffer() : image.webp({ lossless: true }).toBuffer();
}
