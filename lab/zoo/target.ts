/** Does a file load and answer in the oldest ONNX Runtime that it is for? Asked of that one, in a process of its own. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { EdgemuxError } from '../../common/errors.js';
import { BINDING_VARIABLE, hasBinding } from '../../mux/inference/binding.js';
import type { NetworkInput } from '../../mux/zoo/input.js';
import { remedy } from './onnx/onnx-check.js';
import { firstLine } from './probe.js';

/** Name under which that build is installed beside ours, and what installs it. */
const OLDEST = 'onnxruntime-node-1.11';
export const INSTALL_OLDEST = `npm install --no-save ${OLDEST}@npm:onnxruntime-node@1.11.0`;

const PROGRAM = fileURLToPath(new URL('./target-program.js', import.meta.url));
/** Largest difference of a probability between the two releases. */
const TOLERANCE = 0.01;

/** What the program in the other process is to run. */
export interface TargetTask {
  /** Stand in messages. */
  id: string;
  file: string;
  /** The wrapped model's file. */
  path: string;
  input: Pick<NetworkInput, 'height' | 'width' | 'channels'>;
  /** uint8 of one image. */
  pixels: Uint8Array;
  /** For the task's file. */
  folder: string;
}

const answerSchema = z.union([
  z.object({ probabilities: z.array(z.number()) }),
  z.object({ refused: z.string() }),
]);

/**
 * @param wanted K probabilities, as the ONNX Runtime here gives them
 * @returns false where this machine does not have that ONNX Runtime
 * @throws EdgemuxError MODEL_UNUSABLE where it refuses the file, or answers something else
 */
export async function inTarget(task: TargetTask, wanted: Float32Array): Promise<boolean> {
  if (!hasBinding(OLDEST)) return false;
  const { id, file, path, input, pixels, folder } = task;
  const taskFile = join(folder, 'target.json');
  const text = { path, input, classes: wanted.length, pixels: Buffer.from(pixels).toString('base64') };
  await writeFile(taskFile, JSON.stringify(text));
  const answer = answerSchema.parse(JSON.parse(await run(taskFile)));
  if ('refused' in answer) {
    const why = firstLine(answer.refused).replaceAll(path, file);
    throw new EdgemuxError(
      'MODEL_UNUSABLE',
      `${file}: ONNX Runtime 1.11 (JetPack 4.6) does not load it: ${why}. ${remedy({ id, target: 'jetpack46' })}`,
    );
  }
  const apart = answer.probabilities.map((value, k) => Math.abs(value - (wanted[k] ?? NaN)));
  if (answer.probabilities.length === wanted.length && apart.every((one) => one <= TOLERANCE)) return true;
  throw new EdgemuxError(
    'MODEL_UNUSABLE',
    `${file}: ONNX Runtime 1.11 (JetPack 4.6) answers up to ${Math.max(...apart).toPrecision(2)} otherwise than this one. ${remedy({ id, target: 'jetpack46' })}`,
  );
}

/** Standard output of the program. @throws EdgemuxError MODEL_UNUSABLE where it dies */
function run(taskFile: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, [BINDING_VARIABLE]: OLDEST };
    const child = spawn(process.execPath, [PROGRAM, taskFile], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, errors]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(out).toString());
      const said = Buffer.concat(errors).toString().trim().split('\n').at(-1) ?? '';
      const why = `the trial in ONNX Runtime 1.11 ended with ${signal ?? code}: ${said}`;
      reject(new EdgemuxError('MODEL_UNUSABLE', why));
    });
  });
}
