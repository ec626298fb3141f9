import type { JournalFile } from './file.js';
import { DELIVERED } from './record.js';

/** How many undelivered results a pruning gave up, and why; and how many rows went in all. */
export interface Pruned {
  tooOld: number;
  tooMany: number;
  rows: number;
}

const PRUNED_ROWS = 1000;
/** No pruning goes on for longer than these many deletions of rows; the next one does. */
const PRUNE_STEPS = 50;

/**
 * Deletes results written before `oldestRanMs` and, beyond `maxBytes`, those that need no delivery before those that
 * do, the oldest first. `ranMs` grows with `seq`, so no index is needed. @throws EdgemuxError JOURNAL_FAILED
 */
export function pruneResults(file: JournalFile, limits: { oldestRanMs: number; maxBytes: number }): Pruned {
  const { oldestRanMs, maxBytes } = limits;
  const kept = file.value('SELECT seq FROM results WHERE ranMs >= ? ORDER BY seq LIMIT 1', oldestRanMs);
  const before = kept ?? Number.MAX_SAFE_INTEGER;
  const old = `SELECT count(*) FROM results WHERE delivered <> ${DELIVERED} AND seq < ?`;
  const tooOld = Number(file.value(old, before));
  let rows = file.run('DELETE FROM results WHERE seq < ?', before).changes;
  let tooMany = 0;
  for (let step = 0; step < PRUNE_STEPS && usedBytes(file) > maxBytes; step += 1) {
    const needless = removeOldest(file, `delivered = ${DELIVERED}`);
    const needed = needless > 0 ? 0 : removeOldest(file, `delivered <> ${DELIVERED}`);
    rows += needless + needed;
    tooMany += needed;
    if (needless + needed === 0) break;
  }
  return { tooOld, tooMany, rows };
}

function removeOldest(file: JournalFile, where: string): number {
  const oldest = `SELECT seq FROM results WHERE ${where} ORDER BY seq LIMIT ${PRUNED_ROWS}`;
  return file.run(`DELETE FROM results WHERE seq IN (${oldest})`).changes;
}

function usedBytes(file: JournalFile): number {
  const [pages = 0, free = 0, size = 0] = ['page_count', 'freelist_count', 'page_size'].map((name) =>
    Number(file.pragma(name)),
  );
  return (pages - free) * size;
}
