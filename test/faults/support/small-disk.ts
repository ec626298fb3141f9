/** A file system of a few hundred kilobytes, read-only or not, that only the device's process sees. */
import { execFileSync } from 'node:child_process';

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
