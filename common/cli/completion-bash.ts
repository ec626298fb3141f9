import { describedCommands, type CommandOptions, type DescribedCommand, type Program } from './command.js';

interface Values {
  /** `run --policy` → the words that may follow. */
  choices: [string, readonly string[]][];
  /** `run --simulate`: no value follows. */
  switches: string[];
}

/** A completion function for bash 3.2 and newer. */
export async function bashScript(program: Program): Promise<string> {
  const commands = await describedCommands(program.commands);
  const { choices, switches } = valuesOf(program, commands);
  const paths = commands.map(({ path }) => quoted(path.join(' ')));
  const rows = [{ path: [] as readonly string[], options: {} }, ...commands];
  return `# bash completion for ${program.name}, made by \`${program.name} completion bash\`
${functionName(program)}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at='' next i
  COMPREPLY=()
  # --option=value is three words to bash
  if [[ $cur = = ]]; then cur=''; elif [[ $prev = = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${at:+$at }\${COMP_WORDS[i]}"
    case $next in ${paths.join(' | ')}) at=$next ;; esac
  done
  case "$at $prev" in
${choices.map(([words, list]) => `    ${quoted(words)}) COMPREPLY=($(compgen -W ${quoted(list.join(' '))} -- "$cur")); return ;;`).join('\n')}
    ${[...switches.map(quoted), "*' --help'", "' --version'"].join(' | ')}) ;;
    *' --'*) return ;; # a value, of which file names are offered
  esac
  case $at in
${rows.map(({ path, options }) => `    ${quoted(path.join(' '))}) next=${quoted(wordsAfter(program, commands, path, options))} ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "$cur"))
}
complete -o bashdefault -o default -F ${functionName(program)} ${program.name}
`;
}

function functionName({ name }: Program): string {
  return `_${name.replaceAll('-', '_')}`;
}

function valuesOf(program: Program, commands: readonly DescribedCommand[]): Values {
  const choices: [string, readonly string[]][] = [];
  const switches: string[] = [];
  for (const { path, options } of [{ path: [], options: {} }, ...commands]) {
    for (const [name, option] of Object.entries({ ...program.options, ...options })) {
      const words = `${path.join(' ')} --${name}`;
      if (option.choices) choices.push([words, option.choices]);
      else if (option.type === 'boolean') switches.push(words);
    }
  }
  return { choices, switches };
}

/** Sub-commands and options that may stand after a command, separated by spaces. */
function wordsAfter(
  program: Program,
  commands: readonly DescribedCommand[],
  path: readonly string[],
  options: CommandOptions,
): string {
  const below = commands
    .filter((one) => one.path.length === path.length + 1 && path.every((name, i) => one.path[i] === name))
    .map((one) => one.path.at(-1) ?? '');
  const names = [...Object.keys(options), ...Object.keys(program.options), 'help'];
  const version = path.length === 0 ? ['--version'] : [];
  return [...below, ...names.map((name) => `--${name}`), ...version].join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
