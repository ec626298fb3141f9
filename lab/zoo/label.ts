/** `edgemux label`: what every model of a zoo says of labelled images, written for `train mux --from-labels`. */
import { systemClock, type Clock } from '../../common/clock.js';
import { EdgemuxError } from '../../common/errors.js';
import { EXIT } from '../../common/exit.js';
import { silentLog } from '../../common/log.js';
import { stopSignal } from '../../common/signals.js';
import { Inference } from '../../mux/inference/inference.js';
import { distinctInputs } from '../../mux/zoo/input.js';
import { loadZoo, type Zoo } from '../../mux/zoo/zoo.js';
import { groupNet, pairNet, type Net } from '../eval/outputs/nets.js';
import { ProgressLine, remainingText, type Counted } from '../progress-line.js';
import { percent } from './import-report.js';
import { batchSize, inputsOf, judge, type JudgeDeps, type Judged } from './judge.js';
import type { LabelOptions, Shard } from './label-options.js';
import { folderImages, idxImages, testImages, type LabelledImages } from './labelled.js';
import { headerOf, type LabelRow } from './labels/header.js';
import { labelRow, openLabels, type OpenLabels, type Tally } from './labels/write.js';
import { Suspicions } from './suspicions.js';
import { Unusable } from './unusable.js';

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
  const header = headerOf(zoo, models, images, muxesOf(zoo, options));
  const { top } = options;
  const file = await openLabels(options.outFile, header, { top, longestName: longestName(images) });
  try {
    if (file.done.size > 0) deps.say(`${file.done.size} images are in ${options.outFile} already\n`);
    if (file.cut > 0) deps.say(`${file.cut} rows at its end were not whole: they are computed again\n`);
    const which = partOf(chosen(images.count, options.limit), options.shard);
    const left = which.filter((i) => !file.done.has(images.key(i)));
    const run = await label({ deps, zoo, models, images, file, which: left }, options);
    report(deps, options, models, file.tally, run);
    return run.stopped ? EXIT.failure : EXIT.ok;
  } finally {
    await file.close();
  }
}

function imagesOf(zoo: Zoo, { source }: LabelOptions): Promise<LabelledImages> {
  if (source === null) return testImages(zoo);
  return source.kind === 'images' ? folderImages(zoo, source.dir) : idxImages(zoo, source.dir, source.part);
}

/** @throws EdgemuxError CONFIG_INVALID where muxes are wanted and there are none */
function muxesOf({ manifest, name }: Zoo, { muxes }: LabelOptions): boolean {
  if (!muxes || manifest.mux) return muxes;
  throw new EdgemuxError('CONFIG_INVALID', `--mux: zoo '${name}' has no mux yet: leave it out`);
}

function longestName({ count, key }: LabelledImages): number {
  let most = 0;
  for (let i = 0; i < count; i += 1) most = Math.max(most, Buffer.byteLength(String(key(i))));
  return most;
}

/** All indices, or `limit` of them at even distances: folders come class by class. */
function chosen(count: number, limit: number | null): number[] {
  const wanted = Math.min(count, limit ?? count);
  return Array.from({ length: wanted }, (_, i) => Math.floor((i * count) / wanted));
}

/** Every `of`-th, so that each part has something of every class. */
function partOf(which: readonly number[], { index, of }: Shard): number[] {
  return which.filter((_, at) => at % of === index - 1);
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
  unusable: Unusable;
  /** What is probably wrong with the models, as far as this run shows. */
  warnings: string[];
  stopped: boolean;
}

async function label(work: Work, options: LabelOptions): Promise<Run> {
  const { deps, zoo, models, which } = work;
  const run: Run = { unusable: new Unusable(), warnings: [], stopped: false };
  if (which.length === 0) return run;
  void deps.stopped.then(() => (run.stopped = true));
  const batch = options.batch ?? batchSize(distinctInputs(inputsOf(zoo, models)));
  const inference = new Inference({}, inferenceOptions(zoo, models, options, batch));
  const { provider } = await inference.start();
  const progress = progressOf(deps, which.length, `on ${provider}`);
  const suspicions = new Suspicions(models, zoo.classes);
  const beside = options.muxes ? muxNets(zoo, inference) : [];
  const judging = { inference, beside, batch, ...writing(work, run, suspicions, progress.oneDone) };
  try {
    await judge(judging, zoo, models, which);
  } finally {
    progress.end();
    await inference.stop();
  }
  run.warnings = suspicions.warnings();
  return run;
}

function muxNets(zoo: Zoo, inference: Inference): Net[] {
  const { pair, group } = zoo.manifest.mux ?? {};
  return [...(pair ? [pairNet(inference, zoo)] : []), ...(group ? [groupNet(inference, zoo)] : [])];
}

/** Rows into the file, batch by batch. */
function writing(
  { models, images, file }: Work,
  run: Run,
  suspicions: Suspicions,
  oneDone: () => void,
): Pick<JudgeDeps, 'images' | 'stopped' | 'failed' | 'judged' | 'batchEnded'> {
  let rows: LabelRow[] = [];
  return {
    images,
    stopped: () => run.stopped,
    failed: (index, why) => {
      run.unusable.add(images.key(index), why);
      oneDone();
    },
    judged: (row) => {
      rows.push(rowOf(images, models, row));
      suspicions.add(row.label, row.probabilities);
      oneDone();
    },
    batchEnded: async () => {
      await file.append(rows);
      rows = [];
    },
  };
}

function rowOf(
  images: LabelledImages,
  models: readonly string[],
  { index, label, probabilities, beside }: Judged,
): LabelRow {
  const heads = beside.map((outputs) => outputs['probabilities'] ?? new Float32Array());
  const head = (name: string) => beside.find((outputs) => name in outputs)?.[name] ?? null;
  return labelRow(images.key(index), label, models.length, {
    probabilities: [...probabilities, ...heads],
    score: head('score')?.[0] ?? null,
    correct: head('correct'),
    weights: head('weights'),
  });
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
  { providers, threads, muxes }: LabelOptions,
  batch: number,
): ConstructorParameters<typeof Inference>[1] {
  const { pair, group } = (muxes ? zoo.manifest.mux : undefined) ?? {};
  return {
    zoo,
    models,
    mux: pair ? 'pair' : null,
    groupMux: group !== undefined,
    providers,
    requireProvider: false,
    threads,
    warmupRuns: 3,
    warmupBatches: [1, batch],
  };
}

function report(
  deps: LabelDeps,
  { outFile }: LabelOptions,
  models: string[],
  { rows, right, any }: Tally,
  { unusable, warnings, stopped }: Run,
): void {
  for (const line of unusable.lines.slice(0, NAMED)) deps.say(`left out ${line}\n`);
  if (unusable.count > 0) deps.say(`${unusable.text()}\n`);
  for (const line of warnings) deps.say(`warning: ${line}\n`);
  if (stopped) deps.say('stopped; the same command goes on\n');
  if (rows === 0 && stopped) return;
  if (rows === 0)
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `none of the images could be used; the first: ${unusable.lines[0] ?? '-'}`,
    );
  const lines = models.map((id, m) => `  ${id}: ${percent((right[m] ?? 0) / rows)} right`);
  lines.push(`  at least one of them: ${percent(any / rows)}`);
  deps.write(`${rows} images in ${outFile}\n${lines.join('\n')}\n`);
}
