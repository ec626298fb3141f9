import type { ConfigKey } from './keys.js';

/** A command line option in the form that yargs takes, made from the key that it sets. */
export interface FlagOption {
  describe: string;
  type: 'string' | 'number' | 'boolean';
  requiresArg?: boolean;
  choices?: string[];
  defaultDescription?: string;
}

/** Options for the flags of a program: text, type and choices come from the configuration schema. */
export function flagOptions(flags: Record<string, string>, keys: ConfigKey[]): Record<string, FlagOption> {
  return Object.fromEntries(
    Object.entries(flags).map(([flag, path]) => {
      const key = keys.find((candidate) => candidate.path === path);
      if (!key) throw new Error(`flag --${flag} sets ${path}, which is no configuration key`);
      return [flag, flagOption(key)];
    }),
  );
}

function flagOption(key: ConfigKey): FlagOption {
  const list = key.type === 'list';
  const unit = key.unit === null ? '' : ` (${key.unit})`;
  const type = key.type === 'number' || key.type === 'boolean' ? key.type : 'string';
  const fallback = key.shownDefault ?? (list ? (key.default as string[] | null)?.join(',') : key.default);
  return {
    describe: `${key.description}${unit}${list ? '; several: with commas' : ''}`,
    type,
    ...(type === 'boolean' ? {} : { requiresArg: true }),
    ...(key.choices && !list ? { choices: key.choices } : {}),
    ...(fallback === null || fallback === undefined ? {} : { defaultDescription: String(fallback) }),
  };
}

/**
 * A parsed command line in which the last one wins where an option that takes one value was given several times;
 * yargs makes lists of such. Options with `array` keep theirs.
 */
export function lastOfEach(
  argv: Record<string, unknown>,
  options: Record<string, object>,
): Record<string, unknown> {
  const repeatable = Object.entries(options).filter(
    ([, option]) => 'array' in option && option.array === true,
  );
  const kept = new Set(['_', ...repeatable.flatMap(([name]) => [name, camelCase(name)])]);
  const last = (value: unknown): unknown => (Array.isArray(value) ? value.at(-1) : value);
  return Object.fromEntries(
    Object.entries(argv).map(([name, value]) => [name, kept.has(name) ? value : last(value)]),
  );
}

/** yargs hands an option over under both spellings. */
function camelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** The given flags by the dotted path of their keys; a list is split at its commas. */
export function flagValues(
  argv: Record<string, unknown>,
  flags: Record<string, string>,
  keys: ConfigKey[],
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flags).map(([flag, path]) => {
      const value = argv[flag];
      const list = keys.find((key) => key.path === path)?.type === 'list';
      return [path, list && typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value];
    }),
  );
}
