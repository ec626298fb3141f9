/** `zoo import --probe`: which preparation of pictures a model was trained with, found by trying the usual ones. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EdgemuxError } from '../../common/errors.js';
import { argmax, maximum } from '../../mux/rules/probabilities.js';
import { decodePicture, prepare, type Picture } from '../../mux/image/prepare.js';
import { networkInput, type NetworkInput } from '../../mux/zoo/input.js';
import { anyPictures } from './class-folders.js';
import { readClassNames, type ClassNames } from './class-names.js';
import { MOST_PIXELS } from './golden.js';
import type { ImportOptions, ModelOption, Normalisation } from './import-options.js';
import { channelsOf } from './onnx/onnx-pixels.js';
import { readingOf } from './onnx/onnx-scores.js';
import { wrapModel, type Subject } from './onnx/onnx-wrap.js';
import {
  fittings,
  NEUTRAL,
  normalisations,
  preparationFlags,
  preparationText,
  ranked,
  samePreparation,
  type Fitting,
  type Preparation,
  type Ranked,
  type Tried,
} from './preparations.js';
import { probe } from './probe.js';
import { readSubject, runOriginal } from './prove.js';

/** Pictures that preparations are tried on: enough to tell five points from chance. */
export const PROBED = 300;
/** Normalisations that are tried with every fit and kernel: the best, and some that are tied with it. */
const FITTED = 2;
/** Rows that are printed of each model. */
const SHOWN = 12;

/** Pictures, and their classes where folders say them. */
export interface ProbePictures {
  pictures: Picture[];
  labels: number[] | null;
}

