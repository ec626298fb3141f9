import yargs, { type Argv } from 'yargs';
import { EXIT, reportFailure, UsageError } from '../common/exit.js';
import { packageVersion } from '../common/version.js';
import type { Action, Command, Run } from './commands/command.js';
import { COMMANDS } from './commands/table.js';

/** Told which command was chosen. */
type Choose = (run: Run) => void;

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

/** Registers commands; the options of one with sub-commands are its own and not theirs. */
function addCommands(parser: Argv, commands: readonly Command[], choose: Choose): void {
  for (const { name, describe, action: load, commands: below = [] } of commands) {
    let action: Action | null = null;
    const build = async (own: Argv): Promise<Argv> => {
      addCommands(own, below, choose);
      action = (await load?.()) ?? null;
      const { options = {}, epilogue = '' } = action ?? {};
      const alone = Object.entries(options).map(
        ([flag, option]) => [flag, { ...option, global: false }] as const,
      );
      own.options(Object.fromEntries(alone)).epilogue(epilogue);
      return action
        ? own
        : own.demandCommand(1, `name one of: ${below.map((command) => command.name).join(', ')}`);
    };
    parser.command(name, describe, build, (argv) => {
      if (action) choose(action.run(argv));
    });
  }
}
