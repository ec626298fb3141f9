import { isEdgemuxError, messageOf } from './errors.js';
import { PRIORITY, withPriority } from './journald.js';
import { withoutCredentials } from './redact.js';

/** Exit codes of both programs. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;
/** What a shell shows of a program whose reader went away. */
const SIGPIPE_EXIT = 141;

/** A command line that cannot be understood. */
export class UsageError extends Error {}

/**
 * For both programs, first of all. Whoever reads standard output may leave (`edgemux doctor | head`): the program ends
 * without a word, and one that stops in steps is asked to. Standard error may be closed: nobody reads it then.
 */
export function endWithReader(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.once('error', ({ code }: NodeJS.ErrnoException) => {
    process.stdout.on('error', () => undefined);
    if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM', 'SIGTERM');
    else process.exit(code === 'EPIPE' ? SIGPIPE_EXIT : EXIT.failure);
  });
}

/** Prints a failure for a person and returns the exit code: 2 for what the user wrote, 1 for what happened. */
export function reportFailure(error: unknown): number {
  if (error instanceof UsageError) {
    complain(`error: ${error.message}\nTry --help.`);
    return EXIT.usage;
  }
  const code = isEdgemuxError(error) ? ` [${error.code}]` : '';
  complain(`error${code}: ${messageOf(error)}`);
  if (!isEdgemuxError(error) && error instanceof Error && error.stack) complain(error.stack);
  const usage = isEdgemuxError(
    error,
    'CONFIG_UNREADABLE',
    'CONFIG_UNKNOWN_KEY',
    'CONFIG_INVALID',
    'TOPIC_INVALID',
  );
  return usage ? EXIT.usage : EXIT.failure;
}

function complain(text: string): void {
  process.stderr.write(withPriority(`${withoutCredentials(text)}\n`, PRIORITY.error));
}
