import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';

/**
 * The process on this machine that is `PROGRAM run --config FILE`; null where none is seen. The processes of others may
 * be hidden from us (proc(5), hidepid).
 * @param program its command, and the end of the path of its main file
 */
export function processWithConfig(
  program: { name: string; main: string },
  configFile: string,
  procRoot = '/proc',
): number | null {
  const wanted = realPath(configFile);
  const isMain = (word: string): boolean => basename(word) === program.name || word.endsWith(program.main);
  for (const entry of readdirSync(procRoot)) {
    if (!/^\d+$/.test(entry)) continue;
    const words = wordsOf(`${procRoot}/${entry}/cmdline`);
    const at = words.findIndex(isMain);
    if (at < 0 || words[at + 1] !== 'run') continue;
    const file = configOf(words.slice(at + 2));
    if (file !== null && realPath(resolve(folderOf(`${procRoot}/${entry}/cwd`), file)) === wanted)
      return Number(entry);
  }
  return null;
}

function configOf(words: readonly string[]): string | null {
  const at = words.findLastIndex((word) => word === '--config' || word.startsWith('--config='));
  const word = words[at];
  if (word === undefined) return null;
  return word === '--config' ? (words[at + 1] ?? null) : word.slice('--config='.length);
}

/** The command line of a process that may have ended meanwhile. */
function wordsOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Of another user's process nobody may ask. */
function folderOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '/';
  }
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return resolve(file);
  }
}
