/**
 * The parts of ONNX's schema that the import reads and writes, as plain data; whatever else a file holds is carried
 * along untouched. Names are those of the schema in camel case. A decoded message has every field (empty where the
 * file has none); one that we build has what it needs.
 */

/** A 64-bit integer: as decoded, or as a number that we wrote. */
export type Int64 = number | { toNumber(): number };

export interface StringEntry {
  key?: string;
  value?: string;
}

export interface OnnxTensor {
  name?: string;
  dims?: Int64[];
  dataType?: number;
  floatData?: number[];
  int64Data?: Int64[];
  rawData?: Uint8Array;
  externalData?: StringEntry[];
  /** 1: the data is in a file of its own. */
  dataLocation?: number;
}

export interface OnnxAttribute {
  name?: string;
  type?: number;
  i?: Int64;
  f?: number;
  s?: Uint8Array;
  ints?: Int64[];
  t?: OnnxTensor | null;
  tensors?: OnnxTensor[];
  g?: OnnxGraph | null;
  graphs?: OnnxGraph[];
}

export interface OnnxNode {
  input?: string[];
  output?: string[];
  name?: string;
  opType?: string;
  domain?: string;
  attribute?: OnnxAttribute[];
}

/** One side of a tensor: a number (`dimValue`), a name (`dimParam`) or unknown; `value` says which in a decoded one. */
export interface OnnxDim {
  value?: 'dimValue' | 'dimParam';
  dimValue?: Int64;
  dimParam?: string;
}

export interface OnnxTensorType {
  elemType?: number;
  shape?: { dim?: OnnxDim[] } | null;
}

export interface OnnxValueInfo {
  name?: string;
  type?: { tensorType?: OnnxTensorType | null } | null;
}

export interface OnnxGraph {
  name?: string;
  node?: OnnxNode[];
  initializer?: OnnxTensor[];
  sparseInitializer?: { values?: OnnxTensor | null }[];
  input?: OnnxValueInfo[];
  output?: OnnxValueInfo[];
  valueInfo?: OnnxValueInfo[];
  quantizationAnnotation?: { tensorName?: string; quantParameterTensorNames?: StringEntry[] }[];
}

export interface OnnxModel {
  irVersion?: Int64;
  opsetImport?: { domain?: string; version?: Int64 }[];
  producerName?: string;
  producerVersion?: string;
  graph?: OnnxGraph | null;
  functions?: object[];
  trainingInfo?: object[];
}

/** TensorProto.DataType: position = number. From 17 on they came with IR 9. */
export const DATA_TYPES = [
  ...['undefined', 'float32', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string', 'bool'],
  ...['float16', 'float64', 'uint32', 'uint64', 'complex64', 'complex128', 'bfloat16'],
] as const;
export const FLOAT = 1;
export const UINT8 = 2;
export const INT8 = 3;
export const INT64 = 7;
export const FLOAT16 = 10;

/** AttributeProto.AttributeType. */
export const ATTRIBUTE = { int: 2, tensor: 4, ints: 7 } as const;

/** `float32` for 1. */
export function typeName(dataType: number | undefined): string {
  return DATA_TYPES[dataType ?? 0] ?? `data type ${dataType}`;
}

/** An integer of the file as a number; beyond 2^53 it loses digits, which no version or dim has. */
export function toNumber(value: Int64 | undefined): number {
  if (value === undefined) return 0;
  return typeof value === 'number' ? value : value.toNumber();
}

/** Every graph of a model: the graph itself and those inside its nodes (If, Loop, Scan). */
export function* graphsOf(graph: OnnxGraph): Generator<OnnxGraph> {
  yield graph;
  for (const node of graph.node ?? []) {
    for (const { g, graphs } of node.attribute ?? []) {
      for (const inner of [...(g ? [g] : []), ...(graphs ?? [])]) yield* graphsOf(inner);
    }
  }
}

/** Every constant of a model: initializers and values of attributes. */
export function* tensorsOf(graph: OnnxGraph): Generator<OnnxTensor> {
  for (const { initializer = [], node = [] } of graphsOf(graph)) {
    yield* initializer;
    for (const { attribute = [] } of node) {
      for (const { t, tensors = [] } of attribute) {
        if (t) yield t;
        yield* tensors;
      }
    }
  }
}
