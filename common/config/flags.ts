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
