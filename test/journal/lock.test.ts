import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Journal } from '../../journal/journal.js';
import { FolderLock, LOCK_FILE } from '../../journal/lock.js';

const HOLDER = fileURLToPath(new URL('./support/holder.js', import.meta.url));

t.test('a second daemon is refused with the number of the first, and not after its death', async (t) => {
  const dir = t.testdir();
  const holder = spawn(process.execPath, [HOLDER, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  const refused = {
    code: 'DATA_DIR_IN_USE',
    message: new RegExp(`${dir} is in use by the daemon with process number ${holder.pid}:`),
    details: { pid: holder.pid },
  };
  t.throws(() => new FolderLock(dir).acquire(), refused);
  t.throws(() => new Journal({ dir, sync: 'normal' }).start(), refused);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const journal = new Journal({ dir, sync: 'normal' });
  journal.start();
  t.throws(() => new FolderLock(dir).acquire(), { code: 'DATA_DIR_IN_USE', details: { pid: process.pid } });
  journal.stop();
  const next = new FolderLock(dir);
  next.acquire();
  next.acquire();
  next.release();
});

t.test('a lock file of nonsense locks nobody out, and one that cannot be made is told', async (t) => {
  const dir = t.testdir({ [LOCK_FILE]: 'nonsense '.repeat(1000) });
  const lock = new FolderLock(dir);
  lock.acquire();
  t.throws(() => new FolderLock(dir).acquire(), { code: 'DATA_DIR_IN_USE' });
  lock.release();
  writeFileSync(join(dir, 'file'), '');
  t.throws(() => new FolderLock(join(dir, 'file')).acquire(), {
    code: 'JOURNAL_FAILED',
    message: /cannot lock/,
  });
});
