/**
 * What a network wants done to camera pixels before it: as nodes of its graph, and, to check those, in TypeScript.
 *
 * x = (pixel / scale − mean) / std for pixels of 0-255, per channel in the network's own order.
 */
import { floats, integers, node, OURS, zeroPoint } from './onnx-build.js';
import { FLOAT, INT8, UINT8, type OnnxNode } from './onnx-types.js';

export const COLOURS = ['rgb', 'bgr', 'gray'] as const;
export const LAYOUTS = ['nchw', 'nhwc'] as const;
export type Colour = (typeof COLOURS)[number];
export type Layout = (typeof LAYOUTS)[number];

export interface Preprocessing {
  height: number;
  width: number;
  /** Order of the network's channels; `gray` has one. */
  colour: Colour;
  /** Layout of the network's input. */
  layout: Layout;
  /** What pixels are divided by first: 255 or 1. */
  scale: number;
  /** Per channel, of pixels / scale; one entry counts for all channels. */
  mean: readonly number[];
  std: readonly number[];
}

/** 1 for gray, else 3. */
export function channelsOf({ colour }: Pick<Preprocessing, 'colour'>): 1 | 3 {
  return colour === 'gray' ? 1 : 3;
}

/** Dims of the network's input for `count` images. */
export function inputDims(wanted: Preprocessing, count: number): number[] {
  const { height, width, layout } = wanted;
  const channels = channelsOf(wanted);
  return layout === 'nchw' ? [count, channels, height, width] : [count, height, width, channels];
}

/**
 * Nodes from `images` (uint8 NHWC, sRGB or grey) to `output`, as the network wants it.
 *
 * @param type of `output`, see `asType`
 */
export function pixelNodes(wanted: Preprocessing, output: string, type: number = FLOAT): OnnxNode[] {
  const channels = channelsOf(wanted);
  const [factor, shift] = factors(wanted);
  const dims = wanted.layout === 'nchw' ? [channels, 1, 1] : [channels];
  const names = { cast: `${OURS}cast`, order: `${OURS}order`, moved: `${OURS}moved` };
  const nodes = [node('Cast', ['images'], names.cast, { to: FLOAT })];
  let last = names.cast;
  if (wanted.colour === 'bgr') {
    nodes.push(integers(`${OURS}bgr`, [2, 1, 0]));
    nodes.push(node('Gather', [last, `${OURS}bgr`], names.order, { axis: 3 }));
    last = names.order;
  }
  if (wanted.layout === 'nchw') {
    nodes.push(node('Transpose', [last], names.moved, { perm: [0, 3, 1, 2] }));
    last = names.moved;
  }
  nodes.push(
    floats(`${OURS}factor`, dims, factor),
    floats(`${OURS}shift`, dims, shift),
    node('Mul', [last, `${OURS}factor`], `${OURS}scaled`),
    node('Add', [`${OURS}scaled`, `${OURS}shift`], `${OURS}shifted`),
    ...asType(`${OURS}shifted`, output, type),
  );
  return nodes;
}

/** float32 → what a network's input holds; integers are rounded, and kept in their range. */
export function asType(value: string, output: string, type: number): OnnxNode[] {
  if (type === FLOAT) return [node('Identity', [value], output)];
  if (type !== UINT8 && type !== INT8) return [node('Cast', [value], output, { to: type })];
  return [
    floats(`${OURS}step`, [], [1]),
    zeroPoint(`${OURS}zero`, type, 0),
    node('QuantizeLinear', [value, `${OURS}step`, `${OURS}zero`], output),
  ];
}

/** (p / scale − mean) / std = p · factor + shift. */
function factors(wanted: Preprocessing): [number[], number[]] {
  const each = <T>(of: (channel: number) => T) => Array.from({ length: channelsOf(wanted) }, (_, c) => of(c));
  return [
    each((c) => 1 / (wanted.scale * entry(wanted.std, c))),
    each((c) => -entry(wanted.mean, c) / entry(wanted.std, c)),
  ];
}

/** One number for all channels, or one each. */
function entry(values: readonly number[], channel: number): number {
  return values[values.length === 1 ? 0 : channel] ?? NaN;
}

/**
 * The same in TypeScript, term by term as the formula reads.
 *
 * @param pixels uint8 HWC, sRGB or grey
 * @returns float32 of `inputDims(wanted, 1)`
 */
export function preprocess(pixels: Uint8Array, wanted: Preprocessing): Float32Array {
  const { height, width, colour, layout, scale, mean, std } = wanted;
  const channels = channelsOf(wanted);
  const result = new Float32Array(height * width * channels);
  for (let place = 0; place < height * width; place += 1) {
    for (let c = 0; c < channels; c += 1) {
      const source = colour === 'bgr' ? 2 - c : c;
      const value = ((pixels[place * channels + source] ?? 0) / scale - entry(mean, c)) / entry(std, c);
      result[layout === 'nchw' ? c * height * width + place : place * channels + c] = value;
    }
  }
  return result;
}
