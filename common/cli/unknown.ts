import { nearestName } from '../config/nearest.js';

/**
 * What is wrong with a command line, as yargs says it, with the options that were probably meant.
 * @param args the command line: only what was written as an option is taken for a misspelt one
 * @param known names of options without dashes
 */
export function withNearest(message: string, args: readonly string[], known: readonly string[]): string {
  if (message.startsWith('Did you mean ')) return `There is no command ${lastCommandOf(args)}. ${message}`;
  const [, list = ''] = /^Unknown arguments?: (.*)$/s.exec(message) ?? [];
  if (list === '') return message;
  const written = args.flatMap((arg) => writtenName(arg) ?? []);
  const strangers = written.filter(({ name, dashes }) => dashes === 1 || list.split(', ').includes(name));
  if (strangers.length === 0) return message;
  const said = strangers.map(({ name, dashes }) => {
    const near = dashes === 1 && known.includes(name) ? name : nearestName(name, known);
    return `Unknown argument: ${name}${near === null ? '' : `. Did you mean --${near}?`}`;
  });
  return [...new Set(said)].join('\n');
}

/** The innermost command that was asked for: what stands before the first option. */
function lastCommandOf(args: readonly string[]): string {
  const option = args.findIndex((arg) => arg.startsWith('-'));
  return args.slice(0, option < 0 ? args.length : option).at(-1) ?? '';
}

/** The name of an option as it was written; null for values, and for short options, which have one letter. */
function writtenName(arg: string): { name: string; dashes: number } | null {
  const [, dashes, written] = /^(--?)([A-Za-z][\w-]+)/.exec(arg) ?? [];
  if (dashes === undefined || written === undefined) return null;
  return { name: written.replace(/^no-/, ''), dashes: dashes.length };
}
