import yargs from 'yargs';
import { configKeys } from '../common/config/keys.js';
import { flagOptions, flagValues } from '../common/config/flags.js';
import { EXIT, reportFailure, UsageError } from '../common/exit.js';
import { packageVersion } from '../common/version.js';
import { CLOUD_FLAGS, cloudConfigSchema } from './config.js';

const keys = configKeys(cloudConfigSchema);

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
    .command(
      'run',
      'run the server until SIGTERM or Ctrl-C',
      (command) => command.options(flagOptions(CLOUD_FLAGS, keys)),
      (argv) => {
        command = async () =>
          (await import('./run.js')).run(configFile(argv), flagValues(argv, CLOUD_FLAGS, keys));
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
