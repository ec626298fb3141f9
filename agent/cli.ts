import yargs, { type Argv } from 'yargs';
import { lastOfEach } from '../common/config/flags.js';
import { nearestName } from '../common/config/nearest.js';
import { EXIT, reportFailure, UsageError } from '../common/exit.js';
import { packageVersion } from '../common/version.js';
import type { Action, Command, Run } from './commands/command.js';
import { COMMANDS } from './commands/table.js';

/** Told which command was chosen, and which options it has. */
interface Chosen {
  run: Run;
  options: readonly string[];
}

const EXAMPLES: readonly [string, string][] = [
  ['$0 demo', 'the whole system on this machine, with real images and simulated rails'],
  ['$0 doctor --broker mqtt://HOST', 'what is missing here, and what to do about it'],
  ['$0 run --broker mqtt://HOST --device door-1', 'answer the frames of cameras/+/frame'],
  ['$0 report --since 24h', 'the last day as a page of figures'],
];

/** Parses the command line and runs the command; without one it explains itself. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  const chosen: Chosen = { run: () => Promise.resolve(EXIT.ok), options: ['config', 'help', 'version'] };
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
  const parser = yargs(args)
    .scriptName('edgemux')
    .usage(
      '$0 <command>\n\nAnswers camera frames on the device where the small model will be right, else by a server.',
    )
    .version(packageVersion())
    .alias({ help: 'h', version: 'v' })
    .example(EXAMPLES)
    .option('config', {
      type: 'string',
      requiresArg: true,
      describe: 'YAML configuration file (EDGEMUX_CONFIG)',
    });
  addCommands(parser, COMMANDS, chosen);
  return parser
    .demandCommand(1, 'name a command')
    .strict()
    .recommendCommands()
    .wrap(Math.min(110, process.stdout.columns || 110))
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new UsageError(withNearest(message, chosen.options));
    });
}

/** The message about an argument that is not known, with the option that was probably meant. */
function withNearest(message: string, options: readonly string[]): string {
  const [, wrong] = /^Unknown arguments?: ([\w-]+)/.exec(message) ?? [];
  const near = wrong === undefined ? null : nearestName(wrong, options);
  return near === null ? message : `${message}. Did you mean --${near}?`;
}

/** Registers commands; the options of one with sub-commands are its own and not theirs. */
function addCommands(parser: Argv, commands: readonly Command[], chosen: Chosen): void {
  for (const { name, describe, action: load, commands: below = [] } of commands) {
    let action: Action | null = null;
    const build = async (own: Argv): Promise<Argv> => {
      addCommands(own, below, chosen);
      action = (await load?.()) ?? null;
      const { options = {}, epilogue = '' } = action ?? {};
      chosen.options = [...chosen.options, ...Object.keys(options)];
      const alone = Object.entries(options).map(
        ([flag, option]) => [flag, { ...option, global: false }] as const,
      );
      own.options(Object.fromEntries(alone)).epilogue(epilogue);
      return action
        ? own
        : own.demandCommand(1, `name one of: ${below.map((command) => command.name).join(', ')}`);
    };
    parser.command(name, describe, build, (argv) => {
      if (action) chosen.run = action.run(lastOfEach(argv, action.options ?? {}));
    });
  }
}
