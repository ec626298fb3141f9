import { completionCommand } from '../common/cli/completion.js';
import type { Action, Arguments, Program } from '../common/cli/command.js';
import { runProgram } from '../common/cli/parse.js';
import { flagOptions, flagValues } from '../common/config/flags.js';
import { configKeys } from '../common/config/keys.js';
import { DOCTOR_EPILOGUE, DOCTOR_OPTIONS, doctorOptions } from '../common/doctor/command.js';
import { runToken, TOKEN_OPTIONS } from '../http/token-command.js';
import { CLOUD_FLAGS, cloudConfig, cloudConfigSchema } from './config.js';

const keys = configKeys(cloudConfigSchema);
const RUN_OPTIONS = flagOptions(CLOUD_FLAGS, keys);

const RUN: Action = {
  options: RUN_OPTIONS,
  epilogue:
    'Every key of docs/configuration.md can also be set in the file or as EDGEMUX_CLOUD_… in the environment.',
  run: (argv) => {
    const { configFile, flags } = given(argv);
    return async () => (await import('./run.js')).run(configFile, flags);
  },
};

const DOCTOR: Action = {
  options: { ...RUN_OPTIONS, ...DOCTOR_OPTIONS },
  epilogue: DOCTOR_EPILOGUE,
  run: (argv) => {
    const options = { ...doctorOptions(argv), ...given(argv) };
    return async () => (await import('./doctor.js')).runCloudDoctor(options);
  },
};

const TOKEN: Action = {
  options: TOKEN_OPTIONS,
  run: (argv) => {
    const { tokenFile } = cloudConfig(given(argv).configFile, {}).http;
    return () => runToken(tokenFile ?? '', argv['rotate'] === true);
  },
};

/** The command line of `edgemux-cloud`. */
export const PROGRAM: Program = {
  name: 'edgemux-cloud',
  describe: 'Answers the frames that devices find too hard.',
  examples: [
    [
      'edgemux-cloud doctor --broker mqtt://HOST --provider cuda',
      'what is missing here, and what to do about it',
    ],
    [
      'edgemux-cloud run --broker mqtt://HOST --provider cuda',
      'answer hard frames of all devices of this broker',
    ],
  ],
  options: {
    config: { type: 'string', requiresArg: true, describe: 'YAML configuration file (EDGEMUX_CLOUD_CONFIG)' },
  },
  commands: [
    {
      name: 'run',
      describe: 'run the server until SIGTERM or Ctrl-C',
      action: () => Promise.resolve(RUN),
    },
    {
      name: 'doctor',
      describe: 'check every precondition of the server, and say what to do',
      action: () => Promise.resolve(DOCTOR),
    },
    {
      name: 'token',
      describe: 'print the token that changes over HTTP need',
      action: () => Promise.resolve(TOKEN),
    },
    completionCommand(() => PROGRAM),
  ],
};

/** Parses the command line and runs the command; without one it explains itself. Returns the exit code. */
export const main = (args: readonly string[]): Promise<number> => runProgram(PROGRAM, args);

/** The configuration file, and the values of the command line by configuration key. */
function given(argv: Arguments): { configFile: string | null; flags: Record<string, unknown> } {
  const named = argv['config'] ?? process.env['EDGEMUX_CLOUD_CONFIG'];
  const configFile = typeof named === 'string' && named !== '' ? named : null;
  return { configFile, flags: flagValues(argv, CLOUD_FLAGS, keys) };
}
