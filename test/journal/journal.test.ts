import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { Journal } from '../../journal/journal.js';

function row(frameId: string, createdAtMs = 1000): Parameters<Journal['append']>[0] {
  return { frameId, createdAtMs, topic: `edgemux/d/result/${frameId}`, payload: `{"frameId":"${frameId}"}` };
}

t.test('results stay until they are marked as delivered, in order and over a restart', async (t) => {
  const dir = t.testdir();
  const first = new Journal({ dir, sync: 'normal' });
  first.start();
  const seqs = ['a', 'b', 'c'].map((id) => first.append(row(id)));
  first.markDelivered([seqs[1]!]);
  first.stop();
  const second = new Journal({ dir, sync: 'full' });
  second.start();
  t.teardown(() => second.stop());
  t.same(
    second.undelivered(0, 10).map(({ frameId, payload }) => [frameId, payload]),
    [
      ['a', '{"frameId":"a"}'],
      ['c', '{"frameId":"c"}'],
    ],
  );
  t.same(
    second.undelivered(seqs[0]!, 10).map(({ frameId }) => frameId),
    ['c'],
  );
});

t.test('one frame has one result: a second one is not kept, and holds up no other', async (t) => {
  const journal = new Journal({ dir: t.testdir(), sync: 'normal' });
  journal.start();
  t.teardown(() => journal.stop());
  for (const payload of ['first', 'second']) journal.append({ ...row('a'), payload });
  journal.append(row('b'));
  journal.commit();
  t.same(
    journal.undelivered(0, 9).map(({ frameId, payload }) => [frameId, payload]),
    [
      ['a', 'first'],
      ['b', row('b').payload],
    ],
  );
});

/** A clock whose two times a test sets. */
function handClock(): { monotonic: number; wall: number; monotonicMs(): number; wallMs(): number } {
  return {
    monotonic: 0,
    wall: Date.UTC(2026, 0, 1),
    monotonicMs() {
      return this.monotonic;
    },
    wallMs() {
      return this.wall;
    },
  };
}

t.test('old results are pruned, and how many of them were never delivered is told', async (t) => {
  const clock = handClock();
  const journal = new Journal({ dir: t.testdir(), sync: 'normal', clock });
  journal.start();
  t.teardown(() => journal.stop());
  const delivered = journal.append(row('old-delivered'));
  journal.append(row('old'));
  clock.monotonic = 5000;
  journal.append(row('new'));
  journal.markDelivered([delivered]);
  t.same(journal.prune(1000, 1e9), { tooOld: 1, tooMany: 0, rows: 2 });
  t.same(
    journal.undelivered(0, 10).map(({ frameId }) => frameId),
    ['new'],
  );
});

t.test(
  'age is running time: no jump of the wall clock and no time switched off makes a result old',
  async (t) => {
    const HOUR_MS = 3_600_000;
    const dir = t.testdir();
    const clock = handClock();
    const first = new Journal({ dir, sync: 'normal', clock });
    first.start();
    first.append(row('a', clock.wall));
    for (const jumpMs of [HOUR_MS, -2 * HOUR_MS, 30 * 365 * 24 * HOUR_MS]) {
      clock.wall += jumpMs;
      clock.monotonic += 1000;
      t.same(first.prune(HOUR_MS, 1e9), { tooOld: 0, tooMany: 0, rows: 0 });
    }
    first.stop();
    const later = handClock();
    const second = new Journal({ dir, sync: 'normal', clock: later });
    second.start();
    t.teardown(() => second.stop());
    later.monotonic = HOUR_MS - 4000;
    t.equal(second.prune(HOUR_MS, 1e9).tooOld, 0, 'the two runs together are still under an hour');
    later.monotonic += 2000;
    t.equal(second.prune(HOUR_MS, 1e9).tooOld, 1, 'and now they are over it');
  },
);

t.test('delivered results make room before undelivered ones do', async (t) => {
  const journal = new Journal({ dir: t.testdir(), sync: 'normal' });
  journal.start();
  t.teardown(() => journal.stop());
  const seqs = Array.from({ length: 2500 }, (_, i) => {
    return journal.append({ ...row(`f${i}`), payload: 'x'.repeat(1000) });
  });
  journal.markDelivered(seqs.slice(1000));
  t.match(journal.prune(1e9, 1_500_000), { tooOld: 0, tooMany: 0 });
  t.equal(journal.countUndelivered(), 1000);
});

