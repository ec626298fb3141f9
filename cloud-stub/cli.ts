import yargs, { type Argv } from 'yargs';
import { configKeys } from '../common/config/keys.js';
import { flagOptions, flagValues, lastOfEach } from '../common/config/flags.js';
import { nearestName } from '../common/config/nearest.js';
import { DOCTOR_EPILOGUE, DOCTOR_OPTIONS, doctorOptions } from '../common/doctor/command.js';
import { EXIT, reportFailure, UsageError } from '../common/exit.js';
import { packageVersion } from '../common/version.js';
import { CLOUD_FLAGS, cloudConfigSchema } from './config.js';

const keys = configKeys(cloudConfigSchema);
const RUN_OPTIONS = flagOptions(CLOUD_FLAGS, keys);
const DOCTOR = 'check every precondition of the server, and say what to do';
const DOCTOR_FLAGS = { ...RUN_OPTIONS, ...DOCTOR_OPTIONS };

const EXAMPLES: readonly [string, string][] = [
  ['$0 doctor --broker mqtt://HOST --provider cuda', 'what is missing here, and what to do about it'],
  ['$0 run --broker mqtt://HOST --provider cuda', 'answer hard frames of all devices of this broker'],
];

/** What the command line asks for. */
interface Chosen {
  run: () => Promise<number>;
}

/** Parses the command line and runs the command; without one it explains itself. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  const chosen: Chosen = { run: () => Promise.resolve(EXIT.ok) };
  const parser = commandLine(args, chosen);
  try {
    if (args.length === 0) {
      process.stdout.write(`${await parser.getHelp()}\n`);
      return EXIT.usage;
    }
    await parser.parseAsync();
    return await chosen.run();
  } catch (error) {
    return reportFailure(error);
  }
}

function commandLine(args: string[], chosen: Chosen): Argv {
  return yargs(args)
    .scriptName('edgemux-cloud')
    .usage('$0 <command>\n\nAnswers the frames that devices find too hard.')
    .version(packageVersion())
    .alias({ help: 'h', version: 'v' })
    .example(EXAMPLES)
    .option('config', {
      type: 'string',
      requiresArg: true,
      describe: 'YAML configuration file (EDGEMUX_CLOUD_CONFIG)',
    })
    .command('run', 'run the server until SIGTERM or Ctrl-C', RUN_OPTIONS, (argv) => {
      const { file, flags } = given(argv);
      chosen.run = async () => (await import('./run.js')).run(file, flags);
    })
    .command(
      'doctor',
      DOCTOR,
      (own) => own.options(DOCTOR_FLAGS).epilogue(DOCTOR_EPILOGUE),
      (argv) => {
        const { file, flags } = given(argv);
        const options = { ...doctorOptions(lastOfEach(argv, DOCTOR_FLAGS)), configFile: file, flags };
        chosen.run = async () => (await import('./doctor.js')).runCloudDoctor(options);
      },
    )
    .demandCommand(1, 'name a command')
    .strict()
    .recommendCommands()
    .wrap(Math.min(110, process.stdout.columns || 110))
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new UsageError(withNearest(message));
    });
}

/** The message about an argument that is not known, with the option that was probably meant. */
function withNearest(message: string): string {
  const [, wrong] = /^Unknown arguments?: ([\w-]+)/.exec(message) ?? [];
  const known = ['config', 'help', 'version', ...Object.keys(DOCTOR_FLAGS)];
  const near = wrong === undefined ? null : nearestName(wrong, known);
  return near === null ? message : `${message}. Did you mean --${near}?`;
}

/** The configuration file, and the values of the command line by configuration key. */
function given(argv: Record<string, unknown>): { file: string | null; flags: Record<string, unknown> } {
  const last = lastOfEach(argv, DOCTOR_FLAGS);
  return { file: configFile(last), flags: flagValues(last, CLOUD_FLAGS, keys) };
}

function configFile(argv: Record<string, unknown>): string | null {
  const named = argv['config'] ?? process.env['EDGEMUX_CLOUD_CONFIG'];
  return typeof named === 'string' && named !== '' ? named : null;
}
