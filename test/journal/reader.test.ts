import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { EdgemuxError } from '../../common/errors.js';
import { JOURNAL_FILE } from '../../journal/file.js';
import { Journal } from '../../journal/journal.js';
import { JournalReader } from '../../journal/reader.js';

/** A parser that knows whole numbers and nothing else. */
function whole(payload: Uint8Array): number {
  const value: unknown = JSON.parse(Buffer.from(payload).toString());
  if (typeof value === 'number') return value;
  throw new EdgemuxError('MESSAGE_INVALID', 'no number');
}

function journalOf(dir: string, payloads: readonly string[]): Journal {
  const journal = new Journal({ dir, sync: 'normal' });
  journal.start();
  for (const [i, payload] of payloads.entries())
    journal.append({ frameId: `f${i}`, createdAtMs: 1000 * i, topic: 't', payload });
  return journal;
}

t.test('results come in their order while the daemon goes on writing; others are counted', async (t) => {
  const dir = t.testdir();
  const journal = journalOf(dir, ['1', '"two"', '3', '4']);
  t.teardown(() => journal.stop());
  const reader = new JournalReader(dir, whole);
  t.teardown(() => reader.close());
  t.same(
    [...reader.results(0, 3000)],
    [
      { createdAtMs: 0, result: 1 },
      { createdAtMs: 2000, result: 3 },
    ],
  );
  t.equal(reader.unreadable, 1);
  t.same(reader.span(1000, 9000), { firstMs: 1000, lastMs: 3000, rows: 3 });
  t.equal(reader.span(9000, 9001), null);
  journal.append({ frameId: 'later', createdAtMs: 9000, topic: 't', payload: '9' });
  t.same([...reader.results(9000)], [{ createdAtMs: 9000, result: 9 }]);
});

t.test('an error of the parser that is none of ours is not taken for a bad row', async (t) => {
  const dir = t.testdir();
  journalOf(dir, ['{']).stop();
  const reader = new JournalReader(dir, whole);
  t.teardown(() => reader.close());
  t.throws(() => [...reader.results()], SyntaxError);
});

t.test('no journal, another file and a damaged file are JOURNAL_FAILED with the name', async (t) => {
  const dir = t.testdir({ 'other.sqlite': 'text '.repeat(200) });
  const refused = { code: 'JOURNAL_FAILED', message: /cannot read the journal .*sqlite/ };
  t.throws(() => new JournalReader(dir, whole), refused);
  t.throws(() => new JournalReader(join(dir, 'other.sqlite'), whole), refused);
  journalOf(
    dir,
    Array.from({ length: 500 }, () => `"${'x'.repeat(500)}"`),
  ).stop();
  const file = join(dir, JOURNAL_FILE);
  const db = new Database(file);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  const fd = openSync(file, 'r+');
  for (let at = 8192; at < statSync(file).size; at += 4096)
    writeSync(fd, Buffer.alloc(2048, 0xa5), 0, 2048, at);
  closeSync(fd);
  t.throws(() => {
    const reader = new JournalReader(file, () => 0);
    try {
      return [...reader.results()];
    } finally {
      reader.close();
    }
  }, refused);
});