t.test('a run that did not stop is told apart from one that did', async (t) => {
  const dir = t.testdir();
  const open = (): Journal => new Journal({ dir, sync: 'normal' });
  const [first, second, third, fourth] = [open(), open(), open(), open()];
  t.equal(first.start(), 'unknown');
  first.stop();
  t.equal(second.start(), 'clean');
  second.close(); // as the death of the process does
  t.equal(third.start(), 'unclean');
  third.stop();
  t.equal(fourth.start(), 'clean');
  fourth.stop();
});

t.test('a parked result waits for the next run', async (t) => {
  const dir = t.testdir();
  const first = new Journal({ dir, sync: 'normal' });
  first.start();
  first.park(first.append(row('a')));
  t.equal(first.countUndelivered(), 0);
  first.stop();
  const second = new Journal({ dir, sync: 'normal' });
  second.start();
  t.teardown(() => second.stop());
  t.equal(second.undelivered(0, 1)[0]?.frameId, 'a');
});

t.test('sync full asks SQLite for a sync at every result, normal does not', async (t) => {
  for (const [sync, level] of [
    ['normal', 1],
    ['full', 2],
  ] as const) {
    const journal = new Journal({ dir: t.testdir({ [sync]: {} }), sync });
    journal.start();
    t.equal(journal.file.pragma('synchronous'), level);
    t.equal(journal.file.pragma('journal_mode'), 'wal');
    journal.stop();
  }
});

t.test('a journal of an earlier version is taken over', async (t) => {
  const dir = t.testdir();
  const old = new Database(join(dir, 'journal.sqlite'));
  old.exec(`CREATE TABLE results (seq INTEGER PRIMARY KEY AUTOINCREMENT, frameId TEXT NOT NULL UNIQUE,
    createdAtMs INTEGER NOT NULL, topic TEXT NOT NULL, payload TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0) STRICT;
    INSERT INTO results (frameId, createdAtMs, topic, payload) VALUES ('a', 1, 'x', '{}')`);
  old.close();
  const journal = new Journal({ dir, sync: 'normal' });
  t.equal(journal.start(), 'unknown');
  t.teardown(() => journal.stop());
  t.equal(journal.undelivered(0, 9).length, 1);
});

t.test('beyond its size the oldest results go first', async (t) => {
  const journal = new Journal({ dir: t.testdir(), sync: 'normal' });
  journal.start();
  t.teardown(() => journal.stop());
  for (let i = 0; i < 3000; i += 1) journal.append({ ...row(`f${i}`), payload: 'x'.repeat(1000) });
  const { tooMany: lost } = journal.prune(1e9, 1_500_000);
  t.ok(lost >= 1000, `${lost} of 3000 rows of 1 kB went to stay below 1.5 MB`);
  t.equal(journal.undelivered(0, 1)[0]?.frameId, `f${lost}`, 'the oldest ones');
});

t.test('the journal is for its owner only, and says so when it cannot be opened', async (t) => {
  const dir = join(t.testdir(), 'data');
  const journal = new Journal({ dir, sync: 'normal' });
  journal.start();
  journal.append(row('a'));
  for (const part of ['', '-wal', '-shm'])
    t.equal(statSync(join(dir, `journal.sqlite${part}`)).mode & 0o777, 0o600, `.sqlite${part}`);
  t.equal(statSync(join(dir, 'journal.append')).mode & 0o777, 0o600, 'journal.append');
  journal.stop();
  for (const name of ['journal.sqlite', 'edgemux.lock'])
    t.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name);
  t.equal(statSync(dir).mode & 0o777, 0o700);
  const blocked = join(t.testdir(), 'blocked');
  mkdirSync(join(blocked, 'journal.sqlite'), { recursive: true });
  t.throws(() => new Journal({ dir: blocked, sync: 'normal' }).start(), {
    code: 'JOURNAL_FAILED',
    message: /blocked/,
  });
});
