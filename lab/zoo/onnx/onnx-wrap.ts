/**
 * From somebody's network to one of a zoo: `images` uint8 [N,H,W,C] in, `probabilities` float32 [N,K] out, what the
 * network wants done to pixels inside the graph. And the same network with its input baked in, to compare with.
 */
import { freeBatch } from './onnx-batch.js';
import { floats, integers, node, OURS, tensorInfo } from './onnx-build.js';
import type { Versions } from './onnx-check.js';
import type { ReadModel } from './onnx-file.js';
import { channelsOf, inputDims, pixelNodes, type Preprocessing } from './onnx-pixels.js';
import { FLOAT, UINT8, type OnnxModel, type OnnxNode } from './onnx-types.js';

/** What is known of a model once it is checked. */
export interface Subject {
  model: ReadModel;
  versions: Versions;
  /** Name of its image input, and the batch size that this is fixed to, or null. */
  input: string;
  batch: number | null;
  /** Name of the output with the class scores. */
  output: string;
  /** Number of classes K. */
  classes: number;
  preprocessing: Preprocessing;
}

/** The model as a zoo ships it. `softmax` where its output is logits. */
export function wrapModel(subject: Subject, softmax: boolean): OnnxModel {
  const { model, input, batch, output, classes, preprocessing } = subject;
  const { height, width } = preprocessing;
  const own = batch === null ? (model.graph.node ?? []) : freeBatch(model.graph, input, batch);
  const flat = `${OURS}flat`;
  return assemble(subject, {
    nodes: [
      ...pixelNodes(preprocessing, input),
      ...own,
      node('Flatten', [output], flat, { axis: 1 }),
      softmax
        ? node('Softmax', [flat], 'probabilities', { axis: 1 })
        : node('Identity', [flat], 'probabilities'),
    ],
    dims: [height, width, channelsOf(preprocessing)],
    classes,
  });
}

/** Dims of the `images` that a probe takes and does not look at; their number is the batch. */
export const PROBE_INPUT = { height: 1, width: 1, channels: 1 } as const;

/**
 * The model exactly as it is, its input a constant: `probabilities` is what its own output holds.
 *
 * @param tensor float32 of one image; a model fixed to a batch gets it that often
 */
export function bakedModel(subject: Subject, tensor: Float32Array): OnnxModel {
  const { model, input, output, classes, preprocessing } = subject;
  const count = subject.batch ?? 1;
  const values = new Float32Array(count * tensor.length);
  for (let i = 0; i < count; i += 1) values.set(tensor, i * tensor.length);
  return assemble(subject, {
    nodes: [
      floats(input, inputDims(preprocessing, count), values),
      ...(model.graph.node ?? []),
      ...firstRow(output),
    ],
    dims: [1, 1, 1],
    classes,
  });
}

/**
 * Nodes that hand the first row of `value` out as `probabilities`, once for each image. ONNX Runtime cannot foresee
 * how often that is, and so leaves N free, however fixed the dims of `value` are: the runtime door wants it so.
 */
export function firstRow(value: string): OnnxNode[] {
  const name = (part: string) => `${OURS}row/${part}`;
  return [
    node('Shape', ['images'], name('dims')),
    integers(name('zero'), [0]),
    integers(name('once'), [1]),
    node('Gather', [name('dims'), name('zero')], name('count'), { axis: 0 }),
    node('Concat', [name('count'), name('once')], name('repeats'), { axis: 0 }),
    node('Flatten', [value], name('flat'), { axis: 1 }),
    node('Gather', [name('flat'), name('zero')], name('first'), { axis: 0 }),
    node('Tile', [name('first'), name('repeats')], 'probabilities'),
  ];
}

/**
 * A model around nodes: everything of the original but its inputs, outputs and remembered shapes, which hold for
 * its old batch.
 */
export function assemble(
  { model, versions }: Pick<Subject, 'model' | 'versions'>,
  { nodes, dims, classes }: { nodes: OnnxNode[]; dims: number[]; classes: number },
): OnnxModel {
  return {
    ...model,
    irVersion: versions.writtenIr,
    graph: {
      ...model.graph,
      node: nodes,
      input: [tensorInfo('images', UINT8, ['N', ...dims])],
      output: [tensorInfo('probabilities', FLOAT, ['N', classes])],
      valueInfo: [],
    },
  };
}
