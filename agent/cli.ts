import { completionCommand } from '../common/cli/completion.js';
import type { Program } from '../common/cli/command.js';
import { runProgram } from '../common/cli/parse.js';
import { COMMANDS } from './commands/table.js';

/** The command line of `edgemux`. */
export const PROGRAM: Program = {
  name: 'edgemux',
  describe: 'Answers camera frames on the device where the small model will be right, else by a server.',
  examples: [
    ['edgemux demo', 'the whole system on this machine, with real images and simulated rails'],
    ['edgemux doctor --broker mqtt://HOST', 'what is missing here, and what to do about it'],
    ['edgemux run --broker mqtt://HOST --device door-1', 'answer the frames of cameras/+/frame'],
    ['edgemux report --since 24h', 'the last day as a page of figures'],
  ],
  options: {
    config: { type: 'string', requiresArg: true, describe: 'YAML configuration file (EDGEMUX_CONFIG)' },
  },
  commands: [...COMMANDS, completionCommand(() => PROGRAM)],
};

/** Parses the command line and runs the command; without one it explains itself. Returns the exit code. */
export const main = (args: readonly string[]): Promise<number> => runProgram(PROGRAM, args);
