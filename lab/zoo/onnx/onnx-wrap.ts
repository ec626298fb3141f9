/**
 * From somebody's network to one of a zoo: `images` uint8 [N,H,W,C] in, `probabilities` float32 [N,K] out, what the
 * network wants done to pixels inside the graph. And the same network with its input baked in, to compare with.
 */
import { freeBatch } from './onnx-batch.js';
import { floats, integers, node, OURS, tensorInfo } from './onnx-build.js';
import { TARGETS, type ImageInput, type Versions } from './onnx-check.js';
import type { ReadModel } from './onnx-file.js';
import { asType, channelsOf, inputDims, pixelNodes, type Preprocessing } from './onnx-pixels.js';
import { probabilityNodes, scoreNodes, type Reading, type Scores } from './onnx-scores.js';
import { FLOAT, UINT8, type OnnxModel, type OnnxNode } from './onnx-types.js';

/** What is known of a model once it is checked. */
export interface Subject {
  model: ReadModel;
  versions: Versions;
  input: Pick<ImageInput, 'name' | 'type'>;
  /** Batch size that the input is fixed to, or null. */
  batch: number | null;
  scores: Scores;
  preprocessing: Preprocessing;
}

/** The model as a zoo ships it. */
export function wrapModel(subject: Subject, reading: Reading): OnnxModel {
  const { model, versions, input, batch, scores, preprocessing } = subject;
  const { height, width } = preprocessing;
  const nodes = versions.lowered ?? model.graph.node ?? [];
  const own = batch === null ? nodes : freeBatch(model.graph, nodes, input.name, batch);
  const flat = `${OURS}flat`;
  const wrapped = assemble(model, {
    nodes: [
      ...pixelNodes(preprocessing, input.name, input.type),
      ...own,
      ...scoreNodes(model.graph, scores, flat),
      ...probabilityNodes(scores, reading, flat),
    ],
    dims: [height, width, channelsOf(preprocessing)],
    classes: scores.classes,
  });
  return { ...wrapped, irVersion: versions.writtenIr, opsetImport: opsets(subject) };
}

function opsets({ model, versions }: Subject): NonNullable<OnnxModel['opsetImport']> {
  return (model.opsetImport ?? []).map((one) =>
    one.domain ? one : { ...one, version: versions.writtenOpset },
  );
}

/** Dims of the `images` that a probe takes and does not look at; their number is the batch. */
export const PROBE_INPUT = { height: 1, width: 1, channels: 1 } as const;

/**
 * The model exactly as it is, its input a constant: `probabilities` is what its own output holds, as float32.
 *
 * @param tensor float32 of one image; a model fixed to a batch gets it that often
 */
export function bakedModel(subject: Subject, tensor: Float32Array): OnnxModel {
  const { model, versions, input, scores, preprocessing } = subject;
  const count = subject.batch ?? 1;
  const values = new Float32Array(count * tensor.length);
  for (let i = 0; i < count; i += 1) values.set(tensor, i * tensor.length);
  const [baked, flat] = [`${OURS}baked`, `${OURS}flat`];
  const probe = assemble(model, {
    nodes: [
      floats(baked, inputDims(preprocessing, count), values),
      ...asType(baked, input.name, input.type),
      ...(model.graph.node ?? []),
      ...scoreNodes(model.graph, scores, flat),
      ...firstRow(flat),
    ],
    dims: [1, 1, 1],
    classes: scores.own,
  });
  return { ...probe, irVersion: Math.min(TARGETS.any.ir, Math.max(4, versions.ir)) };
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
function assemble(
  model: ReadModel,
  { nodes, dims, classes }: { nodes: OnnxNode[]; dims: number[]; classes: number },
): OnnxModel {
  return {
    ...model,
    graph: {
      ...model.graph,
      node: nodes,
      input: [tensorInfo('images', UINT8, ['N', ...dims])],
      output: [tensorInfo('probabilities', FLOAT, ['N', classes])],
      valueInfo: [],
    },
  };
}
