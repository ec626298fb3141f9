import type { JournalFile } from './file.js';

/** Values of the column `delivered`. Parked: the broker does not take it; the next run tries again. */
export const WAITING = 0;
export const DELIVERED = 1;
export const PARKED = 2;

/** How many undelivered results a pruning gave up, and why. */
export interface Pruned {
  tooOld: number;
  tooMany: number;
}

const ROWS = 1000;
/** No pruning keeps the main thread for longer than these many deletions of rows; the next one goes on. */
const STEPS = 50;

/**
 * Deletes results written before `oldestRanMs` and, beyond `maxBytes`, those that need no delivery before those that
 * do, the oldest first. @throws EdgemuxError JOURNAL_FAILED
 */
export function pruneResults(file: JournalFile, limits: { oldestRanMs: number; maxBytes: number }): Pruned {
  const { oldestRanMs, maxBytes } = limits;
  const old = `SELECT count(*) FROM results WHERE delivered <> ${DELIVERED} AND ranMs < ?`;
  const tooOld = Number(file.value(old, oldestRanMs));
  file.run('DELETE FROM results WHERE ranMs < ?', oldestRanMs);
  let tooMany = 0;
  for (let step = 0; step < STEPS && usedBytes(file) > maxBytes; step += 1) {
    if (removeOldest(file, `delivered = ${DELIVERED}`) > 0) continue;
    const removed = removeOldest(file, `delivered <> ${DELIVERED}`);
    tooMany += removed;
    if (removed === 0) break;
  }
  return { tooOld, tooMany };
}

function removeOldest(file: JournalFile, where: string): number {
  const oldest = `SELECT seq FROM results WHERE ${where} ORDER BY seq LIMIT ${ROWS}`;
  return file.run(`DELETE FROM results WHERE seq IN (${oldest})`).changes;
}

function usedBytes(file: JournalFile): number {
  const [pages = 0, free = 0, size = 0] = ['page_count', 'freelist_count', 'page_size'].map((name) =>
    Number(file.pragma(name)),
  );
  return (pages - free) * size;
}