/** @throws EdgemuxError CONFIG_INVALID where no picture of the folder can be used */
export async function probePictures(names: ClassNames, dir: string, most: number): Promise<ProbePictures> {
  const zoo = { labels: names.labels, manifest: names.ids ? { classIds: names.ids } : {} };
  const listed = (await anyPictures(zoo, dir)).files;
  const wanted = Math.min(most, listed.length);
  const chosen = Array.from({ length: wanted }, (_, i) => listed[Math.floor((i * listed.length) / wanted)]);
  const pictures: Picture[] = [];
  const labels: (number | null)[] = [];
  for (const one of chosen) {
    const picture = one && (await decoded(join(dir, one.path)));
    if (!picture) continue;
    pictures.push(picture);
    labels.push(one.label);
  }
  if (pictures.length < 20)
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--probe: ${pictures.length} pictures of ${dir} can be used: at least 20`,
    );
  const known = labels.filter((label) => label !== null);
  return { pictures, labels: known.length === pictures.length ? known : null };
}

async function decoded(path: string): Promise<Picture | null> {
  const wanted = { height: 1, width: 1, channels: 3, layout: 'NHWC', dtype: 'uint8' } as const;
  try {
    return await decodePicture(await readFile(path), { maxPixels: MOST_PIXELS }, [
      networkInput({ ...wanted, height: 4096, width: 4096 }),
    ]);
  } catch {
    return null;
  }
}

/** Runs one model on the pictures, whatever they are prepared by. */
class Trial {
  readonly #subject: Subject;
  readonly #option: ModelOption;
  readonly #pictures: ProbePictures;
  readonly #folder: string;
  readonly #reading: Parameters<typeof wrapModel>[1];
  /** Pixels of all pictures by the last fitting, and their hash: those of all fittings would be a gigabyte. */
  #last: { key: string; pixels: Uint8Array[]; hash: string } | null = null;
  /** What was run: the same pixels give the same answers. */
  readonly #known = new Map<string, Pick<Tried, 'scores' | 'answers'>>();

  private constructor(
    subject: Subject,
    reading: Parameters<typeof wrapModel>[1],
    { option, pictures, folder }: { option: ModelOption; pictures: ProbePictures; folder: string },
  ) {
    this.#subject = subject;
    this.#reading = reading;
    this.#option = option;
    this.#pictures = pictures;
    this.#folder = folder;
  }

  static async of(
    option: ModelOption,
    names: ClassNames,
    pictures: ProbePictures,
    folder: string,
  ): Promise<Trial> {
    const [first = option.normalisation] = normalisations(option.normalisation.colour);
    const usual = { ...option, normalisation: first };
    const { subject, origin } = await readSubject(usual, names);
    const { height, width } = subject.preprocessing;
    const golden = Uint8Array.from({ length: height * width * channelsOf(first) }, (_, i) => (i * 37) % 256);
    const raw = await runOriginal(subject, option, golden, folder);
    const reading = readingOf({ path: option.file, id: option.id }, subject.scores, option.outputIs, origin, [
      raw,
    ]);
    return new Trial(subject, reading, { option, pictures, folder });
  }

  async try({ normalisation, fitting }: Preparation): Promise<Tried> {
    const { pixels, hash } = await this.#view(fitting, normalisation);
    const key = `${hash} ${JSON.stringify(normalisation)}`;
    const known = this.#known.get(key) ?? (await this.#run(normalisation, pixels));
    this.#known.set(key, known);
    return { normalisation, fitting, ...known };
  }

  async #run(normalisation: Normalisation, pixels: Uint8Array[]): Promise<Pick<Tried, 'scores' | 'answers'>> {
    const preprocessing = { ...this.#subject.preprocessing, ...normalisation };
    const model = wrapModel({ ...this.#subject, preprocessing }, this.#reading);
    const { classes } = this.#subject.scores;
    const spec = {
      id: this.#option.file,
      input: this.#input(NEUTRAL, normalisation),
      classes,
      folder: this.#folder,
    };
    const rows = await probe(
      model,
      spec,
      pixels.map((one) => ({ pixels: one, count: 1 })),
    );
    const answers = rows.map(argmax);
    const { labels } = this.#pictures;
    return { answers, scores: labels ? answers.map((k, i) => Number(k === labels[i])) : rows.map(maximum) };
  }

  #input(fitting: Fitting, { colour }: Normalisation): NetworkInput {
    const { height, width } = this.#subject.preprocessing;
    return networkInput({
      height,
      width,
      channels: channelsOf({ colour }),
      layout: 'NHWC',
      dtype: 'uint8',
      ...fitting,
    });
  }

  async #view(
    fitting: Fitting,
    normalisation: Normalisation,
  ): Promise<{ pixels: Uint8Array[]; hash: string }> {
    const key = JSON.stringify(fitting);
    if (this.#last?.key === key) return this.#last;
    const input = this.#input(fitting, normalisation);
    const pixels: Uint8Array[] = [];
    const hash = createHash('sha256');
    for (const picture of this.#pictures.pictures) {
      const made = await prepare(picture, input);
      hash.update(made);
      pixels.push(made);
    }
    this.#last = { key, pixels, hash: hash.digest('hex') };
    return this.#last;
  }
}

/**
 * Tries the usual normalisations on the pictures' middle, then the best of them with every fit and kernel.
 *
 * @param given the preparation that the user named, to be among them, or null
 */
export async function tryPreparations(
  option: ModelOption,
  given: Preparation | null,
  names: ClassNames,
  pictures: ProbePictures,
): Promise<Ranked[]> {
  const folder = await mkdtemp(join(tmpdir(), 'edgemux-probe-'));
  try {
    const trial = await Trial.of(option, names, pictures, folder);
    const tried: Tried[] = [];
    const add = async (one: Preparation): Promise<void> => {
      if (!tried.some((other) => samePreparation(one, other))) tried.push(await trial.try(one));
    };
    if (given) await add(given);
    for (const normalisation of normalisations(option.normalisation.colour))
      await add({ normalisation, fitting: NEUTRAL });
    const labelled = pictures.labels !== null;
    const best = ranked(
      tried.filter(({ fitting }) => fitting === NEUTRAL),
      labelled,
    );
    const chosen = best.filter(({ tied }) => tied).slice(0, FITTED);
    for (const fitting of fittings())
      for (const { normalisation } of chosen) await add({ normalisation, fitting });
    return ranked(tried, labelled);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `zoo import --probe DIR`: prints what was found, and imports nothing. */
export async function runProbe(
  options: ImportOptions,
  dir: string,
  write: (text: string) => void,
): Promise<void> {
  const names = await readClassNames(options.labelsFile);
  const pictures = await probePictures(names, dir, PROBED);
  const found: { id: string; best: Ranked | undefined }[] = [];
  for (const option of options.models) {
    const { normalisation, fitting } = option;
    const given = normalisation.mean.length > 0 ? { normalisation, fitting } : null;
    const rows = await tryPreparations(option, given, names, pictures);
    write(
      `${option.id}: ${option.file}, ${rows.length} preparations on ${pictures.pictures.length} pictures\n`,
    );
    write(rankingText(option.id, rows, given, pictures.labels !== null));
    found.push({ id: option.id, best: rows[0] });
  }
  if (pictures.labels === null) write(agreementText(found));
}

function rankingText(
  id: string,
  rows: readonly Ranked[],
  given: Preparation | null,
  labelled: boolean,
): string {
  const isGiven = (row: Preparation): boolean => given !== null && samePreparation(row, given);
  const shown = rows.filter((row, at) => at < SHOWN || isGiven(row));
  const lines = shown.map((row) => {
    const interval = `${percent(row.score)} [${percent(row.low)}, ${percent(row.high)}]`;
    return `  ${row.tied ? '=' : ' '} ${interval.padEnd(22)}  ${preparationText(row)}${isGiven(row) ? '  ← yours' : ''}`;
  });
  const tied = rows.filter((row) => row.tied).length;
  const what = labelled ? 'right' : 'mean confidence, which is no accuracy: the folders say no classes';
  const [best] = rows;
  const others = rows.length > shown.length ? `, ${rows.length - shown.length} more below` : '';
  return [
    `    ${what}; [95 % interval]; = marks the ${tied} that these pictures cannot tell from the first${others}`,
    ...lines,
    best ? `  type: ${preparationFlags(id, best)}` : '',
    '',
    '',
  ].join('\n');
}

function agreementText(found: readonly { id: string; best: Ranked | undefined }[]): string {
  const [first, ...others] = found;
  return others
    .map(({ id, best }) => {
      const answers = first?.best?.answers ?? [];
      const agree = answers.filter((k, i) => k === best?.answers[i]).length / answers.length;
      return `${first?.id ?? ''} and ${id}, each by its first preparation, agree on ${percent(agree)} of the pictures\n`;
    })
    .join('');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Pictures for a hint beside a calibration: it costs as many runs of the model as some dozens of them. */
const HINTED = 100;

/** What to say where the preparation that was given is clearly worse than a usual one; null where it is not. */
export async function betterPreparation(
  option: ModelOption,
  names: ClassNames,
  dir: string,
): Promise<string | null> {
  const pictures = await probePictures(names, dir, HINTED);
  const given = { normalisation: option.normalisation, fitting: option.fitting };
  const rows = await tryPreparations(option, given, names, pictures);
  const [best] = rows;
  const own = rows.find((row) => samePreparation(row, given));
  if (!best || !own || own.tied) return null;
  return (
    `${option.id} is right for ${percent(own.score)} of ${pictures.pictures.length} pictures as you prepare them, and for ` +
    `${percent(best.score)} with ${preparationText(best)}: ${preparationFlags(option.id, best)} (--probe shows more)`
  );
}
