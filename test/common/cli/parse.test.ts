import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { PROGRAM as DEVICE } from '../../../agent/cli.js';
import { PROGRAM as SERVER } from '../../../cloud-stub/cli.js';
import {
  describedCommands,
  type Arguments,
  type Command,
  type CommandOption,
  type Program,
} from '../../../common/cli/command.js';
import { parseOptions, runProgram } from '../../../common/cli/parse.js';
import { UsageError } from '../../../common/exit.js';

const ROOT = join(import.meta.dirname, '../../../..');

/** Two values of an option, in words. */
function wordsOf({ type, choices }: CommandOption): [string, string] {
  if (choices) return [choices[0]!, choices.at(-1)!];
  return type === 'number' ? ['1', '2'] : ['a', 'b'];
}

/** The program with its real options; instead of doing something, its commands tell what they were given. */
function telling(program: Program, tell: (argv: Arguments) => void): Program {
  const replaced = (commands: readonly Command[]): Command[] =>
    commands.map((command) => {
      const { action, commands: below } = command;
      const told = async () => ({
        ...(await action?.()),
        run: (argv: Arguments) => () => {
          tell(argv);
          return Promise.resolve(0);
        },
      });
      return {
        name: command.name,
        describe: command.describe,
        ...(action ? { action: told } : {}),
        ...(below ? { commands: replaced(below) } : {}),
      };
    });
  return { ...program, commands: replaced(program.commands) };
}

for (const program of [DEVICE, SERVER]) {
  t.test(`${program.name}: every option of every command that is given twice`, async (t) => {
    let given: Arguments = {};
    const told = telling(program, (argv) => (given = argv));
    for (const { path, options, acts } of await describedCommands(program.commands)) {
      if (!acts) continue;
      const all = Object.entries({ ...program.options, ...options });
      const twice = all.flatMap(([name, option]) => {
        const [first, last] = wordsOf(option);
        return option.type === 'boolean'
          ? [`--no-${name}`, `--${name}`]
          : [`--${name}`, first, `--${name}`, last];
      });
      const call = [...path, ...twice];
      t.equal(await runProgram(told, call), 0, call.join(' '));
      for (const [name, option] of all) {
        const [first, last] = wordsOf(option);
        const value = option.type === 'number' ? Number(last) : last;
        const wanted = option.type === 'boolean' ? true : option.array === true ? [first, last] : value;
        t.same(given[name], wanted, `${path.join(' ')} --${name}`);
      }
    }
  });
}

const OPTIONS = {
  out: { type: 'string', requiresArg: true, describe: 'a folder' },
  'warm-up': { type: 'number', default: 3, describe: 'seconds' },
  only: { type: 'string', array: true, requiresArg: true, describe: 'names' },
} as const;
const SCRIPT = { name: 'npm run try --', usage: '$0\n\nTries.' };

t.test('of a script’s option that is given twice the last one counts, unless it takes several', async (t) => {
  const args = ['--out', 'a', '--only', 'x', '--warm-up', '5', '--out', 'b', '--only', 'y', '--warm-up=7'];
  t.match(await parseOptions(SCRIPT, OPTIONS, args), { out: 'b', 'warm-up': 7, warmUp: 7, only: ['x', 'y'] });
  t.match(await parseOptions(SCRIPT, OPTIONS, []), { out: undefined, 'warm-up': 3, only: undefined });
});

t.test('misspelt options are named with those that were probably meant, and values are not', async (t) => {
  const refused = async (...args: string[]): Promise<string> => {
    const error = await parseOptions(SCRIPT, OPTIONS, args).then(
      () => null,
      (cause: unknown) => cause,
    );
    t.ok(error instanceof UsageError, args.join(' '));
    return (error as UsageError).message;
  };
  const cases: [string[], string][] = [
    [['--oot', 'a'], 'Unknown argument: oot. Did you mean --out?'],
    [['--oot=a'], 'Unknown argument: oot. Did you mean --out?'],
    [['--no-warmup'], 'Unknown argument: warmup. Did you mean --warm-up?'],
    [
      ['--oot', 'a', '--warm-op', '1'],
      'Unknown argument: oot. Did you mean --out?\nUnknown argument: warm-op. Did you mean --warm-up?',
    ],
    [['-out', 'a'], 'Unknown argument: out. Did you mean --out?'],
    [['--something-else'], 'Unknown argument: something-else'],
    [['out'], 'Unknown argument: out'],
  ];
  for (const [args, message] of cases) t.equal(await refused(...args), message, args.join(' '));
});

t.test('a misspelt command is named with the one that was probably meant', async (t) => {
  const command = (name: string, commands: Command[] = []): Command => ({
    name,
    describe: name,
    action: () => Promise.resolve({ run: () => () => Promise.resolve(0) }),
    commands,
  });
  const commands = [command('power', [command('scan')])];
  const program: Program = { name: 'try', describe: '', examples: [], options: {}, commands };
  const said: string[] = [];
  t.capture(process.stderr, 'write', (text: string) => said.push(text) > 0);
  t.equal(await runProgram(program, ['pwoer', '--config', 'x']), 2);
  t.equal(await runProgram(program, ['power', 'scn']), 2);
  t.match(
    said.join(''),
    /There is no command pwoer\. Did you mean power\?.*There is no command scn\. Did you mean scan\?/s,
  );
});

t.test('help and errors are English whatever the locale: a misspelt option is named there too', async (t) => {
  const env = { ...process.env, LC_ALL: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8', LANGUAGE: 'de' };
  const options = { encoding: 'utf8', env, cwd: ROOT } as const;
  const wrong = spawnSync(process.execPath, ['dist/agent/main.js', 'run', '--brokr', 'x'], options);
  t.match(wrong.stderr, /Did you mean --broker\?/);
  t.match(spawnSync(process.execPath, ['dist/agent/main.js', '--help'], options).stdout, /Commands:/);
});

t.test('npm run measure:demo -- --out DIR writes into DIR', async (t) => {
  const dir = t.testdir();
  const args = ['--silent', 'run', 'measure:demo', '--', '--out', dir, '--resume'];
  const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8', cwd: ROOT });
  t.equal(status, 1, 'there is nothing to go on with in DIR');
  t.ok(stderr.includes(dir) && !stderr.includes('campaign,'), stderr);
});

t.test('npm run bench takes the last one, and names the option that was meant', async (t) => {
  const bench = (...args: string[]): string =>
    spawnSync(process.execPath, ['dist/scripts/bench/main.js', ...args], { encoding: 'utf8', cwd: ROOT })
      .stderr;
  t.match(bench('--runs', '9', '--runs', '4'), /--runs must be a whole number of at least 5, not 4/);
  t.match(bench('--fames', '10'), /Unknown argument: fames. Did you mean --frames\?/);
});
