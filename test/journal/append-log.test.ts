import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { APPEND_FILE, AppendLog, scan } from '../../journal/append-log.js';
import { smallDisk, withoutMount } from '../support/small-disk.js';

const BODIES = ['one', '', 'EMJ1', 'x'.repeat(5000), 'EMJ1EMJ1 and more'].map((text) => Buffer.from(text));

function logIn(t: Test, dir = t.testdir()): { log: AppendLog; path: string } {
  const path = join(dir, APPEND_FILE);
  const log = new AppendLog(path);
  log.open();
  t.teardown(() => log.close());
  return { log, path };
}

function texts(records: readonly Buffer[]): string[] {
  return records.map(String);
}

t.test('what is appended is in the file at once and comes back; after a clear nothing does', async (t) => {
  const { log, path } = logIn(t);
  for (const body of BODIES) {
    log.append(body);
    t.same(texts(scan(readFileSync(path)).records.slice(-1)), [String(body)]);
  }
  log.close();
  t.match(log.open(), { records: BODIES, torn: 0, endBytes: statSync(path).size });
  log.append(Buffer.from('more'));
  log.close();
  t.same(texts(log.open().records), [...BODIES.map(String), 'more'], 'appending goes on at the end');
  log.clear();
  t.equal(statSync(path).size, 0);
  log.append(Buffer.from('anew'));
  log.close({ removeEmpty: true });
  t.same(texts(scan(readFileSync(path)).records), ['anew'], 'a file that holds something stays');
});

t.test('cut at any byte the file gives the records before it, and one torn one at most', async (t) => {
  const { log, path } = logIn(t);
  const ends = BODIES.map((body) => {
    log.append(body);
    return statSync(path).size;
  });
  const whole = readFileSync(path);
  for (let length = 0; length <= whole.length; length += 1) {
    const { records, torn, endBytes } = scan(whole.subarray(0, length));
    const before = ends.filter((end) => end <= length);
    const expected = { records: before.length, torn: length === (before.at(-1) ?? 0) ? 0 : 1 };
    if (records.length !== expected.records || torn !== expected.torn || endBytes !== (before.at(-1) ?? 0))
      t.same({ records: records.length, torn }, expected, `cut at ${length}`);
  }
  t.ok(whole.length > 5000, 'every cut was tried');
});

t.test('any damaged byte costs its record alone', async (t) => {
  const { log, path } = logIn(t);
  for (const body of BODIES) log.append(body);
  const whole = readFileSync(path);
  let costs = 0;
  for (let at = 0; at < whole.length; at += 1) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0x40;
    const { records, torn } = scan(damaged);
    costs += BODIES.length - records.length;
    if (records.length !== BODIES.length - 1 || torn < 1)
      t.fail(`byte ${at}: ${records.length}, ${torn} torn`);
  }
  t.equal(costs, whole.length);
});

t.test('after a torn record appending goes on, and the torn bytes are gone', async (t) => {
  const { log, path } = logIn(t);
  log.append(Buffer.from('kept'));
  log.close();
  appendFileSync(path, readFileSync(path).subarray(0, 14));
  t.match(log.open(), { records: [Buffer.from('kept')], torn: 1 });
  log.append(Buffer.from('next, longer than what was torn'));
  t.match(scan(readFileSync(path)), { records: { length: 2 }, torn: 0 });
  log.clear();
  t.equal(statSync(path).size, 0);
});

t.test('a record that does not fit on the disk is taken back whole', { skip: withoutMount() }, async (t) => {
  const { dir } = smallDisk(t, 64 * 1024);
  const { log, path } = logIn(t, dir);
  writeFileSync(join(dir, 'ballast'), Buffer.alloc(40 * 1024));
  let taken = 0;
  t.throws(
    () => {
      for (; taken < 100; taken += 1) log.append(Buffer.alloc(3000, taken));
    },
    { code: 'JOURNAL_FAILED', message: /ENOSPC/ },
  );
  t.ok(taken > 0 && taken < 100, `${taken} records fit`);
  t.match(scan(readFileSync(path)), { records: { length: taken }, torn: 0 });
  rmSync(join(dir, 'ballast'));
  log.append(Buffer.from('there is room again'));
  t.match(scan(readFileSync(path)), { records: { length: taken + 1 }, torn: 0 });
});

t.test('a huge file is none of ours: it is kept under another name', async (t) => {
  const { log, path } = logIn(t);
  log.close();
  writeFileSync(path, Buffer.alloc(65 * 1024 * 1024));
  t.match(log.open(), { records: { length: 0 }, torn: 1 });
  t.equal(statSync(`${path}.damaged`).size, 65 * 1024 * 1024);
  t.throws(() => new AppendLog(join(path, 'below-a-file')).open(), { code: 'JOURNAL_FAILED' });
});
