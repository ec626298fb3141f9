import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import t from 'tap';
import { APPEND_FILE } from '../../journal/append-log.js';
import { JOURNAL_FILE } from '../../journal/file.js';
import { Journal } from '../../journal/journal.js';
import { JournalReader } from '../../journal/reader.js';

const WRITER = fileURLToPath(new URL('./support/writer.js', import.meta.url));

interface Said {
  waiting?: number;
  torn?: number;
  seq?: number;
  frameId?: string;
  payload?: string;
  delivering?: string;
  delivered?: string;
}

/** What a writer says until it has been killed, `results` results after its start at the earliest. */
async function killedAfter(dir: string, commitMs: number, results: number): Promise<Said[]> {
  const child = spawn(process.execPath, [WRITER, dir, String(commitMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8');
  for await (const chunk of child.stdout as AsyncIterable<string>) {
    text += chunk;
    if (text.split('"seq"').length > results) child.kill('SIGKILL');
  }
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Said);
}

t.test('killed at any instant: what was recorded waits, in order and byte for byte, once', async (t) => {
  for (const commitMs of [1, 20, 60_000]) {
    const dir = join(t.testdir({ [commitMs]: {} }), String(commitMs));
    const recorded = new Map<string, string>();
    const delivering = new Set<string>();
    const delivered = new Set<string>();
    for (let life = 0; life < 5; life += 1) {
      const said = await killedAfter(dir, commitMs, 150 + 97 * life);
      for (const { seq, frameId = '', payload = '', delivering: sent, delivered: done } of said) {
        if (seq !== undefined) recorded.set(frameId, payload);
        if (sent !== undefined) delivering.add(sent);
        if (done !== undefined) delivered.add(done);
      }
    }
    const journal = new Journal({ dir, sync: 'normal' });
    t.equal(journal.start(), 'unclean');
    const waiting = journal.undelivered(0, 1e6);
    journal.stop();
    const found = new Map(waiting.map(({ frameId, payload }) => [frameId, payload]));
    t.equal(found.size, waiting.length, `commits every ${commitMs} ms: each once`);
    const seqs = waiting.map(({ seq }) => seq);
    t.same(
      seqs,
      [...seqs].sort((a, b) => a - b),
    );
    const missing = [...recorded].filter(([id, payload]) => !delivering.has(id) && found.get(id) !== payload);
    t.same(missing, [], `of ${recorded.size} recorded results none is lost`);
    t.same(
      [...delivered].filter((id) => found.has(id)),
      [],
      'what was marked is not sent again',
    );
    t.ok(
      waiting.length <= recorded.size - delivered.size + 5,
      'one a life may have been recorded and not said',
    );
    t.notOk(existsSync(join(dir, APPEND_FILE)), 'a clean stop leaves no append file');
  }
});

function row(n: number): Parameters<Journal['append']>[0] {
  return { frameId: `f${n}`, createdAtMs: n, topic: 't', payload: `"${n}"` };
}

function openIn(dir: string): Journal {
  const journal = new Journal({ dir, sync: 'normal' });
  journal.start();
  return journal;
}

t.test('a death between the commit and the emptying of the append file doubles nothing', async (t) => {
  const dir = t.testdir();
  const first = openIn(dir);
  const seqs = [1, 2, 3].map((n) => first.append(row(n)));
  first.markDelivered([seqs[0]!]);
  const file = join(dir, APPEND_FILE);
  copyFileSync(file, join(dir, 'before'));
  first.commit();
  first.markDelivered([seqs[1]!]);
  first.commit();
  t.equal(statSync(file).size, 0);
  first.close();
  copyFileSync(join(dir, 'before'), file);
  const second = openIn(dir);
  t.teardown(() => second.stop());
  t.same(second.undelivered(0, 9), [
    { seq: seqs[2], frameId: 'f3', createdAtMs: 3, topic: 't', payload: '"3"' },
  ]);
  t.equal(second.append(row(4)), 4, 'numbers go on');
});

t.test('while SQLite refuses, results stay in the append file, and a death loses none', async (t) => {
  const dir = t.testdir();
  const first = openIn(dir);
  const other = new Database(join(dir, JOURNAL_FILE));
  t.teardown(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  for (const n of [1, 2]) {
    first.append(row(n));
    t.throws(() => first.commit(), { code: 'JOURNAL_FAILED', message: /locked/ });
  }
  t.equal(first.countUndelivered(), 2);
  t.same(
    first.undelivered(1, 9).map(({ frameId }) => frameId),
    ['f2'],
  );
  first.markDelivered([1]);
  first.close();
  other.exec('COMMIT');
  const second = openIn(dir);
  t.teardown(() => second.stop());
  t.same(
    second.undelivered(0, 9).map(({ frameId }) => frameId),
    ['f2'],
  );
});

t.test('a torn record is counted and the results before it are delivered', async (t) => {
  const dir = t.testdir();
  const first = openIn(dir);
  for (const n of [1, 2]) first.append(row(n));
  const file = join(dir, APPEND_FILE);
  copyFileSync(file, join(dir, 'whole'));
  first.append(row(3));
  first.close();
  truncateSync(file, statSync(join(dir, 'whole')).size + 20);
  const second = openIn(dir);
  t.teardown(() => second.stop());
  t.equal(second.tornRecords, 1);
  t.same(
    second.undelivered(0, 9).map(({ frameId }) => frameId),
    ['f1', 'f2'],
  );
});

/** What version 0.1.0 does with a journal: its schema, its indexes, one insert a result. */
function olderProgram(dir: string, frames: readonly string[]): string[] {
  const db = new Database(join(dir, JOURNAL_FILE));
  db.pragma('journal_mode = WAL');
  db.exec(`CREATE TABLE IF NOT EXISTS results (seq INTEGER PRIMARY KEY AUTOINCREMENT, frameId TEXT NOT NULL UNIQUE,
      createdAtMs INTEGER NOT NULL, ranMs INTEGER NOT NULL, topic TEXT NOT NULL, payload TEXT NOT NULL,
      delivered INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE INDEX IF NOT EXISTS undelivered ON results (seq) WHERE delivered = 0;
    CREATE INDEX IF NOT EXISTS byRunningTime ON results (ranMs);
    CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;`);
  const insert = db.prepare(
    'INSERT INTO results (frameId, createdAtMs, ranMs, topic, payload) VALUES (?, 1, 1, ?, ?)',
  );
  for (const frame of frames) insert.run(frame, 't', `"${frame}"`);
  const waiting = db.prepare<[], string>('SELECT frameId FROM results WHERE delivered = 0 ORDER BY seq');
  const found = waiting.pluck().all();
  db.close();
  return found;
}

t.test('a journal of 0.1.0 is taken over, and 0.1.0 takes it back after a stop', async (t) => {
  const dir = t.testdir();
  olderProgram(dir, ['old-1', 'old-2']);
  const journal = openIn(dir);
  journal.append(row(3));
  t.same(
    journal.undelivered(0, 9).map(({ frameId }) => frameId),
    ['old-1', 'old-2', 'f3'],
  );
  journal.markDelivered([1]);
  journal.stop();
  t.same(olderProgram(dir, ['old-4']), ['old-2', 'f3', 'old-4']);
});

t.test(
  'what a killed run had appended waits while an older program runs, though that reuses numbers',
  async (t) => {
    const dir = t.testdir();
    const killed = openIn(dir);
    killed.append(row(1));
    killed.commit();
    for (const n of [2, 3]) killed.append(row(n));
    killed.markDelivered([2]);
    killed.close();
    t.same(olderProgram(dir, ['old-2', 'old-3']), ['f1', 'old-2', 'old-3']);
    const reader = new JournalReader(dir, String);
    t.same(
      [...reader.results()].map(({ result }) => result),
      ['"1"', '"old-2"', '"old-3"', '"2"', '"3"'],
    );
    t.equal(reader.span(0, 1e9)?.rows, 5);
    reader.close();
    const again = openIn(dir);
    t.teardown(() => again.stop());
    t.same(
      again.undelivered(0, 9).map(({ frameId }) => frameId),
      ['f1', 'old-2', 'old-3', 'f3'],
      'with numbers of their own',
    );
  },
);
