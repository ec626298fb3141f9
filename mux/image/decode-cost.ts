/**
 * What decoding an image costs, by its header: an estimate that puts images in an order and charges their senders.
 *
 * Milliseconds of processor time on a server core of 2023; other machines take a multiple, which is the same for all kinds
 * within a factor of two or so. Real images of one kind differ as much.
 */
import type { NetworkInput } from '../zoo/input.js';

/** What every image takes, however small, in ms: a hop to libvips and back. */
const LEAST_MS = 0.3;
/** From this on an image is costly: more than a baseline JPEG of 14 megapixels, a PNG of 3 or a lossless WebP of 1.2. */
const COSTLY_MS = 50;
/** Pixels that are decoded whole for one pixel of the largest input: four each way, the rest adds nothing to a network. */
const WHOLE_PER_INPUT = 16;
/** As many are decoded whole in any case: cameras with 4K. */
const LEAST_WHOLE_PIXELS = 9_000_000;

/** Expected processor time of a decode in ms. */
export function decodeMs(pixels: number, pixelNs: number): number {
  return LEAST_MS + (pixels * pixelNs) / 1e6;
}

/** Whether an image is so costly that no two such are decoded at a time. */
export function isCostly(ms: number): boolean {
  return ms > COSTLY_MS;
}

/** How many pixels an image that is decoded whole may have: 16 times the largest input, at least 9 million. */
export function wholePixels(
  inputs: readonly Pick<NetworkInput, 'height' | 'width'>[],
  configured: number | null,
): number {
  const largest = Math.max(0, ...inputs.map(({ height, width }) => height * width));
  return configured ?? Math.max(LEAST_WHOLE_PIXELS, WHOLE_PER_INPUT * largest);
}
