/** Small classifiers as somebody's exporter would write them: float32 input, seeded weights, three classes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { runImport } from '../../../../lab/zoo/import.js';
import { importOptions } from '../../../../lab/zoo/import-options.js';
import { seededRandom } from '../../../../common/random.js';
import { floats, integers, node, tensorInfo } from '../../../../lab/zoo/onnx/onnx-build.js';
import { encodeModel } from '../../../../lab/zoo/onnx/onnx-file.js';
import {
  FLOAT,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../../../../lab/zoo/onnx/onnx-types.js';
import { loadZoo, type Zoo } from '../../../../mux/zoo/zoo.js';

export const SIDE = 4;
export const LABELS = ['cat', 'dog', 'cow'];

export interface TinyOptions {
  seed?: number;
  layout?: 'nchw' | 'nhwc';
  channels?: 1 | 3;
  /** Batch of the input: a number is a fixed one. */
  batch?: number | string;
  opset?: number;
  ir?: number;
  classes?: number;
  /** Ends in a softmax of its own. */
  softmax?: boolean;
  input?: string;
  output?: string;
  inputType?: number;
  /** Dims of the Reshape that flattens; a Flatten without. */
  reshape?: number[];
  /** Instead of the linear layer's weights. */
  weights?: number[];
}

/** input [N,C,4,4] → 3 x 3 convolution to two maps (NCHW only) → flat → linear → scores [N,K]. */
export function tinyModel(options: TinyOptions = {}): OnnxModel {
  const { layout = 'nchw', channels = 3, batch = 'N', classes = 3, input = 'x', output = 'y' } = options;
  const random = seededRandom(options.seed ?? 1);
  const values = (count: number) => Array.from({ length: count }, () => 2 * random() - 1);
  const maps = layout === 'nchw' ? 2 : channels;
  const length = maps * SIDE * SIDE;
  const nodes: OnnxNode[] = [];
  let last = input;
  if (layout === 'nchw') {
    nodes.push(floats('k', [2, channels, 3, 3], values(18 * channels)));
    nodes.push(node('Conv', [last, 'k'], 'c', { pads: [1, 1, 1, 1], kernel_shape: [3, 3] }));
    last = 'c';
  }
  if (options.reshape) {
    nodes.push(integers('flat-dims', options.reshape), node('Reshape', [last, 'flat-dims'], 'f'));
  } else nodes.push(node('Flatten', [last], 'f', { axis: 1 }));
  const scores = options.softmax ? 'z' : output;
  nodes.push(floats('b', [classes], values(classes)), node('Gemm', ['f', 'w', 'b'], scores));
  if (options.softmax) nodes.push(node('Softmax', [scores], output, { axis: 1 }));
  const dims = layout === 'nchw' ? [channels, SIDE, SIDE] : [SIDE, SIDE, channels];
  const weights = options.weights ?? values(length * classes);
  return model(options, {
    node: nodes,
    initializer: [tensor('w', [length, classes], weights)],
    input: [tensorInfo(input, options.inputType ?? FLOAT, [batch, ...dims])],
    output: [tensorInfo(output, FLOAT, [batch, classes])],
  });
}

export function model(
  { opset = 13, ir = 7 }: Pick<TinyOptions, 'opset' | 'ir'>,
  graph: NonNullable<OnnxModel['graph']>,
): OnnxModel {
  const opsetImport = [{ domain: '', version: opset }];
  return { irVersion: ir, opsetImport, producerName: 'test', graph: { name: 'tiny', ...graph } };
}

/** An initializer of float32 values. */
export function tensor(name: string, dims: number[], values: number[]): OnnxTensor {
  return { name, dims, dataType: FLOAT, rawData: new Uint8Array(Float32Array.from(values).buffer) };
}

/** Writes models as `<name>.onnx` and `labels.txt`; returns the command line of an import of them. */
export async function importArgs(
  dir: string,
  models: Record<string, OnnxModel>,
  extra: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  await mkdir(dir, { recursive: true });
  for (const [id, one] of Object.entries(models)) await writeFile(join(dir, `${id}.onnx`), encodeModel(one));
  await writeFile(join(dir, 'labels.txt'), `${LABELS.join('\n')}\n`);
  return {
    model: Object.keys(models).map((id) => `${id}=${join(dir, id)}.onnx`),
    labels: join(dir, 'labels.txt'),
    size: `${SIDE}x${SIDE}`,
    mean: ['0.485,0.456,0.406'],
    std: ['0.229,0.224,0.225'],
    name: 'tiny',
    out: join(dir, 'zoo'),
    ...extra,
  };
}

/** Two models of different weights. */
export const both = (options: TinyOptions = {}) => ({
  local: tinyModel({ ...options, seed: 1 }),
  cloud: tinyModel({ ...options, seed: 2 }),
});

/** Imports, and what was said. */
export async function imported(
  t: Test,
  models: Record<string, OnnxModel>,
  extra: Record<string, unknown> = {},
  dir = t.testdir(),
): Promise<{ zoo: Zoo; said: string; dir: string }> {
  let said = '';
  const options = importOptions(await importArgs(dir, models, extra));
  await runImport(options, { write: (text) => (said += text), wallMs: () => Date.UTC(2030, 0, 2) });
  return { zoo: await loadZoo(options.outDir), said, dir };
}
