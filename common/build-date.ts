import { readFileSync, statSync } from 'node:fs';

/** Where `npm run build` leaves the date, beside this file in dist/: the file times in a package are made up by npm. */
const STAMP = new URL('./built.json', import.meta.url);

/**
 * When this program was built, in ms since the epoch: as the package says, else as old as the compiled file. No clock
 * that is right is earlier.
 */
export function builtAtMs(): number {
  try {
    const { builtAt } = JSON.parse(readFileSync(STAMP, 'utf8')) as { builtAt: string };
    return Date.parse(builtAt);
  } catch {
    return statSync(new URL(import.meta.url)).mtimeMs;
  }
}
