import { describedCommands, type CommandOption, type DescribedCommand, type Program } from './command.js';

/** A completion function for zsh 5, with the texts of the help. */
export async function zshScript(program: Program): Promise<string> {
  const commands = await describedCommands(program.commands);
  const root: DescribedCommand = { path: [], describe: '', options: {}, epilogue: '', acts: false };
  const functions = [root, ...commands].map((one) => functionOf(program, one, commands));
  return `#compdef ${program.name}
# zsh completion for ${program.name}, made by \`${program.name} completion zsh\`
${functions.join('\n')}
if [[ $funcstack[1] = ${nameOf(program, [])} ]]; then
  ${nameOf(program, [])} "$@"
else
  compdef ${nameOf(program, [])} ${program.name}
fi
`;
}

function nameOf({ name }: Program, path: readonly string[]): string {
  return ['', name, ...path].join('_');
}

/** Options, and the commands below; what stands behind one of these is left to its own function. */
function functionOf(program: Program, one: DescribedCommand, all: readonly DescribedCommand[]): string {
  const below = all.filter(
    ({ path }) => path.length === one.path.length + 1 && one.path.every((name, i) => path[i] === name),
  );
  const specs = [
    ...Object.entries({ ...one.options, ...program.options }).map(([name, option]) => specOf(name, option)),
    `'(- *)'{-h,--help}${quoted('[show help]')}`,
    ...(one.path.length === 0 ? [`'(- *)'{-v,--version}${quoted('[show the version]')}`] : []),
  ];
  const args = specs.map((spec) => ` \\\n    ${spec}`).join('');
  if (below.length === 0) return `${nameOf(program, one.path)}() {\n  _arguments -s${args}\n}`;
  const names = below.map(({ path, describe }) => quoted(`${path.at(-1)}:${describe}`)).join(' ');
  const calls = below.map(({ path }) => `      ${path.at(-1)}) ${nameOf(program, path)} ;;`);
  return `${nameOf(program, one.path)}() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -s -C${args} \\
    '1: :->command' '*:: :->rest'
  case $state in
    command) local -a commands=(${names}); _describe -t commands command commands ;;
    rest) case $line[1] in
${calls.join('\n')}
    esac ;;
  esac
}`;
}

/** One option for `_arguments`. */
function specOf(name: string, option: CommandOption): string {
  const several = option.array === true ? '*' : '';
  const text = option.describe.replaceAll(/[[\]:\\]/g, '\\$&');
  if (option.type === 'boolean') return quoted(`${several}--${name}[${text}]`);
  return quoted(`${several}--${name}=[${text}]:${name}:${valuesOf(option)}`);
}

function valuesOf({ type, choices }: CommandOption): string {
  if (choices) return `(${choices.join(' ')})`;
  return type === 'number' ? '' : '_files';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
