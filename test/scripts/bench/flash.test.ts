import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { LoopDisk, writtenSectors } from '../../../scripts/bench/flash/loop-disk.js';

t.test('written sectors are the seventh number of the statistics', async (t) => {
  t.equal(
    writtenSectors('     55        0     2102        3        1        9    4711        0        0\n'),
    4711,
  );
  t.throws(() => writtenSectors(''), /no count of written sectors/);
});

/** Why there can be no loop device here, or false; what can be is undone. */
function withoutLoop(): string | false {
  const folder = mkdtempSync(join(tmpdir(), 'edgemux-loop-'));
  try {
    LoopDisk.mount(folder, 'probe', 8 * 1024 * 1024).unmount();
    return false;
  } catch {
    return 'a loop device needs root, mkfs.ext4 and mount';
  } finally {
    rmSync(folder, { recursive: true });
  }
}

t.test('a loop disk counts what is written to it', { skip: withoutLoop() }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'edgemux-loop-'));
  const disk = LoopDisk.mount(folder, 'disk', 16 * 1024 * 1024);
  t.teardown(() => {
    disk.unmount();
    rmSync(folder, { recursive: true });
  });
  const before = disk.writtenBytes();
  writeFileSync(join(disk.dir, 'file'), Buffer.alloc(1024 * 1024, 7));
  const written = disk.writtenBytes() - before;
  t.ok(written >= 1024 * 1024 && written < 4 * 1024 * 1024, `${written} bytes for a MiB`);
});
