import { statSync, type Stats } from 'node:fs';

/** What happened to a file under its owner's hands. */
export interface Finding {
  path: string;
  what: 'is gone' | 'is another file' | 'has been cut';
}

interface Known {
  dev: number;
  ino: number;
  bytes: number;
  isFile: boolean;
}

/**
 * Knows files by device and inode, and how long they were after our last write. A file that was deleted or moved goes on
 * working for who has it open, and is lost with the process: nothing but its path tells.
 */
export class FileWatch {
  readonly #paths: readonly string[];
  readonly #known = new Map<string, Known>();

  /** @param paths a folder among them has no length */
  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /** Takes the files as they are now; one that is not there is not missed. */
  note(): void {
    for (const path of this.#paths) {
      const stats = statOf(path);
      if (stats === null) this.#known.delete(path);
      else this.#known.set(path, knownOf(stats));
    }
  }

  /** Takes their lengths as they are now: who they are was noted. */
  noteLengths(): void {
    for (const [path, known] of this.#known) known.bytes = statOf(path)?.size ?? known.bytes;
  }

  forget(): void {
    this.#known.clear();
  }

  /** What is not as it was noted. @throws Error of the file system, other than that a file is not there */
  check(): Finding[] {
    const found: Finding[] = [];
    for (const [path, known] of this.#known) {
      const what = changeOf(known, statOf(path));
      if (what !== null) found.push({ path, what });
    }
    return found;
  }
}

function changeOf(known: Known, now: Stats | null): Finding['what'] | null {
  if (now === null) return 'is gone';
  if (now.ino !== known.ino || now.dev !== known.dev) return 'is another file';
  return known.isFile && now.size < known.bytes ? 'has been cut' : null;
}

function knownOf(stats: Stats): Known {
  return { dev: stats.dev, ino: stats.ino, bytes: stats.size, isFile: stats.isFile() };
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
