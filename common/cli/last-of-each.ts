import type { Arguments, CommandOptions } from './command.js';

/**
 * A parsed command line in which the last one wins where an option that takes one value was given several times;
 * yargs makes lists of such. Options with `array` keep theirs.
 */
export function lastOfEach(argv: Arguments, options: CommandOptions): Arguments {
  const repeatable = Object.entries(options).filter(([, option]) => option.array === true);
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
