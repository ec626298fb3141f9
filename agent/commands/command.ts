import type { Arguments } from '../../common/cli/command.js';

export type { Action, Arguments, Command } from '../../common/cli/command.js';

/** The configuration file that the command line or the environment names, or null. */
export function configFile(argv: Arguments): string | null {
  const named = argv['config'] ?? process.env['EDGEMUX_CONFIG'];
  return typeof named === 'string' && named !== '' ? named : null;
}
