/**
 * Resizing of 8-bit pictures as Pillow does it, and with it torchvision's transforms: bit by bit.
 *
 * The method: both axes one after the other, columns first. An output value is the weighted mean of the input values
 * around the same place, pixel centres lying at half numbers. The kernel is stretched by the ratio where a picture
 * shrinks (so that every input value counts) and left as it is where it grows; weights outside the picture are left
 * out and the others normalised to a sum of 1. Weights are fixed-point numbers, and the values between the passes are
 * rounded to 8 bits: both can be seen in the result, so both are done here.
 *
 * On the calling thread, in slices: for enlarging and for small outputs; libvips is faster where much is shrunk.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Kernel } from '../zoo/input.js';

/** Raw uint8 HWC. */
export interface Pixels {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

/** A part of a resized picture, in pixels of that picture. */
export interface Region {
  left: number;
  top: number;
  width: number;
  height: number;
}

interface KernelShape {
  /** The kernel is 0 at this distance and beyond. */
  support: number;
  /** At distance `x` ≥ 0. */
  at(x: number): number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const SHAPES: Record<Kernel, KernelShape> = {
  bilinear: { support: 1, at: (x) => (x < 1 ? 1 - x : 0) },
  /** Keys' cubic convolution with a = -1/2. */
  bicubic: {
    support: 2,
    at: (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0),
  },
  lanczos: { support: 3, at: (x) => (x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Fraction bits of a weight: 32 less 8 of the value, less 2 for kernels that overshoot. */
const FRACTION = 22;
const HALF = 1 << (FRACTION - 1);
/** Multiply-adds between two turns of the event loop: about half a millisecond. */
const SLICE = 500_000;

/** For each output of one axis: where its inputs begin, how many they are, and their weights. */
interface Taps {
  start: Int32Array;
  count: Int32Array;
  weights: Int32Array;
  /** Places kept for the weights of one output. */
  most: number;
}

/** Weights of outputs `from` … `from + length` of an axis that is scaled from `input` to `output` pixels. */
function tapsOf(kernel: Kernel, input: number, output: number, from: number, length: number): Taps {
  const { at, support } = SHAPES[kernel];
  const ratio = input / output;
  const stretch = Math.max(1, ratio);
  const reach = support * stretch;
  const most = Math.ceil(reach) * 2 + 1;
  const taps: Taps = {
    start: new Int32Array(length),
    count: new Int32Array(length),
    weights: new Int32Array(length * most),
    most,
  };
  for (let i = 0; i < length; i += 1) {
    const centre = (from + i + 0.5) * ratio;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(input, Math.trunc(centre + reach + 0.5));
    const values: number[] = [];
    for (let x = start; x < end; x += 1) values.push(at(Math.abs((x - centre + 0.5) / stretch)));
    const sum = values.reduce((total, value) => total + value, 0);
    values.forEach((value, n) => {
      taps.weights[i * most + n] = Math.round((value / sum) * (1 << FRACTION));
    });
    taps.start[i] = start;
    taps.count[i] = end - start;
  }
  return taps;
}

/** Multiply-adds that `resample` needs for this. */
export function resampleWork(
  from: { width: number; height: number; channels: number },
  to: { width: number; height: number },
  kernel: Kernel,
): number {
  const taps = (input: number, output: number): number =>
    2 * SHAPES[kernel].support * Math.max(1, input / output);
  const across = from.height * to.width * taps(from.width, to.width);
  return from.channels * (across + to.height * to.width * taps(from.height, to.height));
}

/**
 * Scales a picture to `size` and gives the region of it that is wanted.
 *
 * @returns region.height · region.width · channels bytes
 */
export async function resample(
  picture: Pixels,
  size: { width: number; height: number },
  region: Region,
  kernel: Kernel,
): Promise<Uint8Array> {
  const across = tapsOf(kernel, picture.width, size.width, region.left, region.width);
  const down = tapsOf(kernel, picture.height, size.height, region.top, region.height);
  const last = region.height - 1;
  const top = down.start[0] ?? 0;
  const rows = (down.start[last] ?? 0) + (down.count[last] ?? 0) - top;
  const narrowed = await scaleAcross(picture, across, top, rows);
  return scaleDown(narrowed, down, top, region.width * picture.channels);
}

/** Scales rows `top` … `top + rows` in width. */
async function scaleAcross(
  { pixels, width, channels }: Pixels,
  taps: Taps,
  top: number,
  rows: number,
): Promise<Uint8ClampedArray> {
  const outputs = taps.start.length;
  const made = new Uint8ClampedArray(rows * outputs * channels);
  const rowsATurn = Math.max(1, Math.floor(SLICE / (outputs * taps.most * channels)));
  for (let row = 0; row < rows; row += 1) {
    if (row > 0 && row % rowsATurn === 0) await nextTurn();
    const from = (top + row) * width * channels;
    const line = pixels.subarray(from, from + width * channels);
    const into = made.subarray(row * outputs * channels, (row + 1) * outputs * channels);
    if (channels === 1) greyLine(line, taps, into);
    else colourLine(line, taps, into);
  }
  return made;
}

function greyLine(line: Uint8Array, taps: Taps, into: Uint8ClampedArray): void {
  const { count, most, start, weights } = taps;
  for (let x = 0; x < into.length; x += 1) {
    const n = count[x] ?? 0;
    const at = start[x] ?? 0;
    let sum = HALF;
    for (let i = 0; i < n; i += 1) sum += (weights[x * most + i] ?? 0) * (line[at + i] ?? 0);
    into[x] = sum >> FRACTION;
  }
}

function colourLine(line: Uint8Array, taps: Taps, into: Uint8ClampedArray): void {
  const { count, most, start, weights } = taps;
  for (let x = 0; x < start.length; x += 1) {
    const n = count[x] ?? 0;
    let at = (start[x] ?? 0) * 3;
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    for (let i = 0; i < n; i += 1) {
      const weight = weights[x * most + i] ?? 0;
      red += weight * (line[at] ?? 0);
      green += weight * (line[at + 1] ?? 0);
      blue += weight * (line[at + 2] ?? 0);
      at += 3;
    }
    into[x * 3] = red >> FRACTION;
    into[x * 3 + 1] = green >> FRACTION;
    into[x * 3 + 2] = blue >> FRACTION;
  }
}

/** Scales lines of `length` values, of which the first is line `top` of the picture, in height. */
async function scaleDown(
  lines: Uint8ClampedArray,
  { count, most, start, weights }: Taps,
  top: number,
  length: number,
): Promise<Uint8Array> {
  const made = new Uint8ClampedArray(start.length * length);
  const sums = new Int32Array(length);
  const rowsATurn = Math.max(1, Math.floor(SLICE / (length * most)));
  for (let row = 0; row < start.length; row += 1) {
    if (row > 0 && row % rowsATurn === 0) await nextTurn();
    sums.fill(HALF);
    const n = count[row] ?? 0;
    for (let i = 0; i < n; i += 1) {
      const weight = weights[row * most + i] ?? 0;
      const from = ((start[row] ?? 0) - top + i) * length;
      for (let x = 0; x < length; x += 1) sums[x] = (sums[x] ?? 0) + weight * (lines[from + x] ?? 0);
    }
    for (let x = 0; x < length; x += 1) made[row * length + x] = (sums[x] ?? 0) >> FRACTION;
  }
  return new Uint8Array(made.buffer);
}
