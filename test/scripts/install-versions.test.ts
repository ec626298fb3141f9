import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { install, treeOf, workshop } from '../support/installation.js';

t.test('an upgrade keeps configuration and journal, and one step back is possible', async (t) => {
  const { root, package: pack, running } = workshop(t);
  t.equal(install('device', root, pack('1.0.0')).code, 0);
  const config = join(root, 'etc/edgemux/device.yaml');
  const journal = join(root, 'var/lib/edgemux/journal.db');
  writeFileSync(config, 'device: gate\n');
  writeFileSync(journal, 'results');
  t.equal(running().trim(), '1.0.0');
  t.equal(install('device', root, pack('1.1.0')).code, 0);
  t.equal(running().trim(), '1.1.0');
  t.equal(readFileSync(config, 'utf8'), 'device: gate\n');
  t.equal(readFileSync(journal, 'utf8'), 'results');
  t.equal(install('device', root, ['--rollback']).code, 0);
  t.equal(running().trim(), '1.0.0');

  const removed = install('device', root, ['--uninstall']);
  t.match(removed.stdout, 'keeping /etc/edgemux/device.yaml: it was changed');
  t.same(
    treeOf(root).filter((line) => line.includes('edgemux') && !line.includes('/ ')).length,
    2,
    'changed configuration and journal stay, nothing else',
  );
});

t.test('a version whose doctor fails leaves no trace, unless it is wanted all the same', async (t) => {
  const { root, package: pack, running } = workshop(t);
  install('device', root, pack('1.0.0'));
  const before = treeOf(root);
  const refused = install('device', root, pack('1.1.0', 1));
  t.equal(refused.code, 1);
  t.match(refused.stderr, /doctor found .* 1\.0\.0-[0-9a-f]{8} stays/);
  t.same(treeOf(root), before);
  t.equal(running().trim(), '1.0.0');
  t.equal(install('device', root, [...pack('1.1.0', 1), '--no-doctor']).code, 0);
  t.equal(running().trim(), '1.1.0');
});

t.test('a package that cannot be unpacked changes nothing', async (t) => {
  const { folder, root, package: pack, running } = workshop(t);
  install('device', root, pack('1.0.0'));
  const before = treeOf(root);
  const wrong = join(folder, 'wrong.tgz');
  writeFileSync(wrong, 'no archive');
  const [, , ...modules] = pack('1.0.1');
  t.not(install('device', root, ['--tarball', wrong, ...modules]).code, 0);
  t.same(treeOf(root), before);
  t.equal(running().trim(), '1.0.0');
});

t.test('the version in use and the one before are kept, older ones go', async (t) => {
  const { root, package: pack } = workshop(t);
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) install('device', root, pack(version));
  const versions = treeOf(join(root, 'opt/edgemux/versions')).filter((line) => /^[^/]+\/ /.test(line));
  t.equal(versions.length, 2, versions.join());
  t.match(readlinkSync(join(root, 'opt/edgemux/previous')), /^versions\/1\.1\.0-/);
});

t.test('--dry-run says what it would do and does nothing; --purge takes changed files as well', async (t) => {
  const { root, before, package: pack } = workshop(t);
  const dry = install('device', root, [...pack('1.0.0'), '--dry-run']);
  t.equal(dry.code, 0, dry.stderr);
  t.match(dry.stdout, /would: install .*edgemux\.service/);
  t.same(treeOf(root), before);

  install('device', root, pack('1.0.0'));
  const installed = treeOf(root);
  t.match(install('device', root, ['--uninstall', '--dry-run']).stdout, /would: rm -rf .*versions/);
  t.same(treeOf(root), installed);
  writeFileSync(join(root, 'etc/edgemux/device.yaml'), 'device: gate\n');
  writeFileSync(join(root, 'var/lib/edgemux/journal.db'), 'results');
  install('device', root, ['--uninstall', '--purge']);
  t.same(treeOf(root), before);
});

t.test('device and server share one machine, and each leaves the other whole', async (t) => {
  const { root, before, package: pack, running } = workshop(t);
  install('device', root, pack('1.0.0'));
  const alone = treeOf(root).filter((line) => !line.includes('.record'));
  t.equal(install('server', root, pack('1.0.0')).code, 0);
  install('server', root, ['--uninstall']);
  t.same(
    treeOf(root).filter((line) => !line.includes('.record')),
    alone,
  );
  install('server', root, pack('1.0.0'));
  install('device', root, ['--uninstall']);
  t.equal(running().trim(), '1.0.0', 'the package stays while the server needs it');
  install('server', root, ['--uninstall']);
  t.same(treeOf(root), before);
});

t.test('wrong options are named', async (t) => {
  const { root } = workshop(t);
  t.match(install('device', root, ['--tarbal', 'x']).stderr, 'unknown option --tarbal');
  t.match(install('device', root, ['--cache']).stderr, '--cache needs a value');
  t.match(install('device', root, ['--tarball', '/none.tgz']).stderr, 'there is no package /none.tgz');
  t.match(install('server', root, ['--help']).stdout, '--uninstall');
});
