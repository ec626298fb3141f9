import t from 'tap';
import { Pace } from '../../cloud-stub/pace.js';

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
  t.equal(pace.requestMs, 0);
  const endMs = work(pace, 100, 4);
  work(pace, 100, 4, endMs + 60_000);
  t.ok(Math.abs(pace.requestMs - 4) < 1e-9);
});

t.test('a batch that ends at once counts as its requests, within a fifth', async (t) => {
  const pace = new Pace();
  for (let batch = 0; batch < 20; batch += 1) {
    pace.begin(batch * 32);
    for (let n = 1; n <= 16; n += 1) pace.end((batch + 1) * 32, n < 16);
  }
  t.ok(Math.abs(pace.requestMs - 2) < 0.4, `${pace.requestMs} ms`);
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
  t.ok(pace.canKeep(500, 5), `${pace.requestMs} ms`);
});

t.test('the first in line is always tried', async (t) => {
  const pace = new Pace();
  work(pace, 100, 1000);
  t.ok(pace.canKeep(10, 0));
  t.notOk(pace.canKeep(10, 1));
});
