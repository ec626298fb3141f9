/** A zoo's list of labelled pictures that lie elsewhere: `zoo import --test DIR` writes it, the evaluation reads it. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import type { LabelledFile } from './class-folders.js';

/** Name of the file in the zoo's folder. */
export const TEST_LIST = 'test-images.json';

const listSchema = z.strictObject({
  /** Absolute path of the pictures' folder on the machine of the import. */
  folder: z.string(),
  images: z.array(z.strictObject({ path: z.string(), label: z.int().min(0) })).min(1),
});
export type TestList = z.infer<typeof listSchema>;

export function testListText(folder: string, images: readonly LabelledFile[]): string {
  const lines = images.map(({ path, label }) => JSON.stringify({ path, label }));
  return `{"folder": ${JSON.stringify(folder)},\n"images": [\n${lines.join(',\n')}\n]}\n`;
}

/** @throws EdgemuxError ZOO_INVALID where the file is no list, or has labels that the zoo does not have */
export async function readTestList(zoo: Pick<Zoo, 'classes' | 'path'>, file: string): Promise<TestList> {
  try {
    const list = listSchema.parse(JSON.parse(await readFile(zoo.path(file), 'utf8')));
    const stranger = list.images.find(({ label }) => label >= zoo.classes);
    if (stranger) throw new Error(`${stranger.path} has label ${stranger.label}`);
    return list;
  } catch (cause) {
    throw new EdgemuxError('ZOO_INVALID', `${file}: ${messageOf(cause)}`, { cause });
  }
}
