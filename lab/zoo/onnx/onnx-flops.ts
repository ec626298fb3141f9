/**
 * FLOPs as the paper counts them: multiply-accumulates of convolutions and matrix products, per image.
 *
 * Shapes are not inferred here: a probe asks ONNX Runtime. The model is run on one image with a Shape node at the
 * tensors that matter, and the shapes come back as its output.
 */
import { integers, node, OURS } from './onnx-build.js';
import { SUM } from './onnx-scores.js';
import { firstRow } from './onnx-wrap.js';
import { FLOAT, graphsOf, toNumber, type OnnxGraph, type OnnxModel, type OnnxNode } from './onnx-types.js';

/** Index of the operand whose shape gives the taps of one output value, by operator. */
const KERNELS: Record<string, number> = { Conv: 1, FusedConv: 1, ConvInteger: 1, QLinearConv: 3 };
const PRODUCTS = new Set([
  'MatMul',
  'FusedMatMul',
  'MatMulInteger',
  'QLinearMatMul',
  'Gemm',
  'FusedGemm',
  'QGemm',
]);
/** They multiply too, in ways that are not counted. */
const UNCOUNTED = new Set([
  ...['Einsum', 'LSTM', 'GRU', 'RNN', 'Attention', 'QAttention', 'MultiHeadAttention', 'ConvTranspose'],
]);

/** Places in the output for one shape: rank is at most that, what is beyond reads 0. */
const SLOTS = 8;

interface Counted {
  node: OnnxNode;
  /** Operand whose shape is asked for. */
  operand: string;
  result: string;
}

export interface FlopsProbe {
  model: OnnxModel;
  /** Length of its `probabilities`: that many numbers come back for one image. */
  length: number;
}

export interface Flops {
  /** Multiply-accumulates per image of all nodes whose shapes are known. */
  flops: number;
  /** Nodes that multiply and are not in `flops`: `LSTM 'encoder'`. */
  uncounted: string[];
}

/** @param wrapped a model with `images`; null where it has nothing to count */
export function flopsProbe(wrapped: OnnxModel & { graph: OnnxGraph }): FlopsProbe | null {
  const counted = countedNodes(wrapped.graph);
  if (counted.length === 0) return null;
  const names = counted.flatMap(({ operand, result }) => [operand, result]);
  const nodes = [...new Set(names)].flatMap(shapeNodes);
  const length = SLOTS * names.length;
  const graph = {
    ...wrapped.graph,
    node: [
      ...(wrapped.graph.node ?? []).filter(({ output = [] }) => !output.includes('probabilities')),
      integers(`${OURS}zeros`, new Array<number>(SLOTS).fill(0)),
      integers(
        `${OURS}slots`,
        Array.from({ length: SLOTS }, (_, i) => i),
      ),
      ...nodes,
      node('Concat', names.map(shapeName), `${OURS}shapes`, { axis: 0 }),
      node('Cast', [`${OURS}shapes`], `${OURS}numbers`, { to: FLOAT }),
      integers(`${OURS}one-row`, [1, length]),
      node('Reshape', [`${OURS}numbers`, `${OURS}one-row`], `${OURS}rows`),
      ...firstRow(`${OURS}rows`),
    ],
    output: (wrapped.graph.output ?? []).map((info) => ({
      ...info,
      type: { tensorType: { elemType: FLOAT, shape: { dim: [{ dimParam: 'N' }, { dimValue: length }] } } },
    })),
  };
  return { model: { ...wrapped, graph }, length };
}

function shapeName(tensor: string): string {
  return `${OURS}shape-of/${tensor}`;
}

/** Shape of a tensor, filled up with zeros to `SLOTS` numbers. */
function shapeNodes(tensor: string): OnnxNode[] {
  const name = shapeName(tensor);
  return [
    node('Shape', [tensor], `${name}/own`),
    node('Concat', [`${name}/own`, `${OURS}zeros`], `${name}/filled`, { axis: 0 }),
    node('Gather', [`${name}/filled`, `${OURS}slots`], name, { axis: 0 }),
  ];
}

/** Nodes of the outer graph that are counted. */
function countedNodes(graph: OnnxGraph): Counted[] {
  const found: Counted[] = [];
  for (const one of graph.node ?? []) {
    const operand = one.input?.[KERNELS[one.opType ?? ''] ?? 0];
    const result = one.output?.[0];
    if (isCounted(one) && operand && result) found.push({ node: one, operand, result });
  }
  return found;
}

/** What we added to a model is none of its cost. */
function isCounted({ opType = '', output }: OnnxNode): boolean {
  return (opType in KERNELS || PRODUCTS.has(opType)) && output?.[0] !== SUM;
}

/**
 * Multiply-accumulates from the shapes that the probe gave for one image.
 *
 * @param numbers output of the probe; empty where there was nothing to count
 */
export function countFlops(graph: OnnxGraph, numbers: Float32Array): Flops {
  const shape = (index: number) =>
    Array.from(numbers.subarray(SLOTS * index, SLOTS * (index + 1))).filter((side) => side > 0);
  let flops = 0;
  countedNodes(graph).forEach((counted, i) => {
    flops += multiply(counted.node, shape(2 * i), shape(2 * i + 1));
  });
  return { flops, uncounted: uncounted(graph) };
}

function multiply(node: OnnxNode, operand: readonly number[], result: readonly number[]): number {
  const values = product(result);
  if ((node.opType ?? '') in KERNELS) return values * product(operand.slice(1));
  const transposed = (node.attribute ?? []).some(({ name, i }) => name === 'transA' && toNumber(i) === 1);
  return values * (operand[transposed ? operand.length - 2 : operand.length - 1] ?? 0);
}

function product(sides: readonly number[]): number {
  return sides.reduce((all, side) => all * side, 1);
}

/** Nodes of inner graphs, whose shapes a probe cannot ask for, and operators that are not counted. */
function uncounted(graph: OnnxGraph): string[] {
  const found: string[] = [];
  for (const inner of graphsOf(graph)) {
    for (const node of inner.node ?? []) {
      const opType = node.opType ?? '';
      if (UNCOUNTED.has(opType) || (inner !== graph && isCounted(node)))
        found.push(`${opType} '${node.name || (node.output?.[0] ?? '')}'`);
    }
  }
  return found;
}
