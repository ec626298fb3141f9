import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/** Why no file system can be mounted here, or false. */
export function withoutMount(): string | false {
  const at = mkdtempSync(join(tmpdir(), 'edgemux-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at]).status === 0;
  if (mounted) execFileSync('umount', [at]);
  rmSync(at, { recursive: true });
  return mounted ? false : 'mount needs root';
}

/** A real file system of its own with so many bytes, until teardown. */
export function smallDisk(t: Test, bytes: number): { dir: string; remount(option: 'ro' | 'rw'): void } {
  const dir = mkdtempSync(join(tmpdir(), 'edgemux-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir]);
  t.teardown(() => {
    execFileSync('umount', ['-l', dir]);
    rmSync(dir, { recursive: true });
  });
  return {
    dir,
    remount: (option) => execFileSync('mount', ['-o', `remount,${option},size=${bytes}`, dir]),
  };
}
