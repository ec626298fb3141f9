/** eval.json of a zoo from a few of its test images, by the real evaluation. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { evaluate } from '../../../../lab/eval/evaluate.js';
import { measure } from '../../../../lab/eval/outputs/outputs.js';
import type { EvalReport } from '../../../../lab/eval/schema.js';
import { loadZoo } from '../../../../mux/zoo/zoo.js';

export async function evalOf(zooDir: string, toDir: string, limit = 100): Promise<EvalReport> {
  const zoo = await loadZoo(zooDir);
  const report = evaluate(zoo, await measure(zoo, { images: null, limit, providers: ['cpu'] }), 1);
  await writeFile(join(toDir, 'eval.json'), JSON.stringify(report));
  return report;
}
