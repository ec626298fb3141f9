/** The page about JetPack and the scripts that it names: the trial runs the page's commands, and leaves none out unsaid. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadRemedy } from '../../common/host/load-failure.js';

const PAGE = readFileSync('docs/deploy-tx2.md', 'utf8');
const TRIAL = 'scripts/try-jetpack.sh';
const lacks = (program: string): string | false =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0 ? false : `${program} is not installed`;

/** Commands of the page's blocks of shell, each on one line. */
function commands(page: string): string[] {
  return [...page.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block
      .replaceAll(/\\\n */g, '')
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('#')),
  );
}

t.test('the trial reads its commands from the page, and says why it leaves one out', async (t) => {
  const listed = execFileSync('bash', [TRIAL, '--list'], { encoding: 'utf8' }).trim().split('\n');
  const parts = listed.map((line) => /^(run|not run \((.+?)\)): (.*)$/.exec(line));
  t.same(
    parts.map((part) => part?.[3]),
    commands(PAGE),
  );
  const run = parts.filter((part) => part?.[1] === 'run').map((part) => part?.[3] ?? '');
  for (const script of ['userland', 'node', 'modules'])
    t.equal(run.filter((one) => one.includes(`scripts/jetpack/${script}.sh`)).length, 1, script);
  t.equal(run.filter((one) => one.includes('scripts/install-device.sh')).length, 1);
  t.match(run.at(-1), /mosquitto_pub .*cameras\/door\/frame/, 'up to a frame');
});

t.test('every command that the trial asks for stands in the page once', async (t) => {
  const trial = readFileSync('scripts/try-jetpack/trial.sh', 'utf8');
  const asked = [...trial.matchAll(/page_(?:does|command "\$page") (?:'([^']+)'|([a-z][\w/.-]*))/g)];
  t.ok(asked.length >= 8, `${asked.length}`);
  const lookUp = '. scripts/try-jetpack/page.sh; page_command docs/deploy-tx2.md "$1"';
  for (const [, quoted, bare] of asked) {
    const part = quoted ?? bare ?? '';
    const found = spawnSync('bash', ['-c', lookUp, 'test', part], { encoding: 'utf8' });
    t.equal(found.status, 0, `${part}: ${found.stderr}`);
    t.match(found.stdout, part);
    t.notMatch(found.stdout, /sudo|#/, 'without what only a reader needs');
  }
  const gone = spawnSync('bash', ['-c', lookUp, 'test', 'scripts/jetpack/gone.sh'], { encoding: 'utf8' });
  t.match(gone, { status: 1, stderr: /no command with scripts\/jetpack\/gone\.sh/ });
});

t.test('the parts of the C library that node.sh loads are those that the doctor counts on', async (t) => {
  const script = readFileSync('scripts/jetpack/node.sh', 'utf8');
  const parts = /^parts=\((.*)\)$/m.exec(script)?.[1]?.split(' ') ?? [];
  t.ok(parts.length >= 8, parts.join(' '));
  const remedyFor = (part: string): string | null =>
    loadRemedy(`/p/libc.so.6: version \`GLIBC_PRIVATE' not found (required by /lib/${part})`);
  for (const part of parts) t.match(remedyFor(part), /node\.sh/, part);
  t.notMatch(remedyFor('libnsl.so.1'), /node\.sh/);
});

t.test(
  'node.sh makes a Node.js that loads every part of the C library that it is given',
  { skip: lacks('patchelf') },
  async (t) => {
    const folder = t.testdir({ 'node-v20': { bin: {} } });
    copyFileSync(realpathSync(process.execPath), join(folder, 'node-v20/bin/node'));
    const tarball = join(folder, 'node.tar');
    execFileSync('tar', ['-cf', tarball, '-C', folder, 'node-v20']);
    const prefix = join(folder, 'prefix');
    const run = (...more: string[]) =>
      spawnSync(
        'bash',
        ['scripts/jetpack/node.sh', '--node', tarball, '--root', '/', '--prefix', prefix, ...more],
        {
          encoding: 'utf8',
        },
      );
    t.match(run('--sha256', '00'), { status: 1, stderr: /not what --sha256 says/ });
    const done = run();
    t.match(done, { status: 0, stdout: /all 8 parts of it/ }, done.stderr);
    const program = join(prefix, 'bin/node');
    const needed = execFileSync('patchelf', ['--print-needed', program], { encoding: 'utf8' }).split('\n');
    for (const part of ['librt.so.1', 'libresolv.so.2', 'libutil.so.1', 'libanl.so.1'])
      t.equal(needed.filter((one) => one === part).length, 1, part);
    t.equal(
      execFileSync('patchelf', ['--print-rpath', program], { encoding: 'utf8' }).trim(),
      join(prefix, 'glibc'),
    );
    const use = `require(${JSON.stringify(realpathSync('node_modules/better-sqlite3'))}); require('dns').lookup('localhost', (e) => process.exit(e ? 1 : 0))`;
    t.equal(spawnSync(program, ['-e', use]).status, 0, 'native modules and name look-ups work');
    mkdirSync(join(folder, 'empty'));
    const nothing = run('--root', join(folder, 'empty'));
    t.match(nothing, { status: 1, stderr: /empty has no ld-linux/ });
  },
);

t.test('scripts refuse what they cannot work with, and name it', async (t) => {
  const folder = t.testdir({ userland: { 'half-made': '' }, 'edgemux-1.tgz': '' });
  const cases: [string[], RegExp][] = [
    [['userland.sh', '--into', join(folder, 'userland')], /neither empty nor complete|debootstrap is not/],
    [['modules.sh', '--package', join(folder, 'gone.tgz')], /there is no .*gone\.tgz/],
    [
      ['modules.sh', '--package', join(folder, 'edgemux-1.tgz'), '--userland', join(folder, 'userland')],
      /userland has no g\+\+/,
    ],
  ];
  for (const [[script = '', ...args], stderr] of cases) {
    const done = spawnSync('bash', [join('scripts/jetpack', script), ...args], { encoding: 'utf8' });
    t.match(done, { status: 1, stderr }, script);
  }
});

t.test('shellcheck finds nothing in the trial', { skip: lacks('shellcheck') }, async (t) => {
  const scripts = readdirSync('scripts/try-jetpack').map((name) => join('scripts/try-jetpack', name));
  const found = spawnSync('shellcheck', ['-x', '-P', 'SCRIPTDIR', TRIAL, ...scripts], { encoding: 'utf8' });
  t.equal(found.stdout, '');
});
