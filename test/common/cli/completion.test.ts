import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { PROGRAM as DEVICE } from '../../../agent/cli.js';
import { PROGRAM as SERVER } from '../../../cloud-stub/cli.js';
import { completionScript } from '../../../common/cli/completion.js';

/** What bash would offer for the last of these words. */
async function bashOffers(program: typeof DEVICE, words: string[]): Promise<string[]> {
  const script = await completionScript(program, 'bash');
  const name = `_${program.name.replaceAll('-', '_')}`;
  const ask = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); ${name}; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', `${script}\n${ask}`, 'bash', ...words], {
    encoding: 'utf8',
  });
  t.equal(stderr, '');
  return stdout.split('\n').filter(Boolean);
}

t.test('bash completes commands, options and the values that an option may have', async (t) => {
  const cases: [string[], string[]][] = [
    [['edgemux', 'do'], ['doctor']],
    [
      ['edgemux', 'power', ''],
      ['scan', '--simulate'],
    ],
    [['edgemux', 'run', '--pol'], ['--policy']],
    [['edgemux', 'run', '--policy', 'th'], ['three-tier']],
    [
      ['edgemux', 'run', '--policy', '=', 'm'],
      ['mobile-only', 'mux'],
    ],
    [
      ['edgemux', 'run', '--policy', '='],
      ['zoo', 'three-tier'],
    ],
    [['edgemux', 'run', '--simulate', '--dev'], ['--device']],
    [['edgemux', 'run', '--config', 'a.yaml', '--dev'], ['--device']],
    [
      ['edgemux', 'power', 'scan', '--format', ''],
      ['table', 'json'],
    ],
    [['edgemux', 'zoo', 'im'], ['import']],
  ];
  for (const [words, wanted] of cases) {
    const offered = await bashOffers(DEVICE, words);
    for (const word of wanted) t.ok(offered.includes(word), `${words.join(' ')}: ${offered.join(' ')}`);
    const started = words.at(-1)!.replace('=', '');
    t.ok(
      offered.every((word) => word.startsWith(started)),
      `${words.join(' ')}: ${offered.join(' ')}`,
    );
  }
  t.same(await bashOffers(DEVICE, ['edgemux', 'run', '--data-dir', '']), [], 'file names are bash’s own');
  t.same(await bashOffers(SERVER, ['edgemux-cloud', 'run', '--gr']), ['--group']);
});

const noZsh = spawnSync('zsh', ['--version']).error ? 'zsh is missing' : false;

/** Types words and a Tab into a real zsh, and waits until it shows what is expected. */
const ZSH = `
zmodload zsh/zpty
zpty -b shell "TERM=dumb zsh -f -i"
zpty -w shell 'PS1=; fpath=($1 $fpath); autoload -Uz compinit; compinit -u -D; bindkey "^D" list-choices; echo ready-$((1+1))'
zpty -r -m shell seen '*ready-2*'
shift
while (($#)); do
  zpty -n -w shell "$1"$'\\C-d'
  zpty -r -m shell seen "*$2*" || exit 1
  print -r -- "$seen"
  zpty -n -w shell $'\\C-u'
  shift 2
done
zpty -d shell`;

t.test('zsh completes the same, with the texts of the help', { skip: noZsh }, async (t) => {
  const folder = t.testdir();
  mkdirSync(join(folder, 'functions'));
  for (const program of [DEVICE, SERVER])
    writeFileSync(join(folder, 'functions', `_${program.name}`), await completionScript(program, 'zsh'));
  const cases = [
    ['edgemux ', 'doctor *-- check every precondition of the daemon'],
    ['edgemux run --pol', '--policy *-- how frames are decided'],
    ['edgemux run --policy ', 'two-stage'],
    ['edgemux power scan --', '--format *-- what to print'],
    ['edgemux-cloud run --gr', '--group *-- servers of one group'],
  ].flat();
  const done = spawnSync(
    'zsh',
    ['-f', '-c', ZSH.replace('$1 ', `${join(folder, 'functions')} `), 'zsh', '', ...cases],
    {
      encoding: 'utf8',
      timeout: 120_000,
    },
  );
  t.equal(done.status, 0, `${done.stdout}${done.stderr}`);
  t.notMatch(done.stdout, /not found|parse error|bad /);
});

t.test('without a name it is for the shell of $SHELL', async (t) => {
  const run = (SHELL: string, ...args: string[]): string =>
    spawnSync(process.execPath, ['dist/agent/main.js', 'completion', ...args], {
      encoding: 'utf8',
      env: { ...process.env, SHELL },
    }).stdout;
  t.match(run('/bin/zsh'), /^#compdef edgemux/);
  t.match(run('/bin/bash'), /^# bash completion for edgemux/);
  t.match(run('/bin/fish'), /^# bash completion/);
  t.match(run('/bin/bash', 'zsh'), /^#compdef edgemux/);
});
