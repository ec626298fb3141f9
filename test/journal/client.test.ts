/** The journal's thread, seen from the main thread: nothing that the disk does may hold that up. */
import { spawn } from 'node:child_process';
import { existsSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import {
  JournalClient,
  type ClientCounts,
  type JournalClientOptions,
  type JournaledResult,
} from '../../journal/client.js';
import { Journal } from '../../journal/journal.js';
import { FreezableDisk, withoutFreezing } from '../support/frozen-disk.js';
import { until } from '../support/until.js';

const LIMITS = { sync: 'normal', commitMs: 100, maxAgeMs: 3_600_000, maxBytes: 1e9 } as const;
const HANGING = new URL('./support/hanging-writes.js', import.meta.url);
const RECORDER = fileURLToPath(new URL('./support/recorder.js', import.meta.url));
const PATIENCE_MS = 60_000;

interface Subject {
  client: JournalClient;
  handedOut: JournaledResult[];
  counts: () => ClientCounts;
  worker: () => Worker;
  record: (from: number, to: number) => void;
}

async function subject(
  t: Test,
  dir: string,
  { mode = 'disk', execArgv = [] }: { mode?: 'disk' | 'memory' | 'off'; execArgv?: string[] } = {},
): Promise<Subject> {
  let counts: ClientCounts | undefined;
  let worker: Worker | undefined;
  const options: JournalClientOptions | null = mode === 'off' ? null : { dir, mode, ...LIMITS };
  const client = new JournalClient(
    {
      log: silentLog(),
      clock: systemClock,
      onCounts: (now) => (counts = now),
      createWorker: (url, its) => (worker = new Worker(url, { ...its, execArgv })),
    },
    options,
  );
  await client.start();
  t.teardown(() => client.stop());
  const handedOut: JournaledResult[] = [];
  const record = (from: number, to: number): void => {
    for (let n = from; n <= to; n += 1)
      client.record({ frameId: `f${n}`, createdAtMs: n, topic: 'x', payload: `"${n}"` }, (result) => {
        handedOut.push(result);
      });
  };
  return { client, handedOut, counts: () => counts!, worker: () => worker!, record };
}

function frames(results: readonly { frameId: string }[]): number[] {
  return results.map(({ frameId }) => Number(frameId.slice(1)));
}

function numbers(from: number, to: number): number[] {
  return [...Array(to - from + 1).keys()].map((n) => n + from);
}

/** What a later run finds undelivered. */
function foundLater(dir: string): number[] {
  const journal = new Journal({ dir, sync: 'normal' });
  journal.start();
  const rows = journal.undelivered(0, 100_000);
  journal.stop();
  return frames(rows);
}

t.test('results are handed out once they are in a file, in order, and wait there', async (t) => {
  const dir = t.testdir();
  const { client, handedOut, record } = await subject(t, dir);
  record(1, 100);
  t.same(handedOut, [], 'never at once');
  t.equal(client.held, 100);
  await until('all are handed out', () => handedOut.length === 100, PATIENCE_MS);
  t.same(frames(handedOut), numbers(1, 100));
  t.ok(handedOut.every(({ isRecorded, seq }, at) => isRecorded && seq === at + 1));
  client.markDelivered([1, 2]);
  t.same(frames((await client.undelivered(0, 5)) ?? []), [3, 4, 5, 6, 7]);
  t.equal(client.waiting, 98);
  await client.stop();
  t.same(foundLater(dir), numbers(3, 100));
});

t.test('killed at any instant: what was handed out as recorded is there', async (t) => {
  const dir = t.testdir();
  const said = new Map<string, string>();
  for (let life = 0; life < 3; life += 1) {
    const child = spawn(process.execPath, [RECORDER, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8');
    for await (const chunk of child.stdout as AsyncIterable<string>) {
      text += chunk;
      if (text.split('\n').length > 200 + 111 * life) child.kill('SIGKILL');
    }
    for (const line of text.split('\n').slice(0, -1)) {
      const { frameId, payload } = JSON.parse(line) as { frameId: string; payload: string };
      said.set(frameId, payload);
    }
  }
  const journal = new Journal({ dir, sync: 'normal' });
  t.equal(journal.start(), 'unclean');
  const found = new Map(journal.undelivered(0, 1e6).map(({ frameId, payload }) => [frameId, payload]));
  journal.stop();
  const lost = [...said].filter(([frameId, payload]) => found.get(frameId) !== payload);
  t.ok(said.size > 600);
  t.same(lost, []);
});

/** While the disk hangs, results come out all the same, the main thread goes on, and what was held up is recorded later. */
async function hangs(t: Test, dir: string, { client, counts, handedOut, record }: Subject, disk: Disk) {
  record(1, 10);
  await until('the first ones are recorded', () => handedOut.length === 10, PATIENCE_MS);
  t.equal(client.problem, null);
  disk.hang();
  record(11, 20);
  let turns = 0;
  const turning = setInterval(() => (turns += 1), 1);
  await until('the hanging disk is noticed', () => handedOut.length === 20, PATIENCE_MS);
  clearInterval(turning);
  t.ok(turns > 20, `meanwhile the main thread went round ${turns} times`);
  t.match(client.problem, /sent unjournaled: the disk of .* has not answered/);
  t.ok(counts().unjournaled >= 10);
  t.equal(await client.undelivered(0, 10), null, 'nobody waits for what it cannot give');
  record(21, 6000);
  t.equal(handedOut.length, 6000, 'from now on at once');
  t.same(frames(handedOut), numbers(1, 6000), 'in order');
  const known = handedOut.filter(({ seq }) => seq !== null);
  t.ok(known.length <= 4096 + 20, `${known.length} of them wait for the disk: memory is bounded`);
  t.ok(handedOut.slice(10).every(({ isRecorded }) => !isRecorded));
  client.markDelivered([11, 12]);
  disk.go();
  await until('the journal works again', () => client.problem === null, PATIENCE_MS);
  await until('all that waited is recorded', () => known.every(({ isRecorded }) => isRecorded), PATIENCE_MS);
  record(6001, 6001);
  await until('as before', () => handedOut[6000]?.isRecorded === true, PATIENCE_MS);
  t.equal(handedOut.length, 6001, 'each once');
  await client.stop();
  const expected = [...frames(known), 6001].filter((n) => n !== 11 && n !== 12);
  t.same(foundLater(dir), expected, 'and the next run has what the broker did not take meanwhile');
}

interface Disk {
  hang(): void;
  go(): void;
}

t.test(
  'a hanging disk holds up no result and never the main thread',
  { skip: withoutFreezing() },
  async (t) => {
    const disk = new FreezableDisk();
    const dir = join(disk.dir, 'data');
    try {
      await hangs(t, dir, await subject(t, dir), { hang: () => disk.freeze(), go: () => disk.thaw() });
    } finally {
      disk.unmount();
    }
  },
);

t.test('a write that does not come back holds up no result and never the main thread', async (t) => {
  const [dir, file] = [join(t.testdir(), 'data'), join(t.testdirName, 'hangs')];
  const hanging = new URL(HANGING);
  hanging.searchParams.set('while', file);
  const its = await subject(t, dir, { execArgv: ['--import', hanging.href] });
  await hangs(t, dir, its, { hang: () => writeFileSync(file, ''), go: () => rmSync(file) });
});

t.test('a disk that hangs at the start holds up the start for seconds only', async (t) => {
  const [dir, file] = [join(t.testdir(), 'data'), join(t.testdirName, 'hangs')];
  const first = new Journal({ dir, sync: 'normal' });
  first.start();
  first.append({ frameId: 'f1', createdAtMs: 1, topic: 'x', payload: '"1"' });
  first.stop();
  const hanging = new URL(HANGING);
  hanging.searchParams.set('while', file);
  writeFileSync(file, '');
  const { client, handedOut, record } = await subject(t, dir, { execArgv: ['--import', hanging.href] });
  t.match(client.problem, /has not answered/);
  record(2, 2);
  t.match(handedOut, [{ seq: null, isRecorded: false }]);
  rmSync(file);
  await until('the journal is open', () => client.problem === null, PATIENCE_MS);
  record(3, 3);
  await until('it records', () => handedOut.length === 2, PATIENCE_MS);
  t.match(handedOut[1], { seq: 2, isRecorded: true });
});

t.test('a thread that dies costs durability until there is a new one, and numbers go on', async (t) => {
  const dir = t.testdir();
  const { client, counts, handedOut, record, worker } = await subject(t, dir);
  record(1, 5);
  await until('they are recorded', () => handedOut.length === 5, PATIENCE_MS);
  await worker().terminate();
  await until('its end is noticed', () => client.problem !== null, PATIENCE_MS);
  t.match(client.problem, /the journal's thread ended/);
  record(6, 7);
  t.same(frames(handedOut), numbers(1, 7));
  t.equal(counts().unjournaled, 2);
  await until('there is a new one', () => client.problem === null, PATIENCE_MS);
  record(8, 8);
  await until('it records', () => handedOut.length === 8, PATIENCE_MS);
  t.match(handedOut[7], { isRecorded: true, seq: 6 });
  await client.stop();
  t.same(foundLater(dir), [1, 2, 3, 4, 5, 8]);
});

t.test('what a cut file has lost and memory still has is recorded again, the rest counted', async (t) => {
  const dir = t.testdir();
  const { client, counts, handedOut, record } = await subject(t, dir);
  record(1, 60);
  await until('all are recorded', () => handedOut.length === 60, PATIENCE_MS);
  client.heldRows = () =>
    handedOut.slice(-20).map(({ frameId, createdAtMs, topic, payload, seq }) => ({
      frameId,
      createdAtMs,
      topic,
      payload,
      seq: seq ?? 0,
    }));
  const append = join(dir, 'journal.append');
  const committed = (): boolean => statSync(append).size === 0;
  await until('all are in SQLite', committed, PATIENCE_MS);
  truncateSync(join(dir, 'journal.sqlite-wal'));
  await until('it is noticed and counted', () => counts().givenUp['journal-lost'] > 0, PATIENCE_MS);
  t.match(counts(), { journalsLost: 1, givenUp: { 'journal-lost': 40 } });
  t.match(client.notice, /40 results that waited for the broker are lost/);
  await client.stop();
  t.same(foundLater(dir), numbers(41, 60));
});

t.test('mode memory writes nothing to any file, and keeps what waits', async (t) => {
  const dir = join(t.testdir(), 'data');
  const { client, counts, handedOut, record } = await subject(t, dir, { mode: 'memory' });
  record(1, 3);
  await until('all are taken', () => handedOut.length === 3, PATIENCE_MS);
  client.markDelivered([1]);
  t.same(frames((await client.undelivered(0, 9)) ?? []), [2, 3]);
  t.notOk(existsSync(dir), 'not even the folder is made');
  t.equal(client.problem, null);
  t.equal(counts().unjournaled, 0, 'no file is no loss where none is wanted');
});

t.test('mode off keeps nothing, and is no failure', async (t) => {
  const dir = join(t.testdir(), 'data');
  const { client, handedOut, record } = await subject(t, dir, { mode: 'off' });
  record(1, 1);
  t.match(handedOut, [{ seq: null, isRecorded: false }]);
  t.same(await client.undelivered(0, 9), []);
  t.match(client, { problem: null, notice: null, lastStop: 'unknown' });
  t.notOk(existsSync(dir));
});

t.test('a folder that another process uses is refused at the start', async (t) => {
  const dir = t.testdir();
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./support/holder.js', import.meta.url)), dir],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await t.rejects(subject(t, dir), { code: 'DATA_DIR_IN_USE', details: { pid: child.pid } });
});
