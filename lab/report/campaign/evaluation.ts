/** The zoo's evaluation that goes with a campaign. */
import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EdgemuxError, messageOf } from '../../../common/errors.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import { evaluate } from '../../eval/evaluate.js';
import { measure } from '../../eval/outputs/outputs.js';
import { evalSchema, type EvalReport } from '../../eval/schema.js';
import type { CampaignReader } from '../../measure/store/reader.js';
import type { ProgressLine } from '../../progress-line.js';
import type { ReportOptions } from '../options.js';

/** From the file that was named, beside the campaign, or measured now and kept beside the report. */
export async function evaluation(
  { evalFile, outDir }: ReportOptions,
  campaign: CampaignReader,
  zoo: Zoo,
  line: ProgressLine,
): Promise<EvalReport | null> {
  const beside = [join(dirname(campaign.file), 'eval.json'), join(outDir, 'eval.json')];
  const named = evalFile === null ? null : inFolder(evalFile);
  const file = named ?? beside.find((each) => existsSync(each));
  if (file !== undefined) {
    const found = await readEval(file);
    if (found.zoo.hash === zoo.hash) return found;
    if (named !== null)
      throw new EdgemuxError('CONFIG_INVALID', `--eval ${file} is of another zoo (${found.zoo.name})`);
  }
  if (!zoo.manifest.test && !zoo.manifest.testList) return null;
  const progress = (what: string, done: number): void => line.show(`evaluation: ${what}`, done);
  const measured = await measure(zoo, { images: null, limit: null, providers: ['cuda', 'cpu'], progress });
  const report = evalSchema.parse(evaluate(zoo, measured, 1));
  await mkdir(outDir, { recursive: true });
  await writeFile(join(outDir, 'eval.json'), `${JSON.stringify(report, null, 1)}\n`);
  return report;
}

function inFolder(path: string): string {
  return existsSync(path) && statSync(path).isDirectory() ? join(path, 'eval.json') : path;
}

async function readEval(file: string): Promise<EvalReport> {
  try {
    return evalSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--eval ${file} is no eval.json of this version: ${messageOf(cause)}`,
      { cause },
    );
  }
}
