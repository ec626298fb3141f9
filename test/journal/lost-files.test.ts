/** Files of the journal are deleted, moved, replaced or cut under the running program. */
import { cpSync, existsSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { silentLog } from '../../common/log.js';
import { Journal, type JournalRow } from '../../journal/journal.js';
import { JournalKeeper } from '../../journal/keeper.js';
import { FolderLock, lockHolder } from '../../journal/lock.js';

const LIMITS = { commitMs: 1e6, checkMs: 1e6, maxAgeMs: 3_600_000, maxBytes: 1e9 };
const DELIVERED = 10;
const COMMITTED = 30;
const APPENDED = 5;

function rowOf(n: number): Omit<JournalRow, 'seq'> {
  return { frameId: `f${n}`, createdAtMs: n, topic: 'x', payload: `${n} `.padEnd(900, 'x') };
}

/**
 * A journal with 30 results in SQLite, of which 10 are delivered, and 5 in the append file; an older copy of its folder,
 * from when there were 15, lies beside it.
 */
function running(t: Test, data = join(t.testdir(), 'data')) {
  const clock = { ms: 0, monotonicMs: () => clock.ms, wallMs: () => Date.UTC(2026, 10, 28) };
  const journal = new Journal({ dir: data, sync: 'normal', clock });
  let asked = 0;
  const onMissing = (): void => void (asked += 1);
  const keeper = new JournalKeeper({ log: silentLog(), clock, journal, onMissing }, LIMITS);
  keeper.start();
  t.teardown(() => keeper.stop());
  const add = (from: number, to: number): void => {
    for (let n = from; n <= to; n += 1) t.equal(keeper.append(rowOf(n)), n);
  };
  add(1, 15);
  keeper.commit();
  cpSync(data, `${data}.older`, { recursive: true });
  add(16, COMMITTED);
  keeper.markDelivered([...Array(DELIVERED).keys()].map((n) => n + 1));
  keeper.commit();
  add(COMMITTED + 1, COMMITTED + APPENDED);
  return { clock, data, keeper, journal, asked: () => asked };
}

/** What a later run finds undelivered. */
function foundLater(t: Test, dir: string): number[] {
  const journal = new Journal({ dir, sync: 'normal' });
  t.equal(journal.start(), 'clean');
  const rows = journal.undelivered(0, 1000);
  journal.stop();
  for (const { seq, payload } of rows) t.equal(payload, rowOf(seq).payload, `result ${seq}, byte for byte`);
  return rows.map(({ seq }) => seq);
}

function numbers(from: number, to: number): number[] {
  return [...Array(to - from + 1).keys()].map((n) => n + from);
}

const UNDELIVERED = numbers(DELIVERED + 1, COMMITTED + APPENDED);

/** Everything under the journal's name, and the lock, replaced by what they were before. */
function replaceAll(data: string): void {
  for (const name of readdirSync(`${data}.older`)) {
    rmSync(join(data, name), { force: true });
    cpSync(join(`${data}.older`, name), join(data, name));
  }
}

const WITHOUT_LOSS: readonly { what: string; act: (data: string) => void; recordsLost: number }[] = [
  {
    what: 'the folder is deleted',
    act: (data) => rmSync(data, { recursive: true }),
    recordsLost: DELIVERED,
  },
  { what: 'the folder is moved', act: (data) => renameSync(data, `${data}.old`), recordsLost: DELIVERED },
  {
    what: 'the journal is deleted',
    act: (data) => rmSync(join(data, 'journal.sqlite')),
    recordsLost: DELIVERED,
  },
  {
    what: 'the journal and all that belongs to it is deleted',
    act: (data) => {
      for (const name of readdirSync(data)) rmSync(join(data, name));
    },
    recordsLost: DELIVERED,
  },
  { what: 'all files are replaced by older copies', act: replaceAll, recordsLost: DELIVERED },
  {
    what: 'the folder is replaced by an older copy',
    act: (data) => {
      renameSync(data, `${data}.old`);
      cpSync(`${data}.older`, data, { recursive: true });
    },
    recordsLost: DELIVERED,
  },
  {
    what: 'the write-ahead log is deleted',
    act: (data) => rmSync(join(data, 'journal.sqlite-wal')),
    recordsLost: 0,
  },
  {
    what: 'the write-ahead log is replaced by an older copy',
    act: (data) => {
      rmSync(join(data, 'journal.sqlite-wal'));
      cpSync(join(`${data}.older`, 'journal.sqlite-wal'), join(data, 'journal.sqlite-wal'));
    },
    recordsLost: 0,
  },
  {
    what: "the write-ahead log's index is deleted",
    act: (data) => rmSync(join(data, 'journal.sqlite-shm')),
    recordsLost: 0,
  },
  {
    what: 'the append file is deleted',
    act: (data) => rmSync(join(data, 'journal.append')),
    recordsLost: 0,
  },
  {
    what: 'the append file is cut',
    act: (data) => truncateSync(join(data, 'journal.append')),
    recordsLost: 0,
  },
  { what: 'the lock is deleted', act: (data) => rmSync(join(data, 'edgemux.lock')), recordsLost: 0 },
];

for (const { what, act, recordsLost } of WITHOUT_LOSS) {
  t.test(`${what}: noticed, said, and no result that waits is lost`, (t) => {
    const { data, keeper, asked } = running(t);
    act(data);
    keeper.check();
    t.equal(keeper.problem, null);
    t.match(keeper.notice, /files of the journal were lost under the running program \(.*data/);
    t.match(keeper.notice, new RegExp(`${UNDELIVERED.length} results that wait are in them`));
    t.match(keeper.counts, { journalsLost: 1, journalErrors: 0, recordsLost, journalsSetAside: 0 });
    t.equal(asked(), 0, 'memory is not asked for anything');
    keeper.check();
    t.equal(keeper.counts.journalsLost, 1, 'once');
    const next = COMMITTED + APPENDED + 1;
    t.equal(keeper.append(rowOf(next)), next, 'numbers go on');
    t.ok(keeper.commit());
    t.same(lockHolder(data) !== null, true, 'the folder is locked');
    keeper.stop();
    t.same(foundLater(t, data), [...UNDELIVERED, next]);
    t.end();
  });
}

/** Cut files have lost what was in them: what memory still has comes back, the rest is counted. */
function cutAndRestored(t: Test, act: (data: string) => void): void {
  const { data, keeper, asked } = running(t);
  act(data);
  keeper.check();
  t.equal(keeper.counts.journalsLost, 1);
  t.equal(asked(), 1, 'memory is asked for what it has');
  const held = UNDELIVERED.slice(-8).map((seq) => ({ ...rowOf(seq), seq }));
  keeper.restore(held);
  const lost = keeper.counts.givenUp['journal-lost'];
  t.match(keeper.notice, `${lost} results that waited for the broker are lost`);
  t.equal(keeper.append(rowOf(99)), COMMITTED + APPENDED + 1, 'numbers go on');
  t.ok(keeper.commit());
  t.equal(keeper.problem, null);
  keeper.stop();
  const later = new Journal({ dir: data, sync: 'normal' });
  later.start();
  const found = later.undelivered(0, 1000).map(({ seq }) => seq);
  later.stop();
  t.equal(
    found.length + lost,
    UNDELIVERED.length + 1,
    `${lost} are lost, ${found.length} found: each counted`,
  );
  for (const { seq } of held) t.ok(found.includes(seq), `result ${seq}, which memory had, is there`);
  t.ok(lost > 0 && lost <= COMMITTED - DELIVERED, 'only what was in the file and not in memory');
  t.notOk(
    found.some((seq) => seq <= DELIVERED),
    'what was delivered is not sent again',
  );
  t.end();
}

t.test('the write-ahead log is cut: what is lost is counted by number', (t) => {
  cutAndRestored(t, (data) => truncateSync(join(data, 'journal.sqlite-wal'), 40_000));
});

t.test('the write-ahead log is emptied: what is lost is counted by number', (t) => {
  cutAndRestored(t, (data) => truncateSync(join(data, 'journal.sqlite-wal')));
});

t.test('a journal that is cut to nothing is replaced, and what its log still gives is kept', (t) => {
  const { data, keeper } = running(t);
  truncateSync(join(data, 'journal.sqlite'));
  keeper.check();
  keeper.restore([]);
  const lost = keeper.counts.givenUp['journal-lost'];
  t.equal(keeper.counts.journalsLost, 1);
  const next = COMMITTED + APPENDED + 1;
  t.equal(keeper.append(rowOf(next)), next, 'numbers go on');
  t.ok(keeper.commit());
  keeper.stop();
  t.equal(foundLater(t, data).length + lost, UNDELIVERED.length + 1);
  t.end();
});

t.test('deleted just before a stop: the stop notices', (t) => {
  const { data, keeper } = running(t);
  rmSync(data, { recursive: true });
  keeper.stop();
  t.same(foundLater(t, data), UNDELIVERED);
  t.end();
});

t.test('another program that brings the log into the journal loses nothing', (t) => {
  const { data, keeper, asked } = running(t);
  const other = new Database(join(data, 'journal.sqlite'));
  other.pragma('wal_checkpoint(TRUNCATE)');
  other.close();
  keeper.check();
  t.equal(asked(), 0);
  t.match(keeper.counts, { recordsLost: 0, journalErrors: 0 });
  keeper.stop();
  t.same(foundLater(t, data), UNDELIVERED);
  t.end();
});

t.test('another daemon has taken a new folder of that name: nothing is written into it', (t) => {
  const { clock, data, keeper } = running(t);
  renameSync(data, `${data}.old`);
  const other = new FolderLock(data);
  other.acquire();
  keeper.check();
  t.match(keeper.problem, /results are sent unjournaled: .*in use/);
  t.equal(keeper.append(rowOf(99)), null);
  t.notOk(existsSync(join(data, 'journal.append')));
  other.release();
  clock.ms += 5000;
  keeper.check();
  t.equal(keeper.problem, null);
  keeper.stop();
  t.same(foundLater(t, data), UNDELIVERED, 'and nothing was lost meanwhile');
  t.end();
});

t.test('no folder can be made in its place: nothing is recorded until one can, and nothing is lost', (t) => {
  const { clock, data, keeper } = running(t);
  rmSync(data, { recursive: true });
  writeFileSync(data, 'a file in the way');
  keeper.check();
  t.match(keeper.problem, /results are sent unjournaled/);
  t.equal(keeper.append(rowOf(99)), null);
  rmSync(data);
  clock.ms += 5000;
  keeper.check();
  t.equal(keeper.problem, null);
  t.equal(keeper.counts.journalsLost, 1, 'one loss, however often it is tried');
  keeper.stop();
  t.same(foundLater(t, data), UNDELIVERED);
  t.end();
});
