import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { RunLock } from '../../../mux/inference/run-lock.js';

const program = fileURLToPath(new URL('../support/exit-in-run.js', import.meta.url));

/** Exit code and signal of the program. */
function outcome(...args: string[]): Promise<{ code: number | null; signal: string | null; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, said }));
  });
}

t.test('a process that exits inside a run ends with its own exit code, not with an abort', async (t) => {
  t.same(await outcome('run'), { code: 7, signal: null, said: '' });
});

t.test('a process that exits while sessions open ends with its own exit code', async (t) => {
  for (const afterMs of ['5', '60', '120']) {
    t.same(await outcome('start', afterMs), { code: 7, signal: null, said: '' });
  }
});

t.test('a closed lock lets nobody in, and waiting ends when nobody is inside', (t) => {
  const lock = new RunLock();
  const other = new RunLock(lock.buffer);
  t.ok(other.waitUntilIdle(0));
  t.ok(lock.enter());
  other.close();
  t.notOk(other.waitUntilIdle(1), 'somebody is inside');
  lock.leave();
  t.ok(other.waitUntilIdle(0));
  t.notOk(lock.enter());
  t.ok(other.waitUntilIdle(0));
  t.end();
});
