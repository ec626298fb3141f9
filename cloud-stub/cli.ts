import yargs from 'yargs';
import { configKeys } from '../common/config/keys.js';
import { flagOptions, flagValues } from '../common/config/flags.js';
import { DOCTOR_EPILOGUE, DOCTOR_OPTIONS, doctorOptions } from '../common/doctor/command.js';
import { EXIT, reportFailure, UsageError } from '../common/exit.js';
import { packageVersion } from '../common/version.js';
import { CLOUD_FLAGS, cloudConfigSchema } from './config.js';

const keys = configKeys(cloudConfigSchema);
const RUN_OPTIONS = flagOptions(CLOUD_FLAGS, keys);
const DOCTOR = 'check every precondition of the server, and say what to do';
const DOCTOR_FLAGS = { ...RUN_OPTIONS, ...DOCTOR_OPTIONS };

/** Parses the command line and runs the command. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  let command: () => Promise<number> = () => Promise.resolve(EXIT.ok);
  const parser = yargs(args)
    .scriptName('edgemux-cloud')
    .usage('$0 <command>\n\nAnswers the frames that devices find too hard.')
    .version(packageVersion())
    .option('config', {
      type: 'string',
      requiresArg: true,
      describe: 'YAML configuration file (EDGEMUX_CLOUD_CONFIG)',
    })
    .command('run', 'run the server until SIGTERM or Ctrl-C', RUN_OPTIONS, (argv) => {
      const [file, flags] = [configFile(argv), flagValues(argv, CLOUD_FLAGS, keys)];
      command = async () => (await import('./run.js')).run(file, flags);
    })
    .command(
      'doctor',
      DOCTOR,
      (own) => own.options(DOCTOR_FLAGS).epilogue(DOCTOR_EPILOGUE),
      (argv) => {
        const given = { configFile: configFile(argv), flags: flagValues(argv, CLOUD_FLAGS, keys) };
        const options = { ...doctorOptions(argv), ...given };
        command = async () => (await import('./doctor.js')).runCloudDoctor(options);
      },
    )
    .demandCommand(1, 'name a command')
    .strict()
    .recommendCommands()
    .wrap(Math.min(110, process.stdout.columns || 110))
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new UsageError(message);
    });
  try {
    await parser.parseAsync();
    return await command();
  } catch (error) {
    return reportFailure(error);
  }
}

function configFile(argv: Record<string, unknown>): string | null {
  const named = argv['config'] ?? process.env['EDGEMUX_CLOUD_CONFIG'];
  return typeof named === 'string' && named !== '' ? named : null;
}
