import type { CommandOption, CommandOptions } from '../cli/command.js';
import type { ConfigKey } from './keys.js';

/** Options for the flags of a program: text, type and choices come from the configuration schema. */
export function flagOptions(flags: Record<string, string>, keys: ConfigKey[]): CommandOptions {
  return Object.fromEntries(
    Object.entries(flags).map(([flag, path]) => {
      const key = keys.find((candidate) => candidate.path === path);
      if (!key) throw new Error(`flag --${flag} sets ${path}, which is no configuration key`);
      return [flag, flagOption(key)];
    }),
  );
}

function flagOption(key: ConfigKey): CommandOption {
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
