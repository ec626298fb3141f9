import { closeSync, openSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { silentLog } from '../../common/log.js';
import { Journal } from '../../journal/journal.js';
import { JournalKeeper } from '../../journal/keeper.js';
import { smallDisk, withoutMount } from '../support/small-disk.js';

/** Commits and checks come from the tests. */
const LIMITS = { commitMs: 1e6, checkMs: 1e6, maxAgeMs: 3_600_000, maxBytes: 1e9 };

function keeperIn(dir: string) {
  const clock = { ms: 0, monotonicMs: () => clock.ms, wallMs: () => Date.UTC(2026, 10, 23) };
  const journal = new Journal({ dir, sync: 'normal', clock });
  let asked = 0;
  const deps = { log: silentLog(), clock, journal, onMissing: () => void (asked += 1) };
  const keeper = new JournalKeeper(deps, LIMITS);
  return { clock, counters: keeper.counts, journal, keeper, asked: () => asked };
}

function rowOf(n: number, bytes: number): Parameters<Journal['append']>[0] {
  return { frameId: `f${n}`, createdAtMs: n, topic: 'x', payload: 'x'.repeat(bytes) };
}

function append(keeper: JournalKeeper, n: number, bytes = 100): number | null {
  return keeper.append(rowOf(n, bytes));
}

function frames(keeper: JournalKeeper): string[] | undefined {
  return keeper.undelivered(0, 1000)?.map(({ frameId }) => frameId);
}

/** Overwrites the pages of a database behind the first with nonsense. */
function damage(file: string): void {
  const fd = openSync(file, 'r+');
  const { size } = statSync(file);
  for (let at = 4096; at < size; at += 4096) writeSync(fd, Buffer.alloc(2048, 0xa5), 0, 2048, at);
  closeSync(fd);
}

/** Brings what the write-ahead log holds into the file itself. */
function intoOneFile(dir: string): void {
  const db = new Database(join(dir, 'journal.sqlite'));
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
}

function damaged(dir: string): string[] {
  return readdirSync(dir).filter((name) => /^journal\.sqlite\.damaged-20261123T000000/.test(name));
}

t.test('a file that is no journal is kept under another name and a new journal begun', async (t) => {
  const dir = t.testdir({ 'journal.sqlite': 'this was a journal once '.repeat(1000) });
  const { counters, keeper } = keeperIn(dir);
  keeper.start();
  t.teardown(() => keeper.stop());
  t.equal(append(keeper, 1), 1);
  t.equal(keeper.problem, null);
  t.match(counters, { journalsSetAside: 1, journalErrors: 1 });
  const [kept] = damaged(dir);
  t.equal(statSync(join(dir, kept ?? '')).size, 24_000, 'not a byte of it is lost');
});

t.test('pages that a crash left damaged are found at the next start', async (t) => {
  const dir = t.testdir();
  const killed = new Journal({ dir, sync: 'normal' });
  killed.start();
  for (let n = 0; n < 200; n += 1) killed.append(rowOf(n, 500));
  killed.commit();
  killed.close();
  intoOneFile(dir);
  damage(join(dir, 'journal.sqlite'));
  const { counters, keeper } = keeperIn(dir);
  keeper.start();
  t.teardown(() => keeper.stop());
  t.equal(counters.journalsSetAside, 1);
  t.ok(damaged(dir).length >= 1);
  t.ok(append(keeper, 1));
});

t.test('a journal damaged while it is in use is replaced, and numbers go on', async (t) => {
  const dir = t.testdir();
  const { counters, keeper } = keeperIn(dir);
  keeper.start();
  t.teardown(() => keeper.stop());
  for (let n = 0; n < 300; n += 1) append(keeper, n, 1000);
  t.ok(keeper.commit());
  intoOneFile(dir);
  damage(join(dir, 'journal.sqlite'));
  const touch = new Database(join(dir, 'journal.sqlite')); // makes the other connection drop its cached pages
  touch.pragma('user_version = 7');
  touch.close();
  let seq: number | null = null;
  for (let n = 300; counters.journalsSetAside === 0 && n < 400; n += 1) {
    seq = append(keeper, n);
    t.ok(keeper.commit());
  }
  t.equal(counters.journalsSetAside, 1);
  t.ok((seq ?? 0) > 300, `the result that met the damage is number ${seq} of the new journal`);
  t.equal(keeper.problem, null);
  t.equal(frames(keeper)?.length, 1);
  t.ok(damaged(dir).length >= 1);
  keeper.markDelivered([5]);
  t.ok(keeper.commit(), 'marking a result of the old journal harms nothing');
  t.equal(frames(keeper)?.length, 1);
});

t.test(
  'a full disk costs durability only, and is used again when there is room',
  { skip: withoutMount() },
  async (t) => {
    const { dir } = smallDisk(t, 512 * 1024);
    const { counters, keeper } = keeperIn(dir);
    keeper.start();
    t.teardown(() => keeper.stop());
    append(keeper, 0);
    writeFileSync(join(dir, 'ballast'), Buffer.alloc(300 * 1024));
    let n = 1;
    while (append(keeper, n, 4000) !== null && n < 200) n += 1;
    t.ok(n < 200, `after ${n} results the disk is full`);
    t.match(keeper.problem, /unjournaled.*full/);
    t.ok(counters.journalErrors > 0);
    t.equal(frames(keeper)?.length, n, 'what was journaled is still there');
    rmSync(join(dir, 'ballast'));
    t.ok(append(keeper, 1000), 'results are journaled again');
    t.ok(keeper.commit());
    t.equal(keeper.problem, null);
    t.equal(counters.journalsSetAside, 0);
  },
);

t.test(
  'a read-only disk at the start is retried until it can be written',
  { skip: withoutMount() },
  async (t) => {
    const disk = smallDisk(t, 1024 * 1024);
    disk.remount('ro');
    const { clock, counters, keeper } = keeperIn(join(disk.dir, 'data'));
    keeper.start();
    t.teardown(() => keeper.stop());
    t.equal(append(keeper, 1), null);
    t.match(keeper.problem, /unjournaled: cannot lock/);
    disk.remount('rw');
    t.equal(append(keeper, 2), null, 'not at every result');
    clock.ms += 5000;
    t.equal(append(keeper, 3), 1);
    t.ok(keeper.commit());
    t.equal(keeper.problem, null);
    t.ok(counters.journalErrors >= 2);
  },
);

t.test(
  'a disk that takes writes again is no warning any more, though no frame has come',
  { skip: withoutMount() },
  async (t) => {
    const disk = smallDisk(t, 1024 * 1024);
    const { clock, keeper } = keeperIn(join(disk.dir, 'data'));
    disk.remount('ro');
    keeper.start();
    t.teardown(() => keeper.stop());
    append(keeper, 1);
    keeper.commit();
    t.not(keeper.problem, null);
    disk.remount('rw');
    clock.ms += 5000;
    t.ok(keeper.commit());
    t.equal(keeper.problem, null);
  },
);

t.test(
  'a journal on a disk that has become read-only comes back with the disk',
  { skip: withoutMount() },
  async (t) => {
    const disk = smallDisk(t, 1024 * 1024);
    const before = keeperIn(disk.dir);
    before.keeper.start();
    append(before.keeper, 1);
    before.keeper.stop();
    disk.remount('ro');
    const { clock, keeper } = keeperIn(disk.dir);
    keeper.start();
    t.teardown(() => keeper.stop());
    t.equal(append(keeper, 2), null);
    t.match(keeper.problem, /readonly|read-only|EROFS/i);
    disk.remount('rw');
    clock.ms += 5000;
    t.equal(append(keeper, 3), 2);
    t.same(frames(keeper), ['f1', 'f3']);
  },
);

t.test('what is given up by age is counted', async (t) => {
  const dir = t.testdir();
  const first = keeperIn(dir);
  first.keeper.start();
  append(first.keeper, 1);
  first.clock.ms += 2 * 3_600_000;
  append(first.keeper, 2);
  first.keeper.stop();
  const second = keeperIn(dir);
  second.keeper.start();
  t.teardown(() => second.keeper.stop());
  t.match(second.counters.givenUp, { 'too-old': 1 });
  t.same(frames(second.keeper), ['f2']);
});

t.test('unclean restarts are counted over the life of the journal', async (t) => {
  const dir = t.testdir();
  for (const [uncleanRestarts, lastStop] of [
    [0, 'unknown'],
    [1, 'unclean'],
    [2, 'unclean'],
  ] as const) {
    const { counters, journal, keeper } = keeperIn(dir);
    keeper.start();
    t.equal(counters.uncleanRestarts, uncleanRestarts);
    t.equal(keeper.lastStop, lastStop);
    journal.close(); // as the death of the process does
    t.teardown(() => keeper.stop());
  }
});

t.test('while SQLite is locked by another program results are recorded all the same', async (t) => {
  const dir = t.testdir();
  const { clock, counters, keeper } = keeperIn(dir);
  keeper.start();
  t.teardown(() => keeper.stop());
  const other = new Database(join(dir, 'journal.sqlite'));
  t.teardown(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  t.equal(append(keeper, 1), 1);
  t.notOk(keeper.commit());
  t.match(keeper.problem, /append file only.*locked/);
  clock.ms += 5000;
  t.notOk(keeper.commit(), 'it is opened again, in vain');
  t.equal(append(keeper, 2), 2);
  t.ok(counters.journalErrors >= 2);
  other.exec('COMMIT');
  clock.ms += 5000;
  t.ok(keeper.commit());
  t.equal(keeper.problem, null);
  t.same(frames(keeper), ['f1', 'f2']);
});
