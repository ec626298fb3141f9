/** What a command line is made of, as plain data: parsing, help, completion and manual pages are all made from it. */

/** A parsed command line. */
export type Arguments = Record<string, unknown>;

/** Does what a command does; resolves with the exit code. */
export type Run = () => Promise<number>;

export interface CommandOption {
  type?: 'string' | 'number' | 'boolean';
  describe: string;
  choices?: readonly string[];
  default?: unknown;
  /** The default in words, where its value depends on the machine. */
  defaultDescription?: string;
  /** Whether it may be given several times; of any other the last one counts. */
  array?: boolean;
  requiresArg?: boolean;
  demandOption?: boolean;
  /** Another option that this one needs. */
  implies?: string;
}

export type CommandOptions = Readonly<Record<string, CommandOption>>;

/** What a command takes and does. */
export interface Action {
  options?: CommandOptions;
  epilogue?: string;
  /** Checks the command line. @throws EdgemuxError CONFIG_INVALID naming the flag and its value */
  run: (argv: Arguments) => Run;
}

export interface Command {
  name: string;
  describe: string;
  /** Loaded only when the command is chosen: the daemon needs nothing of the lab. Absent where a sub-command has to be named. */
  action?: () => Promise<Action>;
  commands?: readonly Command[];
}

export interface Program {
  name: string;
  /** What it is for, in one sentence. */
  describe: string;
  examples: readonly (readonly [command: string, describe: string])[];
  /** Options that every command has. */
  options: CommandOptions;
  commands: readonly Command[];
}

/** A command with everything that it takes. */
export interface DescribedCommand extends Pick<Command, 'describe'> {
  /** Its names from the outside in: `['power', 'scan']`. */
  path: readonly string[];
  options: CommandOptions;
  epilogue: string;
  /** Whether it does something without a sub-command. */
  acts: boolean;
}

/** All commands of a program, each before those below it. Loads what they take. */
export async function describedCommands(
  commands: readonly Command[],
  above: readonly string[] = [],
): Promise<DescribedCommand[]> {
  const found: DescribedCommand[] = [];
  for (const { name, describe, action: load, commands: below = [] } of commands) {
    const path = [...above, name];
    const { options = {}, epilogue = '' } = (await load?.()) ?? {};
    found.push({ path, describe, options, epilogue, acts: load !== undefined });
    found.push(...(await describedCommands(below, path)));
  }
  return found;
}
