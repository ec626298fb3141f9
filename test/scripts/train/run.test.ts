import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { candidates, hasTorch } from '../../../scripts/train/run.js';

const LAUNCHER = join(import.meta.dirname, '../../../scripts/train/run.js');

/** A stand-in for Python: has torch if `torch`, then runs `body` (shell) with the trainer's arguments. */
function fakePython(dir: string, body: string, torch = true): string {
  const path = join(dir, 'python');
  writeFileSync(path, `#!/bin/sh\n[ "$1" = -c ] && exit ${torch ? 0 : 1}\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the launcher; `onOut` sees every piece of its output. */
function launch(python: string, args: string[], onOut?: (text: string, pid: number) => void): Promise<Ended> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    env: { ...process.env, EDGEMUX_PYTHON: python },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended: Ended = { code: null, out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => {
    ended.out += text.toString();
    onOut?.(text.toString(), child.pid ?? 0);
  });
  child.stderr.on('data', (text: Buffer) => (ended.err += text.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...ended, code })));
}

t.test('a named interpreter is the only candidate; otherwise Debian’s comes before the PATH’s', async (t) => {
  t.same(candidates({ EDGEMUX_PYTHON: '/opt/py' }), ['/opt/py']);
  t.same(candidates({ EDGEMUX_PYTHON: '' }), ['/usr/bin/python3', 'python3', 'python']);
  t.same(candidates({}), ['/usr/bin/python3', 'python3', 'python']);
});

t.test('an interpreter that is not there has no torch', async (t) => {
  t.equal(hasTorch('/nowhere/python'), false);
});

t.test('arguments go through unchanged and the exit code comes back', async (t) => {
  const python = fakePython(t.testdir(), 'shift; printf "<%s>" "$@"; exit 7');
  const { code, out } = await launch(python, ['--config', 'smoke', '--notes', 'two words']);
  t.equal(out, '<--config><smoke><--notes><two words>');
  t.equal(code, 7);
});

t.test('without torch it names what it tried and what to install, and fails', async (t) => {
  const python = fakePython(t.testdir(), 'exit 0', false);
  const { code, err } = await launch(python, []);
  t.equal(code, 1);
  t.match(err, 'python3-torch');
  t.match(err, `tried:          ${python}`);
});

t.test('an interrupt reaches the trainer, and its own exit code comes back', async (t) => {
  const python = fakePython(t.testdir(), "trap 'exit 130' INT; echo ready; while :; do sleep 0.05; done");
  const { code } = await launch(python, [], (text, pid) => {
    if (text.includes('ready')) process.kill(pid, 'SIGINT');
  });
  t.equal(code, 130);
});

t.test('a trainer ended by a signal gives the shell’s code for it', async (t) => {
  const { code } = await launch(fakePython(t.testdir(), 'kill -TERM $$'), []);
  t.equal(code, 143);
});
