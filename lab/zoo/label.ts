/** `edgemux label`: what every model of a zoo says of labelled images, written for `train mux --from-labels`. */
import { systemClock, type Clock } from '../../common/clock.js';
import { EdgemuxError } from '../../common/errors.js';
import { EXIT } from '../../common/exit.js';
import { silentLog } from '../../common/log.js';
import { stopSignal } from '../../common/signals.js';
import { Inference } from '../../mux/inference/inference.js';
import { loadZoo, type Zoo } from '../../mux/zoo/zoo.js';
import { percent } from './import-report.js';
import { batchSize, inputsOf, judge, type JudgeDeps } from './judge.js';
import type { LabelOptions } from './label-options.js';
import { folderImages, idxImages, testImages, type LabelledImages } from './labelled.js';
import { headerOf, openLabels, rowLine, type Correct, type OpenLabels } from './labels-file.js';
import { Suspicions } from './suspicions.js';
import { ProgressLine, remainingText, type Counted } from '../progress-line.js';

export interface LabelDeps {
  /** Figures at the end. */
  write: (text: string) => void;
  /** Progress and notes, beside them. */
  say: (text: string) => void;
  clock: Clock;
  stopped: Promise<unknown>;
}

function systemDeps(): LabelDeps {
  return {
    write: (text) => process.stdout.write(text),
    say: (text) => process.stderr.write(text),
    clock: systemClock,
    stopped: stopSignal(silentLog()),
  };
}

/** Names of unreadable images that are printed; all are counted. */
const NAMED = 10;

/**
 * Labels until all images are in the file, or until it is stopped. Returns the exit code: 1 where it was stopped.
 *
 * @throws EdgemuxError CONFIG_INVALID, ZOO_…, PROVIDER_UNAVAILABLE, INFERENCE_FAILED
 */
export async function runLabel(options: LabelOptions, deps: LabelDeps = systemDeps()): Promise<number> {
  const zoo = await loadZoo(options.zooDir);
  const models = options.models ?? zoo.manifest.models.map(({ id }) => id);
  models.forEach((id) => zoo.modelById(id));
  const images = await imagesOf(zoo, options);
  if (images.note !== null) deps.say(`note: ${images.note}\n`);
  const file = await openLabels(options.outFile, headerOf(zoo, models, images));
  try {
    const which = chosen(images.count, options.limit).filter((i) => !file.done.has(images.key(i)));
    if (file.done.size > 0) deps.say(`${file.done.size} images are in ${options.outFile} already\n`);
    const run = await label({ deps, zoo, models, images, file, which }, options);
    report(deps, options, models, run);
    return run.stopped ? EXIT.failure : EXIT.ok;
  } finally {
    await file.close();
  }
}

function imagesOf(zoo: Zoo, { source }: LabelOptions): Promise<LabelledImages> {
  if (source === null) return testImages(zoo);
  return source.kind === 'images' ? folderImages(zoo, source.dir) : idxImages(zoo, source.dir, source.part);
}

/** All indices, or `limit` of them at even distances: folders come class by class. */
function chosen(count: number, limit: number | null): number[] {
  const wanted = Math.min(count, limit ?? count);
  return Array.from({ length: wanted }, (_, i) => Math.floor((i * count) / wanted));
}

interface Work {
  deps: LabelDeps;
  zoo: Zoo;
  models: string[];
  images: LabelledImages;
  file: OpenLabels;
  which: number[];
}

interface Run {
  correct: Correct[];
  unreadable: string[];
  /** What is probably wrong with the models, as far as this run shows. */
  warnings: string[];
  stopped: boolean;
}

async function label(work: Work, options: LabelOptions): Promise<Run> {
  const { deps, zoo, models, file, which } = work;
  const run: Run = { correct: [...file.correct], unreadable: [], warnings: [], stopped: false };
  if (which.length === 0) return run;
  void deps.stopped.then(() => (run.stopped = true));
  const inference = new Inference({}, inferenceOptions(zoo, models, options));
  const { provider } = await inference.start();
  const progress = progressOf(deps, which.length, `on ${provider}`);
  const suspicions = new Suspicions(models, zoo.classes);
  try {
    await judge({ inference, ...writing(work, run, suspicions, progress.oneDone) }, zoo, models, which);
  } finally {
    progress.end();
    await inference.stop();
  }
  run.warnings = suspicions.warnings();
  return run;
}

/** Rows into the file, batch by batch. */
function writing(
  { models, images, file }: Work,
  run: Run,
  suspicions: Suspicions,
  oneDone: () => void,
): Omit<JudgeDeps, 'inference'> {
  let lines = '';
  return {
    images,
    stopped: () => run.stopped,
    failed: (index, why) => {
      run.unreadable.push(`${images.key(index)}: ${why}`);
      oneDone();
    },
    judged: (row) => {
      const { line, correct } = rowLine(images.key(row.index), row.label, models, row.probabilities);
      lines += line;
      run.correct.push(correct);
      suspicions.add(row.label, row.probabilities);
      oneDone();
    },
    batchEnded: async () => {
      await file.append(lines);
      lines = '';
    },
  };
}

function progressOf(deps: LabelDeps, total: number, where: string): { oneDone(): void; end(): void } {
  const say = (text: string | Uint8Array): boolean => {
    deps.say(String(text));
    return true;
  };
  const line = new ProgressLine({ write: say }, deps.clock);
  const text = (counted: Counted): string => remainingText(where, counted);
  let done = 0;
  return {
    oneDone: () => line.count((done += 1), total, text),
    end: () => line.endCount(done, total, text),
  };
}

function inferenceOptions(
  zoo: Zoo,
  models: string[],
  { providers, threads }: LabelOptions,
): ConstructorParameters<typeof Inference>[1] {
  const warmup = { warmupRuns: 3, warmupBatches: [1, batchSize(inputsOf(zoo, models))] };
  return { zoo, models, mux: null, providers, requireProvider: false, threads, ...warmup };
}

function report(deps: LabelDeps, { outFile }: LabelOptions, models: string[], run: Run): void {
  const { correct, unreadable, stopped } = run;
  for (const line of unreadable.slice(0, NAMED)) deps.say(`left out ${line}\n`);
  if (unreadable.length > 0) deps.say(`${unreadable.length} images could not be used\n`);
  for (const line of run.warnings) deps.say(`warning: ${line}\n`);
  if (stopped) deps.say('stopped; the same command goes on\n');
  if (correct.length === 0 && stopped) return;
  if (correct.length === 0)
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `none of the images could be used; the first: ${unreadable[0] ?? '-'}`,
    );
  const share = (holds: (row: Correct) => boolean) => percent(correct.filter(holds).length / correct.length);
  const lines = models.map((id) => `  ${id}: ${share((row) => row[id] === true)} right`);
  lines.push(`  at least one of them: ${share((row) => models.some((id) => row[id] === true))}`);
  deps.write(`${correct.length} images in ${outFile}\n${lines.join('\n')}\n`);
}
