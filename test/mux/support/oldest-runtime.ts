/**
 * Program: runs ONNX files in ONNX Runtime 1.11, the last that JetPack 4.6 has a GPU build of, and prints what they
 * answer. A process of its own, so that two bindings never meet in one.
 *
 * The binding is CommonJS whose names an ES module cannot import one by one.
 *
 * Arguments: a JSON file with a list of tasks. Output: JSON, for each task the values of each output of each image.
 */
import { readFile } from 'node:fs/promises';
import runtime from 'onnxruntime-node-1.11';
import { z } from 'zod';

const tasksSchema = z.array(
  z.object({
    /** Absolute path: from a buffer 1.11 ignores all options. */
    path: z.string(),
    height: z.int(),
    width: z.int(),
    channels: z.int(),
    /** base64 of uint8 HWC, one an image. */
    images: z.array(z.string()),
  }),
);
export type OldestTask = z.infer<typeof tasksSchema>[number];
/** Values of each output of one image, by the output's name. */
export type OldestAnswer = Record<string, number[]>;

/** One batch, all outputs fetched: a subset comes back under wrong names. */
async function answer({ path, height, width, channels, images }: OldestTask): Promise<OldestAnswer[]> {
  const session = await runtime.InferenceSession.create(path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
  });
  const pixels = Buffer.concat(images.map((image) => Buffer.from(image, 'base64')));
  const dims = [images.length, height, width, channels];
  const outputs = await session.run({ images: new runtime.Tensor('uint8', Uint8Array.from(pixels), dims) });
  return images.map((_, i) =>
    Object.fromEntries(
      Object.entries(outputs).map(([name, { data }]) => {
        const length = data.length / images.length;
        return [name, Array.from(data as Float32Array).slice(i * length, (i + 1) * length)];
      }),
    ),
  );
}

const tasks = tasksSchema.parse(JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')));
const answers: OldestAnswer[][] = [];
for (const task of tasks) answers.push(await answer(task));
process.stdout.write(JSON.stringify(answers));
