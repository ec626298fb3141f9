/** eval.json of a zoo from a few of its test images, by the real evaluation. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { evaluate } from '../../../../agent/eval/evaluate.js';
import { measure } from '../../../../agent/eval/measure.js';
import type { EvalReport } from '../../../../agent/eval/schema.js';
import { loadZoo } from '../../../../mux/zoo.js';

export async function evalOf(zooDir: string, toDir: string, images = 100): Promise<EvalReport> {
  const zoo = await loadZoo(zooDir);
  const report = evaluate(zoo, await measure(zoo, { images, providers: ['cpu'] }), 1);
  await writeFile(join(toDir, 'eval.json'), JSON.stringify(report));
  return report;
}
