import yargs, { type Argv, type Options } from 'yargs';
import { configKeys } from '../common/config/keys.js';
import { flagOptions, flagValues } from '../common/config/flags.js';
import { EXIT, reportFailure, UsageError } from '../common/exit.js';
import { packageVersion } from '../common/version.js';
import { AGENT_FLAGS, agentConfigSchema } from './config.js';
import { DEMO_OPTIONS, demoOptions } from './demo/options.js';
import { EVAL_OPTIONS, evalOptions } from './eval/options.js';
import { agentConfig } from './load-config.js';
import { POWER_OPTIONS, powerOptions, SCAN_OPTIONS, scanOptions } from './power/options.js';
import { IMPORT_OPTIONS, importOptions } from './zoo/import-options.js';
import { LABEL_OPTIONS, labelOptions } from './zoo/label-options.js';

type Arguments = Record<string, unknown>;
type Run = () => Promise<number>;
/** Told which command was chosen. Its code is imported only then: help and usage errors need none of it. */
type Choose = (run: Run) => void;

const keys = configKeys(agentConfigSchema);
const EVERY_KEY =
  'Every key of docs/configuration.md can also be set in the file or as EDGEMUX_… in the environment.';

/** Parses the command line and runs the command. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  let chosen: Run = () => Promise.resolve(EXIT.ok);
  const parser = yargs(args)
    .scriptName('edgemux')
    .usage(
      '$0 <command>\n\nAnswers camera frames on the device where the small model will be right, else by a server.',
    )
    .version(packageVersion())
    .option('config', {
      type: 'string',
      requiresArg: true,
      describe: 'YAML configuration file (EDGEMUX_CONFIG)',
    });
  addCommands(parser, COMMANDS, (run) => {
    chosen = run;
  });
  try {
    await parser
      .demandCommand(1, 'name a command')
      .strict()
      .recommendCommands()
      .wrap(Math.min(110, process.stdout.columns || 110))
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new UsageError(message);
      })
      .parseAsync();
    return await chosen();
  } catch (error) {
    return reportFailure(error);
  }
}

interface Command {
  name: string;
  describe: string;
  options?: Record<string, Options>;
  epilogue?: string;
  /** Absent where a sub-command has to be named. */
  run?: (argv: Arguments) => Run;
  commands?: Command[];
}

const COMMANDS: Command[] = [
  {
    name: 'run',
    describe: 'run the daemon until SIGTERM or Ctrl-C',
    options: flagOptions(AGENT_FLAGS, keys),
    epilogue: EVERY_KEY,
    run: runDaemon,
  },
  {
    name: 'demo',
    describe: 'show the whole system here, with real images and simulated rails',
    options: DEMO_OPTIONS,
    run: runDemo,
  },
  {
    name: 'power',
    describe: 'measure power rails: watts, joules, sampling rate and gaps',
    options: POWER_OPTIONS,
    run: runPower,
    commands: [
      {
        name: 'scan',
        describe: 'list I2C buses, chips by their identity, and rails',
        options: SCAN_OPTIONS,
        run: runScan,
      },
    ],
  },
  {
    name: 'zoo',
    describe: 'model zoos',
    commands: [
      {
        name: 'import',
        describe: 'make a zoo of your own ONNX models',
        options: IMPORT_OPTIONS,
        run: runImport,
      },
    ],
  },
  {
    name: 'label',
    describe: "what every model of a zoo says of labelled images: a mux's training data",
    options: LABEL_OPTIONS,
    run: runLabel,
  },
  {
    name: 'eval',
    describe: 'measure a zoo on its test images: tables, curves, intervals and figures for every policy',
    options: EVAL_OPTIONS,
    run: runEval,
  },
];

/** Registers commands; the options of one with sub-commands are its own and not theirs. */
function addCommands(parser: Argv, commands: readonly Command[], choose: Choose): void {
  for (const { name, describe, options = {}, epilogue = '', run, commands: below = [] } of commands) {
    const build = (own: Argv): Argv => {
      addCommands(own, below, choose);
      const alone = Object.entries(options).map(
        ([flag, option]) => [flag, { ...option, global: false }] as const,
      );
      own.options(Object.fromEntries(alone)).epilogue(epilogue);
      return run
        ? own
        : own.demandCommand(1, `name one of: ${below.map((command) => command.name).join(', ')}`);
    };
    parser.command(name, describe, build, (argv) => {
      if (run) choose(run(argv as Arguments));
    });
  }
}

function runDaemon(argv: Arguments): Run {
  const options = { configFile: configFile(argv), flags: flagValues(argv, AGENT_FLAGS, keys) };
  return async () => (await import('./commands/run.js')).run(options);
}

function runDemo(argv: Arguments): Run {
  const options = demoOptions(argv);
  return async () => (await import('./demo/demo.js')).runDemo(options);
}

function runScan(argv: Arguments): Run {
  return async () => (await import('./power/command.js')).runPowerScan(scanOptions(argv));
}

function runPower(argv: Arguments): Run {
  const file = configFile(argv);
  const options = powerOptions(argv, file === null ? null : agentConfig(file, {}).power);
  return async () => (await import('./power/command.js')).runPower(options);
}

function runImport(argv: Arguments): Run {
  const options = importOptions(argv);
  return async () => (await import('./zoo/import.js')).runImport(options);
}

function runLabel(argv: Arguments): Run {
  const options = labelOptions(argv);
  return async () => (await import('./zoo/label.js')).runLabel(options);
}

function runEval(argv: Arguments): Run {
  const options = evalOptions(argv);
  return async () => (await import('./eval/command.js')).runEval(options);
}

function configFile(argv: Arguments): string | null {
  const named = argv['config'] ?? process.env['EDGEMUX_CONFIG'];
  return typeof named === 'string' && named !== '' ? named : null;
}
