/** `edgemux eval`: how good a zoo is, on its own test images, through the daemon's own sessions. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../../common/exit.js';
import { loadEmbeddings } from './outputs/embeddings.js';
import { loadZoo } from '../../mux/zoo/zoo.js';
import { ProgressLine, type Stream } from '../progress-line.js';
import { measureAblations } from './pair/ablations.js';
import { evaluate } from './evaluate.js';
import { figuresOf } from './tables/figures.js';
import { groupChoicesCsv } from './group/group-choices.js';
import { groupOfMeasured } from './group/group-run.js';
import { measuredFromLabels } from './outputs/from-labels.js';
import { measure } from './outputs/outputs.js';
import type { EvalOptions } from './options.js';
import { evalSchema } from './schema.js';
import { summaryOf } from './tables/summary.js';
import { markdownOf } from './tables/tables.js';

/** Where the command writes; the streams of the process unless given. */
export interface EvalStreams {
  out: Pick<NodeJS.WritableStream, 'write'>;
  progress: Stream;
}

/**
 * Writes eval.json, eval.md, the group's choices and the figures to `outDir`, and a summary to standard output.
 *
 * @returns the exit code
 * @throws EdgemuxError where the zoo cannot be loaded or run, or has no test images
 */
export async function runEval(
  options: EvalOptions,
  { out, progress }: EvalStreams = { out: process.stdout, progress: process.stderr },
): Promise<number> {
  const zoo = await loadZoo(options.zoo);
  const line = new ProgressLine(progress);
  const told = { ...options, progress: (what: string, done: number) => line.show(what, done) };
  const measured =
    options.labels === null ? await measure(zoo, told) : await measuredFromLabels(zoo, options.labels);
  const losses = {
    ablations: await measureAblations(zoo, measured, told),
    embeddings: await loadEmbeddings(zoo.dir),
  };
  line.show('tables and intervals', 1);
  const report = evalSchema.parse(evaluate(zoo, measured, options.seed, losses));
  line.end();
  const group = groupOfMeasured(measured);
  const files: Record<string, string> = {
    'eval.json': `${JSON.stringify(report, null, 1)}\n`,
    'eval.md': markdownOf(report),
    ...(group ? { 'group-choices.csv': groupChoicesCsv(zoo, group) } : {}),
    ...figuresOf(report),
  };
  await mkdir(options.outDir, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(options.outDir, name), text);
  out.write(`${summaryOf(report)}\n\nwritten to ${options.outDir}: ${Object.keys(files).join(', ')}\n`);
  return EXIT.ok;
}
