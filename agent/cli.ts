import yargs, { type Argv } from 'yargs';
import { configKeys } from '../common/config/keys.js';
import { flagOptions, flagValues } from '../common/config/flags.js';
import { EXIT, reportFailure, UsageError } from '../common/exit.js';
import { packageVersion } from '../common/version.js';
import { AGENT_FLAGS, agentConfigSchema } from './config.js';
import { agentConfig } from './load-config.js';
import { POWER_OPTIONS, powerOptions, SCAN_OPTIONS, scanOptions } from './power/options.js';
import { DEMO_OPTIONS, demoOptions } from './demo/options.js';

/** Parses the command line and runs the command. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  let command: () => Promise<number> = () => Promise.resolve(EXIT.ok);
  const parser = buildParser(args, (chosen) => {
    command = chosen;
  });
  try {
    await parser.parseAsync();
    return await command();
  } catch (error) {
    return reportFailure(error);
  }
}

/** The command is imported when it is chosen: help and errors of the command line need none of it. */
function buildParser(args: string[], choose: (command: () => Promise<number>) => void): Argv {
  return yargs(args)
    .scriptName('edgemux')
    .usage(
      '$0 <command>\n\nAnswers camera frames on the device where the small model will be right, else by a server.',
    )
    .version(packageVersion())
    .option('config', {
      type: 'string',
      requiresArg: true,
      describe: 'YAML configuration file (EDGEMUX_CONFIG)',
    })
    .command('run', 'run the daemon until SIGTERM or Ctrl-C', runFlags, (argv) => {
      const options = { configFile: configFile(argv), flags: flagValues(argv, AGENT_FLAGS, keys) };
      choose(async () => (await import('./commands/run.js')).run(options));
    })
    .command(
      'demo',
      'show the whole system on this machine, with real images and simulated rails',
      demoFlags,
      (argv) => {
        const options = demoOptions(argv);
        choose(async () => (await import('./demo/demo.js')).runDemo(options));
      },
    )
    .command('power', 'measure power rails: watts, joules, sampling rate and gaps', powerFlags, (argv) => {
      choose(() => power(argv));
    })
    .demandCommand(1, 'name a command')
    .strict()
    .recommendCommands()
    .wrap(Math.min(110, process.stdout.columns || 110))
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new UsageError(message);
    });
}

const keys = configKeys(agentConfigSchema);

function runFlags(parser: Argv): Argv {
  return parser
    .options(flagOptions(AGENT_FLAGS, keys))
    .epilogue(
      'Every key of docs/configuration.md can also be set in the file or as EDGEMUX_… in the environment.',
    );
}

function demoFlags(parser: Argv): Argv {
  return parser.options(DEMO_OPTIONS);
}

/** `edgemux power` with its sub-command `scan`. */
function powerFlags(parser: Argv): Argv {
  return parser
    .command('scan', 'list I2C buses, chips by their identity, and rails of the kernel', (scan) =>
      scan.options(SCAN_OPTIONS),
    )
    .options(POWER_OPTIONS);
}

async function power(argv: { _: (string | number)[] } & Record<string, unknown>): Promise<number> {
  const { runPower, runPowerScan } = await import('./power/command.js');
  if (argv._.includes('scan')) return runPowerScan(scanOptions(argv));
  const file = configFile(argv);
  const configured = file === null ? null : agentConfig(file, {}).power;
  return runPower(powerOptions(argv, configured));
}

function configFile(argv: Record<string, unknown>): string | null {
  const named = argv['config'] ?? process.env['EDGEMUX_CONFIG'];
  return typeof named === 'string' && named !== '' ? named : null;
}
