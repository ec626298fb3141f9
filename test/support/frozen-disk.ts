/** A real disk that hangs: an ext4 on a loop device whose writes the kernel holds up until it is told to go on. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoopDisk } from '../../scripts/bench/flash/loop-disk.js';

const DISK_BYTES = 32 * 1024 * 1024;

export class FreezableDisk {
  readonly dir: string;
  readonly #disk: LoopDisk;
  readonly #folder: string;
  readonly #atExit = (): void => this.thaw();

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'edgemux-frozen-'));
    this.#disk = LoopDisk.mount(this.#folder, 'disk', DISK_BYTES);
    this.dir = this.#disk.dir;
    process.on('exit', this.#atExit);
  }

  /** From now on whoever writes waits, and cannot be killed while it does. */
  freeze(): void {
    execFileSync('fsfreeze', ['--freeze', this.dir]);
  }

  /** Lets writes go on; safe where they do. */
  thaw(): void {
    spawnSync('fsfreeze', ['--unfreeze', this.dir]);
  }

  unmount(): void {
    this.thaw();
    process.off('exit', this.#atExit);
    this.#disk.unmount();
    rmSync(this.#folder, { recursive: true });
  }
}

/** Why no disk can be made to hang here, or false. */
export function withoutFreezing(): string | false {
  try {
    const disk = new FreezableDisk();
    disk.freeze();
    disk.unmount();
    return false;
  } catch {
    return 'a disk that can be frozen needs root, mkfs.ext4, a loop device and fsfreeze';
  }
}
