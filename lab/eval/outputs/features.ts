/**
 * The baseline of the paper's reference [27]: a handful of hand-crafted features of the image, and the nearest
 * neighbours in them, say whether the local model will be right.
 */
import type { NetworkInput } from '../../../mux/zoo/input.js';
import { mean } from '../../../common/statistics.js';

export const FEATURES = [
  'brightness',
  'contrast',
  'edge density',
  'edge strength',
  'sharpness',
  'entropy',
  'dark share',
  'asymmetry',
] as const;

/** Sobel magnitude above which a pixel counts as an edge, of grey values in [0, 1]; its maximum is about 5.7. */
const EDGE = 0.8;
/** Grey value below which a pixel counts as dark. */
const DARK = 0.1;
const HISTOGRAM_BINS = 16;

/**
 * Features of one image, in the order of FEATURES.
 *
 * @param pixels uint8 HWC
 */
export function featuresOf(
  pixels: Uint8Array,
  shape: Pick<NetworkInput, 'height' | 'width' | 'channels'>,
): number[] {
  const grey = greyOf(pixels, shape.channels);
  const { width, height } = shape;
  const brightness = meanOf(grey);
  const contrast = Math.sqrt(meanOf(grey.map((value) => (value - brightness) ** 2)));
  const { density, strength, laplacian } = edges(grey, width, height);
  const dark = grey.reduce((sum, value) => sum + (value < DARK ? 1 : 0), 0) / grey.length;
  const mirrored = grey.map((value, at) => {
    const x = at % width;
    return Math.abs(value - (grey[at - x + width - 1 - x] ?? 0));
  });
  return [brightness, contrast, density, strength, laplacian, entropyOf(grey), dark, meanOf(mirrored)];
}

/** Luma in [0, 1] (ITU-R BT.601), or the grey channel: H · W. */
function greyOf(pixels: Uint8Array, channels: 1 | 3): Float64Array {
  const at = (i: number) => pixels[i] ?? 0;
  return Float64Array.from({ length: pixels.length / channels }, (_, i) =>
    channels === 1 ? at(i) / 255 : (0.299 * at(3 * i) + 0.587 * at(3 * i + 1) + 0.114 * at(3 * i + 2)) / 255,
  );
}

/** Sobel's gradient: share of edge pixels and mean magnitude; variance of the Laplacian. The border is left out. */
function edges(
  grey: Float64Array,
  width: number,
  height: number,
): { density: number; strength: number; laplacian: number } {
  const g = (x: number, y: number) => grey[y * width + x] ?? 0;
  const magnitudes: number[] = [];
  const curvature: number[] = [];
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const right = g(x + 1, y - 1) + 2 * g(x + 1, y) + g(x + 1, y + 1);
      const left = g(x - 1, y - 1) + 2 * g(x - 1, y) + g(x - 1, y + 1);
      const below = g(x - 1, y + 1) + 2 * g(x, y + 1) + g(x + 1, y + 1);
      const above = g(x - 1, y - 1) + 2 * g(x, y - 1) + g(x + 1, y - 1);
      magnitudes.push(Math.hypot(right - left, below - above));
      curvature.push(g(x + 1, y) + g(x - 1, y) + g(x, y + 1) + g(x, y - 1) - 4 * g(x, y));
    }
  }
  if (magnitudes.length === 0) return { density: 0, strength: 0, laplacian: 0 };
  const centre = mean(curvature);
  return {
    density: magnitudes.filter((value) => value > EDGE).length / magnitudes.length,
    strength: mean(magnitudes),
    laplacian: mean(curvature.map((value) => (value - centre) ** 2)),
  };
}

/** Entropy of the grey values' histogram, in nats. */
function entropyOf(grey: Float64Array): number {
  const bins = new Float64Array(HISTOGRAM_BINS);
  for (const value of grey) {
    const bin = Math.min(HISTOGRAM_BINS - 1, Math.floor(value * HISTOGRAM_BINS));
    bins[bin] = (bins[bin] ?? 0) + 1 / grey.length;
  }
  return -bins.reduce((sum, share) => (share > 0 ? sum + share * Math.log(share) : sum), 0);
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Each feature shifted and scaled to mean 0 and deviation 1 over the images: N × F. */
export function standardised(rows: readonly (readonly number[])[]): Float64Array[] {
  const size = rows[0]?.length ?? 0;
  const moments = Array.from({ length: size }, (_, f) => {
    const column = rows.map((row) => row[f] ?? 0);
    const centre = mean(column);
    return { centre, deviation: Math.sqrt(mean(column.map((value) => (value - centre) ** 2))) || 1 };
  });
  return rows.map((row) =>
    Float64Array.from(moments, ({ centre, deviation }, f) => ((row[f] ?? 0) - centre) / deviation),
  );
}
