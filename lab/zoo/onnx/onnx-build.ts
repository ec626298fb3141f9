/** Nodes, constants and value infos of an ONNX graph, built. Constants are nodes: those are allowed in every IR. */
import {
  ATTRIBUTE,
  FLOAT,
  INT64,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValueInfo,
} from './onnx-types.js';

/** What every tensor that the import adds is called, so that none meets a tensor of the model. */
export const OURS = 'edgemux/';

/** One node with one output; attributes are integers or lists of them. */
export function node(
  opType: string,
  input: string[],
  output: string,
  attributes: Record<string, number | number[]> = {},
): OnnxNode {
  return {
    opType,
    name: `${OURS}${opType}/${output}`,
    input,
    output: [output],
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  };
}

function attribute(name: string, value: number | number[]): OnnxAttribute {
  return typeof value === 'number'
    ? { name, type: ATTRIBUTE.int, i: value }
    : { name, type: ATTRIBUTE.ints, ints: value };
}

/** A float32 constant of dims `dims`. */
export function floats(output: string, dims: number[], values: ArrayLike<number>): OnnxNode {
  return constant(output, { dims, dataType: FLOAT, rawData: littleEndian(Float32Array.from(values)) });
}

/** A vector of int64; a single number without `dims` in brackets is a vector of one. */
export function integers(output: string, values: readonly number[]): OnnxNode {
  return constant(output, integerTensor(output, values));
}

/** A single uint8 or int8. */
export function zeroPoint(output: string, dataType: number, value: number): OnnxNode {
  return constant(output, { dims: [], dataType, rawData: Uint8Array.of(value & 0xff) });
}

/** TensorProto of a vector of int64. */
export function integerTensor(name: string, values: readonly number[]): OnnxTensor {
  const rawData = littleEndian(BigInt64Array.from(values, BigInt));
  return { name, dims: [values.length], dataType: INT64, rawData };
}

function constant(output: string, t: OnnxTensor): OnnxNode {
  return {
    ...node('Constant', [], output),
    attribute: [{ name: 'value', type: ATTRIBUTE.tensor, t: { ...t, name: output } }],
  };
}

/** Bytes as ONNX wants them; every machine that Node runs ONNX Runtime on is little-endian itself. */
function littleEndian(values: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** An input or output of the graph; a dim given as text is free. */
export function tensorInfo(name: string, elemType: number, dims: (number | string)[]): OnnxValueInfo {
  const dim = dims.map((side) => (typeof side === 'number' ? { dimValue: side } : { dimParam: side }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** The int64 values of a constant; null for anything else. */
export function readIntegers(tensor: OnnxTensor): number[] | null {
  if (tensor.dataType !== INT64) return null;
  if (tensor.int64Data && tensor.int64Data.length > 0)
    return tensor.int64Data.map((value) => (typeof value === 'number' ? value : value.toNumber()));
  const raw = Buffer.from(tensor.rawData ?? []);
  return Array.from({ length: raw.length / 8 }, (_, i) => Number(raw.readBigInt64LE(8 * i)));
}
