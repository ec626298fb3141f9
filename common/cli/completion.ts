/** `completion`: what a shell needs to complete the program's command line. The text is static: no Tab starts the program. */
import { basename } from 'node:path';
import { EXIT } from '../exit.js';
import type { Action, Command, Program } from './command.js';

const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

/** @param program asked for when the command runs, since it contains this one */
export function completionCommand(program: () => Program): Command {
  const actionFor = (shell: () => Shell): Action => ({
    run: () => async () => {
      process.stdout.write(await completionScript(program(), shell()));
      return EXIT.ok;
    },
  });
  return {
    name: 'completion',
    describe: 'print what completes this command line in bash or zsh ($SHELL, unless it is named)',
    action: () => Promise.resolve({ ...actionFor(ownShell), epilogue: epilogue(program().name) }),
    commands: SHELLS.map((shell) => ({
      name: shell,
      describe: `for ${shell}`,
      action: () => Promise.resolve(actionFor(() => shell)),
    })),
  };
}

function ownShell(): Shell {
  const name = basename(process.env['SHELL'] ?? '');
  return SHELLS.find((shell) => shell === name) ?? 'bash';
}

function epilogue(name: string): string {
  return [
    `bash: ${name} completion bash > ~/.local/share/bash-completion/completions/${name}`,
    `zsh:  ${name} completion zsh > "\${fpath[1]}/_${name}"`,
  ].join('\n');
}

/** The script that teaches a shell the program's commands, options and their values. */
export async function completionScript(program: Program, shell: Shell): Promise<string> {
  if (shell === 'bash') return (await import('./completion-bash.js')).bashScript(program);
  return (await import('./completion-zsh.js')).zshScript(program);
}
