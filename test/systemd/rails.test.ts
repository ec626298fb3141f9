/** The right to read the kernel's power rails: the script that root's oneshot and the installer run. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { BOARD_TREES, type Tree } from '../drivers/sysfs/board-trees.js';
import { sysfsTree } from '../drivers/sysfs/sysfs-trees.js';

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

/** The tree of a board whose measuring files, or all files, only their owner may read. */
function closedTree(t: Test, wanted: { title: string; kernel: string }, all: boolean) {
  const board = BOARD_TREES.find(({ title, kernel }) => title === wanted.title && kernel === wanted.kernel);
  const tree: Tree = board?.tree ?? {};
  const root = sysfsTree(t, tree);
  chmodSync(root, 0o755);
  const closed = Object.keys(tree)
    .filter((path) => path.startsWith('devices/'))
    .map((path) => join(root, path))
    .filter((path) => statSync(path).isFile() && (all || path.endsWith('_input')));
  for (const path of closed) chmodSync(path, 0o400);
  return { root, closed };
}

const open = (sysfs: string, ...args: string[]) =>
  spawnSync('sh', ['systemd/edgemux-rails', ...args], {
    encoding: 'utf8',
    env: { ...process.env, EDGEMUX_SYSFS: sysfs },
  });
const rights = (path: string): string => (statSync(path).mode & 0o777).toString(8);

t.test(
  'files that only their owner may read become readable by the group, the others stay as they are',
  async (t) => {
    for (const board of [
      { title: 'Jetson TX2, TX2i, TX2 4GB', kernel: 'L4T 28 and 32' },
      { title: 'Jetson AGX Thor', kernel: 'L4T 38' },
    ]) {
      const { root, closed } = closedTree(t, board, false);
      const done = open(root, String(process.getgid?.()));
      t.equal(done.status, 0, done.stderr);
      t.match(done.stdout, `${closed.length} files of power rails`);
      for (const path of closed) t.equal(rights(path), '440', path);
      const folder = realpathSync(join(closed[0] ?? '', '..'));
      for (const name of readdirSync(folder).filter((file) => file.startsWith('rail_name')))
        t.equal(rights(join(folder, name)), '644', name);
      t.equal(open(root, String(process.getgid?.())).stdout, '', 'nothing is left to do');
    }
  },
);

t.test('no group, a group that is none, and a machine without rails', async (t) => {
  t.match(open('/nowhere'), { status: 2, stderr: /usage/ });
  t.match(open('/nowhere', 'root'), { status: 0, stdout: '' });
  const { root } = closedTree(t, { title: 'Jetson Nano', kernel: 'L4T 32' }, true);
  t.match(open(root, 'no-such-group-here'), { status: 1, stderr: /could not be changed/ });
});

t.test(
  'as another user: rails found, not readable by that user, all named; after the script they are measured',
  { skip: isRoot ? false : 'not root' },
  async (t) => {
    for (const all of [false, true]) {
      const { root, closed } = closedTree(t, { title: 'Jetson TX1', kernel: 'L4T 28' }, all);
      for (const path of closed) chownSync(path, 0, 0);
      const before = scanAs(NOBODY, root);
      t.equal(before.status, 1);
      t.match(before.stdout, /rails found, not readable by nobody: .*`sudo sh .*edgemux-rails 65534`/);
      const name = all ? 'ina3221x-1-0040-0' : 'VDD_IN';
      t.match(before.stdout, new RegExp(`${name} .*not readable \\(EACCES\\)`));
      t.equal(open(root, String(NOBODY)).status, 0);
      const after = scanAs(NOBODY, root);
      t.equal(after.status, 0, after.stdout);
      t.notMatch(after.stdout, 'not readable');
      t.match(after.stdout, /VDD_IN .* counted/);
    }
  },
);

/** `edgemux power scan` by a user of that number, over these rails. */
function scanAs(uid: number, sysRoot: string) {
  const module = join(process.cwd(), 'dist/energy/command/scan.js');
  const code = `
    const { runPowerScan } = await import(${JSON.stringify(module)});
    process.setgroups([]); process.setgid(${uid}); process.setuid(${uid});
    process.exitCode = await runPowerScan({ format: 'table' }, {
      write: (text) => process.stdout.write(text), sysRoot: ${JSON.stringify(sysRoot)}, devRoot: '/dev',
      scan: () => Promise.resolve([]) });`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
}
