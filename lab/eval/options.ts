/** The command line of `edgemux eval`, as plain data. */
import { fileURLToPath } from 'node:url';
import { EdgemuxError } from '../../common/errors.js';
import { PROVIDERS, type Provider } from '../../mux/config.js';

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

const DEFAULT_ZOO = fileURLToPath(new URL('../../../models/fashion-mnist', import.meta.url));

export const EVAL_OPTIONS = {
  zoo: {
    type: 'string',
    default: DEFAULT_ZOO,
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
    zoo: String(argv['zoo'] ?? DEFAULT_ZOO),
    outDir: String(argv['out'] ?? EVAL_OPTIONS.out.default),
    images: images === undefined ? null : wholeNumber('images', images, 2, 100_000_000),
    seed: wholeNumber('seed', argv['seed'] ?? EVAL_OPTIONS.seed.default, 0, 0xffffffff),
    providers: providers(String(argv['provider'] ?? EVAL_OPTIONS.provider.default)),
  };
}

function providers(text: string): Provider[] {
  return text.split(',').map((part) => {
    const found = PROVIDERS.find((provider) => provider === part.trim());
    if (found) return found;
    throw invalid(`--provider must be of ${PROVIDERS.join(', ')}, with commas (got ${text})`);
  });
}

function wholeNumber(flag: string, value: unknown, least: number, most: number): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw invalid(`--${flag} must be a whole number from ${least} to ${most} (got ${String(value)})`);
}

function invalid(message: string): EdgemuxError {
  return new EdgemuxError('CONFIG_INVALID', message);
}
