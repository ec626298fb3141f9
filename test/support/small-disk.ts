/** File systems of a few hundred kilobytes: mounted by root for this process, or in a namespace that one child alone sees. */
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

/** For `needs`: false, or what is missing. */
export function withoutNamespaces(): false | string {
  try {
    execFileSync('unshare', ['-Urm', 'sh', '-c', 'mount -t tmpfs -o size=64k none /tmp'], {
      stdio: 'ignore',
    });
    return false;
  } catch {
    return 'unshare -Urm is not allowed here (user and mount namespaces)';
  }
}

/**
 * What to put before a command so that `folder` is a file system of its own with so many KiB, with what `folder` holds
 * copied into it; the command's process keeps its id.
 */
export function onSmallDisk(folder: string, kib: number, { readOnly = false } = {}): string[] {
  const script = [
    'copy=$(mktemp -d)',
    'cp -a "$0/." "$copy"',
    `mount -t tmpfs -o size=${kib}k,mode=0700 none "$0"`,
    'cp -a "$copy/." "$0"',
    'rm -rf "$copy"',
    ...(readOnly ? ['mount -o remount,ro "$0"'] : []),
    'exec "$@"',
  ];
  return ['unshare', '-Urm', 'sh', '-e', '-c', script.join('\n'), folder];
}
