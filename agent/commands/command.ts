import type { Options } from 'yargs';

/** A parsed command line. */
export type Arguments = Record<string, unknown>;

/** Does what a command does; resolves with the exit code. */
export type Run = () => Promise<number>;

/** What a command takes and does. */
export interface Action {
  options?: Record<string, Options>;
  epilogue?: string;
  /** Checks the command line. @throws EdgemuxError CONFIG_INVALID naming the flag and its value */
  run: (argv: Arguments) => Run;
}

/** A command of `edgemux`. */
export interface Command {
  name: string;
  describe: string;
  /** Loaded only when the command is chosen: the daemon needs nothing of the lab. Absent where a sub-command has to be named. */
  action?: () => Promise<Action>;
  commands?: readonly Command[];
}

/** The configuration file that the command line or the environment names, or null. */
export function configFile(argv: Arguments): string | null {
  const named = argv['config'] ?? process.env['EDGEMUX_CONFIG'];
  return typeof named === 'string' && named !== '' ? named : null;
}
