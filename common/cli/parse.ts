/** From the words of a command line to what they ask for. */
import yargs, { type Argv, type InferredOptionTypes, type Options } from 'yargs';
import { EXIT, reportFailure, UsageError } from '../exit.js';
import { packageVersion } from '../version.js';
import type { Action, Command, CommandOptions, Program, Run } from './command.js';
import { lastOfEach } from './last-of-each.js';
import { withNearest } from './unknown.js';

const WIDEST = 110;

/** What `parseOptions` explains with --help. */
export interface Script {
  /** How it is called, such as `npm run bench --`. */
  name: string;
  /** `$0 [--only NAME…]` and, below it, what it does. */
  usage: string;
  epilogue?: string;
}

/** Told which command was chosen, and the names of the options that it has. */
interface Chosen {
  run: Run;
  options: string[];
}

/** Parses the command line and runs the command; without one it explains itself. Returns the exit code. */
export async function runProgram(program: Program, args: readonly string[]): Promise<number> {
  const chosen: Chosen = { run: () => Promise.resolve(EXIT.ok), options: Object.keys(program.options) };
  const parser = parserOf(args, chosen)
    .scriptName(program.name)
    .usage(`$0 <command>\n\n${program.describe}`)
    .version(packageVersion())
    .alias({ help: 'h', version: 'v' })
    .example(program.examples.map(([command, text]) => [command.replace(program.name, '$0'), text]))
    .options(program.options as Record<string, Options>)
    .demandCommand(1, 'name a command')
    .recommendCommands();
  addCommands(parser, program.commands, chosen, program.options);
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

/**
 * Parses the command line of a script, which has options and no commands. Null where it asked for help, which it has got.
 * @throws UsageError for what cannot be understood
 */
export async function parseOptions<O extends CommandOptions>(
  script: Script,
  options: O,
  args: readonly string[],
): Promise<InferredOptionTypes<O & Record<string, Options>> | null> {
  const parser = parserOf(args, { options: Object.keys(options) })
    .scriptName(script.name)
    .usage(script.usage)
    .epilogue(script.epilogue ?? '')
    .options(options as Record<string, Options>)
    .version(false);
  const argv = await parser.parseAsync();
  if (argv['help'] === true) return null;
  return lastOfEach(argv, options) as InferredOptionTypes<O & Record<string, Options>>;
}

/** In English whatever the locale: our own texts are, and misspelt options are told by yargs' message. */
function parserOf(args: readonly string[], known: Pick<Chosen, 'options'>): Argv {
  return yargs([...args])
    .locale('en')
    .strict()
    .wrap(Math.min(WIDEST, process.stdout.columns || WIDEST))
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new UsageError(withNearest(message, args, ['help', 'version', ...known.options]));
    });
}

/** Registers commands; the options of one with sub-commands are its own and not theirs. */
function addCommands(
  parser: Argv,
  commands: readonly Command[],
  chosen: Chosen,
  everywhere: CommandOptions,
): void {
  for (const { name, describe, action: load, commands: below = [] } of commands) {
    let action: Action | null = null;
    const build = async (own: Argv): Promise<Argv> => {
      addCommands(own, below, chosen, everywhere);
      action = (await load?.()) ?? null;
      const { options = {}, epilogue = '' } = action ?? {};
      chosen.options.push(...Object.keys(options));
      const alone = Object.entries(options).map(
        ([flag, option]) => [flag, { ...option, global: false }] as const,
      );
      own.options(Object.fromEntries(alone) as Record<string, Options>).epilogue(epilogue);
      return action
        ? own
        : own.demandCommand(1, `name one of: ${below.map((command) => command.name).join(', ')}`);
    };
    parser.command(name, describe, build, (argv) => {
      if (action) chosen.run = action.run(lastOfEach(argv, { ...everywhere, ...action.options }));
    });
  }
}
