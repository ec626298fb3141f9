/** The shipped zoo, and inference over it or over a tiny one. */
import { fileURLToPath } from 'node:url';
import { Inference, type InferenceDeps, type InferenceOptions } from '../../../mux/inference/inference.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';

export const SHIPPED_ZOO = fileURLToPath(new URL('../../../../models/fashion-mnist', import.meta.url));

/** Every model of a zoo on one CPU thread; not started. */
export function cpuInference(
  zoo: Zoo,
  options: Partial<InferenceOptions> = {},
  deps: InferenceDeps = {},
): Inference {
  return new Inference(deps, {
    zoo,
    models: zoo.manifest.models.map((model) => model.id),
    mux: zoo.muxPair ? 'pair' : null,
    providers: ['cpu'],
    requireProvider: false,
    threads: 1,
    warmupRuns: 3,
    ...options,
  });
}

/** Images `from` to `to` of a set side by side, for one batch. */
export function batch(images: (i: number) => Uint8Array, from: number, to: number): Uint8Array {
  return Buffer.concat(Array.from({ length: to - from }, (_, i) => images(from + i)));
}

/** Row `i` of a count × K matrix. */
export function row(matrix: Float32Array, i: number, classes: number): Float32Array {
  return matrix.subarray(i * classes, (i + 1) * classes);
}
