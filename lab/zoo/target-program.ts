/**
 * Program: loads one ONNX file of a zoo in the ONNX Runtime that `EDGEMUX_ORT` names, runs it on one image and prints
 * its probabilities, or why it is refused, as JSON.
 *
 * Argument: a JSON file with the task.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf } from '../../common/errors.js';
import { openSession } from '../../mux/inference/runtime.js';
import { networkInput } from '../../mux/zoo/input.js';

const taskSchema = z.object({
  path: z.string(),
  input: z.object({ height: z.int(), width: z.int(), channels: z.union([z.literal(1), z.literal(3)]) }),
  classes: z.int(),
  pixels: z.string(),
});

async function answer(task: z.infer<typeof taskSchema>): Promise<object> {
  const { path, classes } = task;
  const spec = {
    id: path,
    kind: 'model' as const,
    path,
    input: networkInput({ ...task.input, layout: 'NHWC', dtype: 'uint8' }),
    classes,
  };
  try {
    const session = await openSession(spec, { provider: 'cpu', deviceId: 0, threads: 0 });
    const { probabilities } = await session.run(Buffer.from(task.pixels, 'base64'), 1);
    return { probabilities: Array.from(probabilities) };
  } catch (error) {
    return { refused: messageOf(error) };
  }
}

const task = taskSchema.parse(JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')));
process.stdout.write(JSON.stringify(await answer(task)));
