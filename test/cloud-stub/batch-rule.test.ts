import t from 'tap';
import { anySize, batchSize, nextBatch, type Waiting } from '../../cloud-stub/batch-rule.js';
import { Pace } from '../../cloud-stub/pace.js';

const lane = (count: number, oldestMs = 0, first = false): Waiting => ({ count, oldestMs, first });
const NOW = { sizes: [1, 2, 4, 8], delayMs: 0 };
const PATIENT = { sizes: [1, 2, 4, 8], delayMs: 10 };

t.test('without a delay the mux goes first, then whoever has waited longest', (t) => {
  t.same(nextBatch([], NOW, 5), { kind: 'wait', waitMs: null });
  t.same(nextBatch([lane(0), lane(0)], NOW, 5), { kind: 'wait', waitMs: null });
  t.same(nextBatch([lane(3, 2), lane(1, 1)], NOW, 5), { kind: 'run', lane: 1, count: 1 });
  t.same(nextBatch([lane(3, 2), lane(1, 4, true)], NOW, 5), { kind: 'run', lane: 1, count: 1 });
  t.end();
});

t.test('a batch has the largest size that is filled', (t) => {
  t.same(
    [1, 2, 3, 4, 7, 8, 100].map((n) => batchSize(n, NOW)),
    [1, 2, 2, 4, 4, 8, 8],
  );
  t.same(
    [1, 5].map((n) => batchSize(n, { sizes: [1] })),
    [1, 1],
  );
  t.same(
    [1, 3, 7, 9].map((n) => batchSize(n, { sizes: anySize(NOW.sizes) })),
    [1, 3, 7, 8],
  );
  t.end();
});

t.test('with a delay a lane waits for company, no longer than that, and not when it is full', (t) => {
  t.same(nextBatch([lane(3, 100)], PATIENT, 104), { kind: 'wait', waitMs: 6 });
  t.same(nextBatch([lane(3, 100), lane(1, 97)], PATIENT, 104), { kind: 'wait', waitMs: 3 });
  t.same(nextBatch([lane(3, 100)], PATIENT, 110), { kind: 'run', lane: 0, count: 2 });
  t.same(nextBatch([lane(9, 104)], PATIENT, 104), { kind: 'run', lane: 0, count: 8 });
  t.end();
});

t.test('the pace is busy time over requests, bursts or not, and idle time does not count', (t) => {
  const pace = new Pace();
  t.ok(pace.canKeep(1, 1000), 'unknown at first');
  for (let round = 0; round < 100; round += 1) {
    const atMs = round * 1000;
    pace.begin(atMs);
    for (let n = 0; n < 8; n += 1) pace.end(atMs + 80, n < 7);
  }
  t.ok(Math.abs(pace.unitMs - 10) < 1, `8 requests in 80 ms each second: ${pace.unitMs} ms`);
  t.ok(pace.canKeep(100, 4));
  t.notOk(pace.canKeep(100, 20));
  t.end();
});
