/** The command lines of `edgemux label` and its sub-commands, as plain data. */
import type { Provider } from '../../mux/config.js';
import { invalid, optionalText, providerList, requiredText, whole } from '../flags.js';
import { PARTS, type Part } from './labelled.js';
import { formOf } from './labels/write.js';

/** The `index`-th of `of` parts, from 1. */
export interface Shard {
  index: number;
  of: number;
}

export interface LabelOptions {
  zooDir: string;
  /** Folder of pictures, IDX files, or (null) the zoo's own test set. */
  source: { kind: 'images'; dir: string } | { kind: 'idx'; dir: string; part: Part } | null;
  outFile: string;
  /** Ids; null: all models. */
  models: string[] | null;
  /** Ask the zoo's muxes too. */
  muxes: boolean;
  /** Probabilities kept of each network; null: all. */
  top: number | null;
  /** Images at most, taken evenly from all; null: all. */
  limit: number | null;
  shard: Shard;
  /** Images a run; null: as fits the inputs. */
  batch: number | null;
  providers: Provider[];
  threads: number;
}

const TOP = {
  type: 'number',
  requiresArg: true,
  describe: 'keep the so many largest probabilities of each network and the sum of the rest (*.labels)',
} as const;

export const LABEL_OPTIONS = {
  zoo: { type: 'string', requiresArg: true, demandOption: true, describe: 'model zoo folder' },
  images: {
    type: 'string',
    requiresArg: true,
    describe: "labelled pictures: FOLDER/<class>/*, or ImageNet's layout FOLDER/val/<class>/*",
  },
  idx: {
    type: 'string',
    requiresArg: true,
    describe: "folder with MNIST's four files; without --images and --idx: the zoo's own test set",
  },
  part: { type: 'string', choices: PARTS, default: 'test', describe: 'which of the IDX files' },
  out: {
    type: 'string',
    requiresArg: true,
    demandOption: true,
    describe: 'labels file: *.labels (binary) or *.jsonl; one that is there already is gone on with',
  },
  models: { type: 'string', requiresArg: true, describe: 'ids with commas, instead of all models' },
  mux: {
    type: 'boolean',
    default: false,
    describe: "the zoo's muxes too: what calibrate and eval need for every policy",
  },
  top: TOP,
  limit: { type: 'number', requiresArg: true, describe: 'images at most, taken evenly from all' },
  shard: {
    type: 'string',
    requiresArg: true,
    describe: 'only one part of the images, 3/16 the third of sixteen; edgemux label merge joins the files',
  },
  batch: { type: 'number', requiresArg: true, describe: 'images a run, instead of what fits the inputs' },
  provider: {
    type: 'string',
    default: 'cuda,cpu',
    describe: 'execution providers in order, as for edgemux run',
  },
  threads: { type: 'number', default: 0, describe: 'threads inside one CPU run; 0: the cores' },
} as const;

/** Checks the parsed command line. @throws EdgemuxError CONFIG_INVALID naming the flag and its value */
export function labelOptions(argv: Record<string, unknown>): LabelOptions {
  const outFile = requiredText(argv, 'out');
  const top = topOf(argv, outFile);
  return {
    zooDir: requiredText(argv, 'zoo'),
    source: sourceOf(argv),
    outFile,
    models: optionalText(argv['models'])?.split(',') ?? null,
    muxes: argv['mux'] === true,
    top,
    limit: argv['limit'] === undefined ? null : whole('limit', argv['limit'], 1, 1e9),
    shard: shardOf(optionalText(argv['shard'])),
    batch: argv['batch'] === undefined ? null : whole('batch', argv['batch'], 1, 4096),
    providers: providerList(optionalText(argv['provider']) ?? 'cuda,cpu'),
    threads: whole('threads', argv['threads'] ?? 0, 0, 256),
  };
}

function topOf(argv: Record<string, unknown>, outFile: string): number | null {
  const form = formOf(outFile);
  if (argv['top'] === undefined) return null;
  if (form === 'lines')
    throw invalid('top', argv['top'], 'left out where --out is a .jsonl file, which keeps its own');
  return whole('top', argv['top'], 1, 65_535);
}

function shardOf(text: string | null): Shard {
  if (text === null) return { index: 1, of: 1 };
  const [, index = 0, of = 0] = (/^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= of) return { index, of };
  throw invalid('shard', text, 'a part and the number of parts, 3/16 for the third of sixteen');
}

function sourceOf(argv: Record<string, unknown>): LabelOptions['source'] {
  const images = optionalText(argv['images']);
  const idx = optionalText(argv['idx']);
  if (images !== null && idx !== null) throw invalid('idx', idx, 'left out where --images is given');
  if (images !== null) return { kind: 'images', dir: images };
  const part = PARTS.find((one) => one === (argv['part'] ?? 'test'));
  if (part === undefined) throw invalid('part', argv['part'], PARTS.join(' or '));
  if (idx === null && part === 'train') throw invalid('part', part, 'given with --idx');
  return idx === null ? null : { kind: 'idx', dir: idx, part };
}

export interface CopyOptions {
  inFiles: string[];
  outFile: string;
  top: number | null;
}

export const COPY_OPTIONS = {
  in: {
    type: 'string',
    array: true,
    requiresArg: true,
    demandOption: true,
    describe: 'labels files, *.labels or *.jsonl',
  },
  out: {
    type: 'string',
    requiresArg: true,
    demandOption: true,
    describe: 'labels file that must not be there yet, *.labels or *.jsonl',
  },
  top: TOP,
} as const;

/** Of `edgemux label convert` and `edgemux label merge`. @throws EdgemuxError CONFIG_INVALID naming the flag and its value */
export function copyOptions(argv: Record<string, unknown>, most: number): CopyOptions {
  const given: unknown[] = Array.isArray(argv['in']) ? argv['in'] : [argv['in']];
  const inFiles = given.map(String).filter((file) => file !== '');
  const outFile = requiredText(argv, 'out');
  if (inFiles.length < 1 || inFiles.length > most)
    throw invalid('in', inFiles.join(' '), most === 1 ? 'one file' : 'files');
  return { inFiles, outFile, top: topOf(argv, outFile) };
}
