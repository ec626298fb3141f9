import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { install, linkedModules, packed, systemRoot, treeOf } from '../support/installation.js';

t.test('the real package: installed, installed again without a change, run, removed', async (t) => {
  const folder = t.testdir();
  const root = systemRoot(folder);
  const before = treeOf(root);
  const args = ['--tarball', packed(folder), '--modules', linkedModules(folder), '--no-doctor'];
  const first = install('device', root, args);
  t.equal(first.code, 0, first.stderr);
  const installed = treeOf(root);
  t.equal(install('device', root, args).code, 0);
  t.same(treeOf(root), installed, 'the second time changes nothing');

  const main = join(root, 'opt/edgemux/current/lib/node_modules/edgemux/dist/agent/main.js');
  const version = spawnSync(join(root, 'opt/edgemux/bin/node'), [main, '--version'], { encoding: 'utf8' });
  const { version: expected } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  t.equal(version.stdout.trim(), expected, version.stderr);

  t.equal(install('device', root, ['--uninstall']).code, 0);
  t.same(treeOf(root), before, 'the tree is as it was');
});
