/**
 * Brings a graph of a newer operator set down to 16, which ONNX Runtime 1.11 reads. Most operators of an image classifier
 * have not changed since; some only moved an attribute into an input; LayerNormalization and Gelu are taken apart. That
 * the result computes the same, the import proves by running both.
 */
import { constantsOf } from './onnx-batch.js';
import { floats, node, OURS, readIntegers } from './onnx-build.js';
import {
  toNumber,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
} from './onnx-types.js';

export interface Lowered {
  nodes: OnnxNode[];
  /** Operators that opset 16 does not have, or not in this form. */
  left: string[];
}

/** Came after opset 16. */
const NEW = new Set([
  ...['BlackmanWindow', 'DFT', 'HammingWindow', 'HannWindow', 'MelWeightMatrix', 'STFT', 'SequenceMap'],
  ...['BitwiseAnd', 'BitwiseNot', 'BitwiseOr', 'BitwiseXor', 'CenterCropPad', 'Col2Im', 'GroupNormalization'],
  ...['Mish', 'DeformConv', 'AffineGrid', 'ImageDecoder', 'RegexFullMatch', 'StringConcat', 'StringSplit'],
  ...['Attention', 'RMSNormalization', 'RotaryEmbedding', 'Swish', 'TensorScatter'],
]);
/** Their axes are an attribute in opset 16, an input from 18 on. ReduceSum's have been an input since 13. */
const REDUCTIONS = new Set([
  ...['ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceProd', 'ReduceL1', 'ReduceL2'],
  ...['ReduceLogSum', 'ReduceLogSumExp', 'ReduceSumSquare'],
]);
/** Attributes that came after opset 16, with the value that means what opset 16 does. */
const NEW_ATTRIBUTES: Record<string, Record<string, number | null>> = {
  Resize: { antialias: 0, axes: null, keep_aspect_ratio_policy: null },
  AveragePool: { dilations: null },
  Cast: { saturate: 1 },
  Split: { num_outputs: null },
};

/** The nodes of a graph in opset 16, as far as that has them. */
export function lower(graph: OnnxGraph): Lowered {
  const constants = constantsOf(graph);
  const nodes: OnnxNode[] = [];
  const left = new Set<string>();
  for (const one of graph.node ?? []) {
    const lowered = one.domain ? [one] : lowerNode(one, constants);
    if (lowered) nodes.push(...lowered);
    else left.add(one.opType ?? '');
  }
  return { nodes, left: [...left] };
}

/** null where opset 16 has nothing that computes it. */
function lowerNode(one: OnnxNode, constants: Map<string, OnnxTensor>): OnnxNode[] | null {
  const { opType = '' } = one;
  if (NEW.has(opType) || (opType === 'Pad' && (one.input?.[3] ?? '') !== '')) return null;
  if (opType === 'LayerNormalization') return layerNormalization(one, constants);
  if (opType === 'Gelu') return gelu(one);
  if (REDUCTIONS.has(opType)) return reduction(one, constants);
  const fresh = NEW_ATTRIBUTES[opType];
  if (!fresh) return [one];
  const strangers = (one.attribute ?? []).filter(
    ({ name = '', i }) => name in fresh && toNumber(i) !== fresh[name],
  );
  const kept = (one.attribute ?? []).filter(({ name = '' }) => !(name in fresh));
  // Split into equal parts is what opset 16 does without sizes.
  if (strangers.length > 0 && opType !== 'Split') return null;
  return [{ ...one, attribute: kept }];
}

function reduction(one: OnnxNode, constants: Map<string, OnnxTensor>): OnnxNode[] | null {
  const [data = '', axes = ''] = one.input ?? [];
  if (axes === '') return [one];
  const tensor = constants.get(axes);
  const values = tensor ? readIntegers(tensor) : null;
  const attributes = (one.attribute ?? []).filter(({ name }) => name !== 'noop_with_empty_axes');
  if (!values || values.length === 0) return null;
  return [{ ...one, input: [data], attribute: [...attributes, { name: 'axes', type: 7, ints: values }] }];
}

/** (x − mean) / √(variance + ε) · scale + bias over the last axes. */
function layerNormalization(one: OnnxNode, constants: Map<string, OnnxTensor>): OnnxNode[] | null {
  const [x = '', scale = '', bias = ''] = one.input ?? [];
  const [y = '', ...more] = one.output ?? [];
  const given = (name: string): OnnxAttribute | undefined =>
    one.attribute?.find((entry) => entry.name === name);
  const axis = given('axis') ? signed(given('axis')) : -1;
  const rank = constants.get(scale)?.dims?.length ?? (axis === -1 ? 1 : null);
  if (rank === null || more.some((name) => name !== '')) return null;
  const axes = Array.from({ length: rank }, (_, i) => i - rank);
  const name = (part: string): string => `${OURS}norm/${part}/${y}`;
  const over = { axes, keepdims: 1 };
  const scaled = bias === '' ? y : name('scaled');
  return [
    node('ReduceMean', [x], name('mean'), over),
    node('Sub', [x, name('mean')], name('centred')),
    node('Mul', [name('centred'), name('centred')], name('squares')),
    node('ReduceMean', [name('squares')], name('variance'), over),
    floats(name('epsilon'), [], [given('epsilon')?.f ?? 1e-5]),
    node('Add', [name('variance'), name('epsilon')], name('more')),
    node('Sqrt', [name('more')], name('deviation')),
    node('Div', [name('centred'), name('deviation')], name('unit')),
    node('Mul', [name('unit'), scale], scaled),
    ...(bias === '' ? [] : [node('Add', [scaled, bias], y)]),
  ];
}

/** x · (1 + erf(x / √2)) / 2; the approximation by tanh is none of these. */
function gelu(one: OnnxNode): OnnxNode[] | null {
  const [x = ''] = one.input ?? [];
  const [y = ''] = one.output ?? [];
  const how = one.attribute?.find(({ name }) => name === 'approximate')?.s;
  if (how && Buffer.from(how).toString() !== 'none') return null;
  const name = (part: string): string => `${OURS}gelu/${part}/${y}`;
  return [
    floats(name('root'), [], [Math.SQRT1_2]),
    floats(name('one'), [], [1]),
    floats(name('half'), [], [0.5]),
    node('Mul', [x, name('root')], name('scaled')),
    node('Erf', [name('scaled')], name('erf')),
    node('Add', [name('erf'), name('one')], name('sum')),
    node('Mul', [x, name('sum')], name('double')),
    node('Mul', [name('double'), name('half')], y),
  ];
}

function signed(attribute: OnnxAttribute | undefined): number {
  return toNumber(attribute?.i);
}
