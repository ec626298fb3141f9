/** Frees a model from the batch size that it was exported with, as far as that stands in its Reshape nodes. */
import { integerTensor, OURS, readIntegers } from './onnx-build.js';
import { ATTRIBUTE, toNumber, type OnnxGraph, type OnnxNode, type OnnxTensor } from './onnx-types.js';

/**
 * Nodes in which a Reshape to [batch, …] of something computed from the input says "as the input has" (0) instead
 * of `batch`. Whether that was all, a run with two images has to show.
 *
 * @param nodes those of the graph, or what was made of them
 * @param input name of the image input
 * @returns new nodes; those of the graph stay as they are
 */
export function freeBatch(
  graph: OnnxGraph,
  nodes: readonly OnnxNode[],
  input: string,
  batch: number,
): OnnxNode[] {
  const constants = constantsOf(graph);
  const computed = new Set([input]);
  const freed: OnnxNode[] = [];
  for (const node of nodes) {
    const [data = '', shape = ''] = node.input ?? [];
    const fromInput = (node.input ?? []).some((name) => computed.has(name));
    if (fromInput) for (const name of node.output ?? []) computed.add(name);
    const tensor = constants.get(shape);
    const dims = node.opType === 'Reshape' && computed.has(data) && tensor ? readIntegers(tensor) : null;
    if (!dims || dims.length < 2 || dims[0] !== batch || zeroIsZero(node)) {
      freed.push(node);
      continue;
    }
    const name = `${OURS}shape/${node.output?.[0] ?? ''}`;
    freed.push(shapeNode(name, [0, ...dims.slice(1)]), { ...node, input: [data, name] });
  }
  return freed;
}

/** Reshape with `allowzero` takes 0 as a length. */
function zeroIsZero({ attribute = [] }: OnnxNode): boolean {
  return attribute.some(({ name, i }) => name === 'allowzero' && toNumber(i) === 1);
}

/** Constants by name: initializers and values of Constant nodes. */
export function constantsOf(graph: OnnxGraph): Map<string, OnnxTensor> {
  const found = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? '', tensor]));
  for (const { opType, output, attribute } of graph.node ?? []) {
    const value = attribute?.find(({ name }) => name === 'value')?.t;
    if (opType === 'Constant' && value) found.set(output?.[0] ?? '', value);
  }
  return found;
}

function shapeNode(name: string, dims: number[]): OnnxNode {
  const t = integerTensor(name, dims);
  return {
    opType: 'Constant',
    name,
    output: [name],
    attribute: [{ name: 'value', type: ATTRIBUTE.tensor, t }],
  };
}
