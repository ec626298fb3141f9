import t from 'tap';
import { InWork } from '../../cloud-stub/in-work.js';
import { Pace, Paces } from '../../cloud-stub/pace.js';

/** `n` requests one after the other, each so long. Returns the time at the end. */
function work(pace: Pace, n: number, requestMs: number, fromMs = 0): number {
  let nowMs = fromMs;
  for (let i = 0; i < n; i += 1) {
    pace.begin(nowMs);
    nowMs += requestMs;
    pace.end(nowMs, false);
  }
  return nowMs;
}

t.test('the pace is busy time per request; being idle costs nothing', async (t) => {
  const pace = new Pace();
  t.equal(pace.unitMs, 0);
  const endMs = work(pace, 100, 4);
  work(pace, 100, 4, endMs + 60_000);
  t.ok(Math.abs(pace.unitMs - 4) < 1e-9);
});

t.test('a batch that ends at once counts as its requests, within a fifth', async (t) => {
  const pace = new Pace();
  for (let batch = 0; batch < 20; batch += 1) {
    pace.begin(batch * 32);
    for (let n = 1; n <= 16; n += 1) pace.end((batch + 1) * 32, n < 16);
  }
  t.ok(Math.abs(pace.unitMs - 2) < 0.4, `${pace.unitMs} ms`);
});

t.test('a request is refused when those before it take too much of its budget', async (t) => {
  const pace = new Pace();
  work(pace, 100, 10);
  t.ok(pace.canKeep(200, 10));
  t.notOk(pace.canKeep(200, 20));
});

t.test('a server that was frozen takes requests again', async (t) => {
  const pace = new Pace();
  const endMs = work(pace, 100, 4);
  pace.begin(endMs);
  pace.end(endMs + 60_000, false);
  t.ok(pace.canKeep(500, 5), `${pace.unitMs} ms`);
});

t.test('the first in line is always tried', async (t) => {
  const pace = new Pace();
  work(pace, 100, 1000);
  t.ok(pace.canKeep(10, 0));
  t.notOk(pace.canKeep(10, 1));
});

t.test('the pace is by work: a dear request does not make the cheap ones look slow', async (t) => {
  const pace = new Pace();
  let nowMs = work(pace, 50, 10);
  for (let i = 0; i < 20; i += 1) {
    pace.begin(nowMs);
    pace.end((nowMs += 100), false, 10);
  }
  t.ok(Math.abs(pace.unitMs - 10) < 1e-9);
  t.ok(pace.canKeep(200, 12));
  t.notOk(pace.canKeep(200, 5, 10));
});

t.test('costly requests in work leave the others their time, and wait for each other', async (t) => {
  const [paces, inWork] = [new Paces(), new InWork()];
  const usual = { decodeMs: 0, costly: false };
  const costly = { decodeMs: 490, costly: true };
  const none = { requests: 0, ms: 0, costlyMs: 0 };
  let nowMs = 0;
  for (const [one, ms] of [
    [usual, 10],
    [costly, 1000],
  ] as const) {
    for (let i = 0; i < 50; i += 1) {
      paces.begin(nowMs, one);
      paces.end((nowMs += ms), one, inWork);
    }
  }
  inWork.begin('bomb', costly);
  t.ok(paces.canKeep(500, usual, { requests: 11, ms: 100, costlyMs: 500 }, inWork));
  t.notOk(paces.canKeep(500, costly, none, inWork), 'a second behind the first');
  t.notOk(paces.canKeep(2500, costly, none, inWork), 'two seconds, of which 1.75 may be used');
  t.ok(paces.canKeep(3000, costly, none, inWork));
  inWork.end('bomb', costly);
  t.ok(paces.canKeep(500, costly, none, inWork), 'the first in line is tried');
});
