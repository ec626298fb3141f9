/** An ext4 of its own on a loop device, whose writes the kernel counts. Needs root, mkfs.ext4 and mount. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Unit of /sys/block/…/stat, whatever the device's own: https://docs.kernel.org/block/stat.html */
const SECTOR_BYTES = 512;
const WRITTEN_SECTORS_AT = 6;

export class LoopDisk {
  /** Where it is mounted. */
  readonly dir: string;
  readonly #device: string;

  private constructor(dir: string, device: string) {
    this.dir = dir;
    this.#device = device;
  }

  /** @throws Error with the words of the tool that failed */
  static mount(folder: string, name: string, bytes: number): LoopDisk {
    const image = join(folder, `${name}.ext4`);
    const dir = join(folder, name);
    writeFileSync(image, '');
    truncateSync(image, bytes);
    mkdirSync(dir);
    tool('mkfs.ext4', ['-q', '-F', image]);
    tool('mount', ['-o', 'loop', image, dir]);
    return new LoopDisk(dir, basename(tool('findmnt', ['--noheadings', '--output', 'SOURCE', dir]).trim()));
  }

  /** Bytes that the device has been given to write so far, all that is under way included. */
  writtenBytes(): number {
    tool('sync', ['-f', this.dir]);
    return SECTOR_BYTES * writtenSectors(readFileSync(`/sys/block/${this.#device}/stat`, 'utf8'));
  }

  unmount(): void {
    tool('umount', [this.dir]);
  }
}

/** @param stat what /sys/block/…/stat says */
export function writtenSectors(stat: string): number {
  const sectors = Number(stat.trim().split(/\s+/)[WRITTEN_SECTORS_AT]);
  if (!Number.isInteger(sectors)) throw new RangeError(`no count of written sectors in '${stat.trim()}'`);
  return sectors;
}

function tool(program: string, args: readonly string[]): string {
  return execFileSync(program, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
