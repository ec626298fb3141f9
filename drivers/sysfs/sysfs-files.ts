/** Reading the small text files of `/sys`, and what may be wrong with one. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { userName } from '../../common/host/user.js';

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

/** What to say about rails that only root may read, and the command that mends it. */
export function forbidden(names: readonly string[]): { text: string; remedy: string } {
  return {
    text: `rails found, not readable by ${userName()}: ${names.join(', ')}`,
    remedy:
      `\`sudo sh ${OPEN_RAILS} ${process.getgid?.() ?? ''}\`, until the next boot, and start again ` +
      '(installed as a service: `sudo systemctl restart edgemux-clocks edgemux`; it is done at every boot)',
  };
}

export function forbiddenText(names: readonly string[]): string {
  const { text: said, remedy } = forbidden(names);
  return `${said}. ${remedy}`;
}
