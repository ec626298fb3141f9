/** Runs an ONNX model that is not part of a zoo yet, through the same door as the daemon's. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import { networkInput, type NetworkInput } from '../../mux/zoo/input.js';
import { encodeModel } from './onnx/onnx-file.js';
import type { OnnxModel } from './onnx/onnx-types.js';
import { openSession } from '../../mux/inference/runtime.js';

export interface ProbeRun {
  /** uint8, count · H · W · C bytes. */
  pixels: Uint8Array;
  count: number;
}

export interface ProbeSpec {
  /** Stands in messages. */
  id: string;
  input: Pick<NetworkInput, 'height' | 'width' | 'channels'>;
  /** Length of one row of `probabilities`. */
  classes: number;
  /** Folder for the file that ONNX Runtime reads; it is gone afterwards. */
  folder: string;
}

/**
 * Opens the model on the CPU, runs it once for each of `runs` and closes it.
 *
 * @returns rows of `probabilities`, count × classes, for each run
 * @throws EdgemuxError MODEL_UNUSABLE (cannot be opened), INFERENCE_FAILED (cannot be run)
 */
export async function probe(
  model: OnnxModel,
  { id, input, classes, folder }: ProbeSpec,
  runs: readonly ProbeRun[],
): Promise<Float32Array[]> {
  const path = join(folder, 'probe.onnx');
  await writeFile(path, encodeModel(model));
  try {
    const spec = {
      id,
      path,
      classes,
      kind: 'model' as const,
      input: networkInput({ ...input, layout: 'NHWC', dtype: 'uint8' }),
    };
    const session = await openSession(spec, { provider: 'cpu', deviceId: 0, threads: 0 }).catch(
      (cause: unknown) => {
        throw new EdgemuxError('MODEL_UNUSABLE', `${id}: ${named(cause, path, id)}`, { cause });
      },
    );
    try {
      const results: Float32Array[] = [];
      for (const { pixels, count } of runs) {
        // The runtime may hand out its own memory: a copy outlives the session.
        const outputs = await session.run(pixels, count).catch((cause: unknown) => {
          throw new EdgemuxError('INFERENCE_FAILED', named(cause, path, id), { cause });
        });
        results.push(Float32Array.from(outputs.probabilities));
      }
      return results;
    } finally {
      await session.release();
    }
  } finally {
    await rm(path, { force: true });
  }
}

/** Who reads it knows the model's name, not that of the file it was tried from. */
function named(cause: unknown, path: string, id: string): string {
  return firstLine(cause).replaceAll(path, id);
}

/** What ONNX Runtime says is long; its first line names the node. */
export function firstLine(error: unknown): string {
  return messageOf(error).split('\n')[0] ?? '';
}
