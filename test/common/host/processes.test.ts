import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { processWithConfig } from '../../../common/host/processes.js';

const DEVICE = { name: 'edgemux', main: '/agent/main.js' };

/** A folder like /proc, of command lines by process number. */
function procOf(dir: string, processes: Record<number, { words: string[]; cwd: string }>): string {
  const root = join(dir, 'proc');
  for (const [pid, { words, cwd }] of Object.entries(processes)) {
    mkdirSync(join(root, pid), { recursive: true });
    writeFileSync(join(root, pid, 'cmdline'), `${words.join('\0')}\0`);
    symlinkSync(cwd, join(root, pid, 'cwd'));
  }
  mkdirSync(join(root, 'self-made'));
  return root;
}

t.test('a daemon is known by its configuration file, however that is written', async (t) => {
  const dir = t.testdir({ 'site.yaml': '', 'other.yaml': '' });
  symlinkSync(join(dir, 'site.yaml'), join(dir, 'link.yaml'));
  const site = join(dir, 'site.yaml');
  let roots = 0;
  const found = (...words: string[]): number | null =>
    processWithConfig(DEVICE, site, procOf(join(dir, `${(roots += 1)}`), { 42: { words, cwd: dir } }));
  t.equal(found('node', '/opt/x/dist/agent/main.js', 'run', '--config', site), 42);
  t.equal(found('/usr/bin/node', '/usr/local/bin/edgemux', 'run', '--config=site.yaml'), 42);
  t.equal(found('node', '/usr/local/bin/edgemux', 'run', '--config', 'link.yaml'), 42);
  t.equal(found('edgemux', 'run', '--config', 'other.yaml', '--config', site), 42, 'the last one counts');
  t.equal(found('edgemux', 'run', '--config', 'other.yaml'), null);
  t.equal(found('edgemux', 'run'), null);
  t.equal(found('edgemux', 'doctor', '--config', site), null);
  t.equal(found('edgemux-cloud', 'run', '--config', site), null);
});

t.test('among the processes of this machine', async (t) => {
  const file = join(t.testdir({ 'site.yaml': '' }), 'site.yaml');
  t.equal(processWithConfig(DEVICE, file), null);
  const idle = 'process.stdin.resume()';
  const child = spawn(process.execPath, ['-e', idle, '/x/agent/main.js', 'run', '--config', file], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('spawn', resolve));
  t.equal(processWithConfig(DEVICE, file), child.pid);
});
