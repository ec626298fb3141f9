import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EdgemuxError, messageOf } from '../../../common/errors.js';
import { parseResult, type Result } from '../../../protocol/messages.js';

/**
 * The results in the journal of a daemon, also of one that runs, in their order.
 * @param dir the daemon's data folder
 * @throws EdgemuxError JOURNAL_FAILED where there is no journal
 */
export function readJournal(dir: string): Result[] {
  const file = join(dir, 'journal.sqlite');
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true });
    try {
      const payloads = db.prepare<[], string>('SELECT payload FROM results ORDER BY seq').pluck().all();
      return payloads.map((payload) => parseResult(Buffer.from(payload)));
    } finally {
      db.close();
    }
  } catch (cause) {
    throw new EdgemuxError('JOURNAL_FAILED', `cannot read the journal ${file}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
