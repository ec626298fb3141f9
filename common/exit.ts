import { isEdgemuxError, messageOf } from './errors.js';

/** Exit codes of both programs. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;

/** A command line that cannot be understood. */
export class UsageError extends Error {}

/** Prints a failure for a person and returns the exit code: 2 for what the user wrote, 1 for what happened. */
export function reportFailure(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message}\nTry --help.\n`);
    return EXIT.usage;
  }
  const code = isEdgemuxError(error) ? ` [${error.code}]` : '';
  process.stderr.write(`error${code}: ${messageOf(error)}\n`);
  if (!isEdgemuxError(error) && error instanceof Error && error.stack)
    process.stderr.write(`${error.stack}\n`);
  const usage = isEdgemuxError(
    error,
    'CONFIG_UNREADABLE',
    'CONFIG_UNKNOWN_KEY',
    'CONFIG_INVALID',
    'TOPIC_INVALID',
  );
  return usage ? EXIT.usage : EXIT.failure;
}
