/** Gives names of a model's tensors free for ours. */
import { graphsOf, type OnnxGraph, type OnnxNode } from './onnx-types.js';

/** Names that a zoo's graphs give to their input and outputs. */
const TAKEN = new Set(['images', 'probabilities', 'score']);

/**
 * Renames, in place and in all inner graphs, every tensor that is called as a zoo's own input or outputs are.
 *
 * @param more nodes that were made of the graph's own
 * @returns old name → new name
 */
export function clearNames(graph: OnnxGraph, more: readonly OnnxNode[] = []): Map<string, string> {
  const renamed = new Map<string, string>();
  const clear = (name: string): string => {
    if (!TAKEN.has(name)) return name;
    const other = `${name}/of-the-model`;
    renamed.set(name, other);
    return other;
  };
  for (const inner of graphsOf(graph)) renameIn(inner, clear);
  renameNodes(
    more.filter((one) => !(graph.node ?? []).includes(one)),
    clear,
  );
  return renamed;
}

function renameNodes(nodes: readonly OnnxNode[], clear: (name: string) => string): void {
  for (const node of nodes) {
    if (node.input) node.input = node.input.map(clear);
    if (node.output) node.output = node.output.map(clear);
  }
}

function renameIn(graph: OnnxGraph, clear: (name: string) => string): void {
  renameNodes(graph.node ?? [], clear);
  const values = [graph.initializer, graph.input, graph.output, graph.valueInfo];
  for (const value of values.flatMap((list) => list ?? [])) value.name = clear(value.name ?? '');
  for (const { values: tensor } of graph.sparseInitializer ?? []) {
    if (tensor) tensor.name = clear(tensor.name ?? '');
  }
  for (const annotation of graph.quantizationAnnotation ?? []) {
    annotation.tensorName = clear(annotation.tensorName ?? '');
    for (const entry of annotation.quantParameterTensorNames ?? []) entry.value = clear(entry.value ?? '');
  }
}
