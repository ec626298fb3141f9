/** The command line of `edgemux eval`, as plain data. */
import { SHIPPED_ZOO, type Provider } from '../../mux/config.js';
import { IMAGES_OPTION, imagesFolder, invalid, optionalText, providerList, whole } from '../flags.js';

export interface EvalOptions {
  zoo: string;
  outDir: string;
  /** Folder of labelled pictures; null: the zoo's own test images. */
  images: string | null;
  /** Labels file of `edgemux label --mux` in the place of pictures; null: networks are run. */
  labels: string | null;
  /** Only so many images, taken evenly from all; null: all. */
  limit: number | null;
  /** Of the bootstrap and of the halves of a cross-validation. */
  seed: number;
  /** Execution providers in order, as for the daemon. */
  providers: readonly Provider[];
}

export const EVAL_OPTIONS = {
  zoo: {
    type: 'string',
    default: SHIPPED_ZOO,
    defaultDescription: 'models/fashion-mnist',
    describe: 'model zoo folder',
  },
  out: {
    type: 'string',
    default: 'eval-out',
    describe: 'folder for eval.json, eval.md, choices and figures',
  },
  images: IMAGES_OPTION,
  labels: {
    type: 'string',
    requiresArg: true,
    describe: 'labels file of edgemux label --mux: nothing is run, its outputs are judged',
  },
  limit: { type: 'number', requiresArg: true, describe: 'images at most, taken evenly from all' },
  seed: { type: 'number', default: 1, describe: 'of the bootstrap and of cross-validation' },
  provider: {
    type: 'string',
    default: 'cuda,cpu',
    requiresArg: true,
    describe: 'execution providers in order, as for edgemux run',
  },
} as const;

/** Checks a parsed command line. @throws EdgemuxError CONFIG_INVALID naming the flag and its value */
export function evalOptions(argv: Record<string, unknown>): EvalOptions {
  const { limit } = argv;
  const [images, labels] = [imagesFolder(argv), optionalText(argv['labels'])];
  if (labels !== null && images !== null) throw invalid('images', images, 'left out where --labels is given');
  if (labels !== null && limit !== undefined)
    throw invalid('limit', limit, 'left out where --labels is given (edgemux label has it)');
  return {
    zoo: String(argv['zoo'] ?? SHIPPED_ZOO),
    outDir: String(argv['out'] ?? EVAL_OPTIONS.out.default),
    images,
    labels,
    limit: limit === undefined ? null : whole('limit', limit, 2, 100_000_000),
    seed: whole('seed', argv['seed'] ?? EVAL_OPTIONS.seed.default, 0, 0xffffffff),
    providers: providerList(argv['provider'] ?? EVAL_OPTIONS.provider.default),
  };
}
