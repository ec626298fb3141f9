/** Reading the small text files of `/sys`, and what may be wrong with one. */
import { readFileSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Why a file of a rail gives no number. */
export interface FileProblem {
  path: string;
  /** The system's name of the error (EACCES, EIO, ENXIO, …), or what is odd about the content. */
  code: string;
}

/** The program that gives a group the right to read rails that are root's; it comes with this package. */
const OPEN_RAILS = fileURLToPath(new URL('../../../systemd/edgemux-rails', import.meta.url));

/** Paths in a folder, sorted; none where there is no such folder. */
export function list(folder: string): string[] {
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** The trimmed text of an optional file; null where it is missing or cannot be read. */
export function text(folder: string, name: string): string | null {
  try {
    return readFileSync(join(folder, name), 'utf8').trim();
  } catch {
    return null;
  }
}

/** What keeps these files from being read as numbers; null where nothing does. */
export function problemOf(paths: readonly string[]): FileProblem | null {
  for (const path of paths) {
    try {
      const content = readFileSync(path, 'latin1').trim();
      if (!Number.isFinite(Number(content || 'x'))) return { path, code: `not a number: '${content}'` };
    } catch (error) {
      return { path, code: (error as NodeJS.ErrnoException).code ?? String(error) };
    }
  }
  return null;
}

export function isForbidden({ code }: FileProblem): boolean {
  return code === 'EACCES' || code === 'EPERM';
}

/** One sentence about rails that only root may read, with the command that mends it. */
export function forbiddenText(names: readonly string[]): string {
  return (
    `rails found, not readable by ${userName()}: ${names.join(', ')}. ` +
    `\`sudo sh ${OPEN_RAILS} ${process.getgid?.() ?? ''}\` until the next boot, then start again ` +
    '(as an installed service: `sudo systemctl restart edgemux-clocks edgemux`, done at every boot)'
  );
}

/** The name of the user that this process runs as; its number where it has none. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? ''}`;
  }
}
