import yargs from 'yargs';
import { configKeys } from '../common/config/keys.js';
import { flagOptions, flagValues } from '../common/config/flags.js';
import { loadConfig } from '../common/config/load.js';
import { EXIT, reportFailure, UsageError } from '../common/exit.js';
import { createLog } from '../common/log.js';
import { stopSignal } from '../common/signals.js';
import { packageVersion } from '../common/version.js';
import { CLOUD_FLAGS, cloudConfigSchema } from './config.js';
import { CloudServer } from './server.js';

const keys = configKeys(cloudConfigSchema);

/** Parses the command line and runs the command. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  let code: () => Promise<number> = () => Promise.resolve(EXIT.ok);
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
        code = () => run(configFile(argv), flagValues(argv, CLOUD_FLAGS, keys));
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
    return await code();
  } catch (error) {
    return reportFailure(error);
  }
}

async function run(configFile: string | null, flags: Record<string, unknown>): Promise<number> {
  const config = loadConfig(cloudConfigSchema, {
    file: configFile,
    env: process.env,
    envPrefix: 'EDGEMUX_CLOUD',
    envIgnored: [/^EDGEMUX_CLOUD_CONFIG$/],
    flags,
  });
  const log = createLog('edgemux-cloud', config.log);
  const signal = stopSignal(log);
  const server = new CloudServer({ log }, config);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    return reportFailure(error);
  }
  await signal;
  await server.stop();
  return EXIT.ok;
}

function configFile(argv: Record<string, unknown>): string | null {
  const named = argv['config'] ?? process.env['EDGEMUX_CLOUD_CONFIG'];
  return typeof named === 'string' && named !== '' ? named : null;
}
