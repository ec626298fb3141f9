/** Gives names of a model's tensors free for ours. */
import { OURS } from './onnx-build.js';
import { graphsOf, type OnnxGraph, type OnnxNode } from './onnx-types.js';

/** Names that a zoo's graphs give to their input and outputs. */
const TAKEN = new Set(['images', 'probabilities', 'score']);

/**
 * Renames, in place and in all inner graphs, every tensor that is called as a zoo's own input or outputs are, or as what an
 * import adds: the file may come from an import.
 *
 * @param more nodes that were made of the graph's own
 * @returns old name → new name
 */
export function clearNames(graph: OnnxGraph, more: readonly OnnxNode[] = []): Map<string, string> {
  const renamed = new Map<string, string>();
  const used = new Set([...graphsOf(graph), { node: [...more] }].flatMap(namesIn));
  const clear = (name: string): string => {
    if (!TAKEN.has(name) && !name.startsWith(OURS)) return name;
    const known = renamed.get(name);
    if (known !== undefined) return known;
    // A model that was imported before has such names already.
    let other = `${name}/of-the-model`;
    while (used.has(other)) other += '/of-the-model';
    used.add(other);
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

/** Names of all tensors that a graph's nodes read and write, and of what goes in and out. */
function namesIn({ node = [], initializer = [], input = [], output = [] }: OnnxGraph): string[] {
  const ofNodes = node.flatMap((one) => [...(one.input ?? []), ...(one.output ?? [])]);
  return [...ofNodes, ...[initializer, input, output].flat().map(({ name = '' }) => name)];
}

function renameNodes(nodes: readonly OnnxNode[], clear: (name: string) => string): void {
  for (const node of nodes) {
    // Nodes need no names, and ours come again.
    if (node.name?.startsWith(OURS)) node.name = '';
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
