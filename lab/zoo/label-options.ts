/** The command line of `edgemux label`, as plain data. */
import type { Provider } from '../../mux/config.js';
import { invalid, optionalText, providerList, requiredText, whole } from '../flags.js';
import { PARTS, type Part } from './labelled.js';

export interface LabelOptions {
  zooDir: string;
  /** Folder of pictures, IDX files, or (null) the zoo's own test set. */
  source: { kind: 'images'; dir: string } | { kind: 'idx'; dir: string; part: Part } | null;
  outFile: string;
  /** Ids; null: all models. */
  models: string[] | null;
  /** Images at most, taken evenly from all; null: all. */
  limit: number | null;
  providers: Provider[];
  threads: number;
}

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
    describe: 'labels file (*.jsonl); one that is there already is gone on with',
  },
  models: { type: 'string', requiresArg: true, describe: 'ids with commas, instead of all models' },
  limit: { type: 'number', requiresArg: true, describe: 'images at most, taken evenly from all' },
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
  if (!outFile.endsWith('.jsonl')) throw invalid('out', outFile, 'a file that ends in .jsonl');
  return {
    zooDir: requiredText(argv, 'zoo'),
    source: sourceOf(argv),
    outFile,
    models: optionalText(argv['models'])?.split(',') ?? null,
    limit: argv['limit'] === undefined ? null : whole('limit', argv['limit'], 1, 1e9),
    providers: providerList(optionalText(argv['provider']) ?? 'cuda,cpu'),
    threads: whole('threads', argv['threads'] ?? 0, 0, 256),
  };
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
