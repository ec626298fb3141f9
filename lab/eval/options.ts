/** The command line of `edgemux eval`, as plain data. */
import { SHIPPED_ZOO, type Provider } from '../../mux/config.js';
import { providerList, whole } from '../flags.js';

export interface EvalOptions {
  zoo: string;
  outDir: string;
  /** The first so many test images; null: all. */
  images: number | null;
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
  images: { type: 'number', requiresArg: true, describe: 'only the first so many test images' },
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
  const images = argv['images'];
  return {
    zoo: String(argv['zoo'] ?? SHIPPED_ZOO),
    outDir: String(argv['out'] ?? EVAL_OPTIONS.out.default),
    images: images === undefined ? null : whole('images', images, 2, 100_000_000),
    seed: whole('seed', argv['seed'] ?? EVAL_OPTIONS.seed.default, 0, 0xffffffff),
    providers: providerList(argv['provider'] ?? EVAL_OPTIONS.provider.default),
  };
}
