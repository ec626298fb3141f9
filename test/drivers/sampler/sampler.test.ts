import fc from 'fast-check';
import t from 'tap';
import { EdgemuxError, type ErrorCode } from '../../../common/errors.js';
import { checkBusBudget, busUse } from '../../../drivers/sampler/rate-budget.js';
import { SAMPLE_FLAGS, type PowerSample, type PowerSensor } from '../../../drivers/power-sensor.js';
import { runSamplerLoop, type RailChange } from '../../../drivers/sampler/sampler-loop.js';
import { SampleRing } from '../../../drivers/sampler/sample-ring.js';
import { TestClock, testRail } from '../fakes.js';

const sampleAt = (tMs: number): PowerSample => ({ tMs, powerW: tMs, voltageV: 1, currentA: tMs, flags: 0 });

t.test('a ring gives back what was written, and says when it was overwritten', async () => {
  fc.assert(
    fc.property(fc.nat(300), (count) => {
      const ring = new SampleRing(SampleRing.allocate(100, 1));
      const other = new SampleRing(ring.buffer);
      for (let i = 0; i < count; i += 1) ring.push(sampleAt(i));
      for (let i = 0; i < count; i += 1) {
        const sample = other.at(i);
        if (i >= other.oldest ? sample?.tMs !== i : sample !== null) return false;
      }
      return other.at(count) === null && other.head === count && count - other.oldest <= 99;
    }),
  );
});

t.test('a window has the samples inside and one on either side', async (t) => {
  const ring = new SampleRing(SampleRing.allocate(100, 1));
  for (let i = 0; i < 250; i += 1) ring.push(sampleAt(i));
  t.same(
    ring.window(200.5, 203).map(({ tMs }) => tMs),
    [200, 201, 202, 203, 204],
  );
  t.equal(ring.indexAt(-5), ring.oldest);
  t.equal(ring.indexAt(1e9), ring.head);
  t.same(
    ring.window(260, 270).map(({ tMs }) => tMs),
    [249],
  );
});

/** Runs the loop on a test clock; `sample` is asked at each due time. */
function runLoop(
  endMs: number,
  rails: { periodMs: number; sample: (nowMs: number) => PowerSample | null }[],
): { rings: SampleRing[]; changes: (RailChange & { atMs: number })[]; waits: number } {
  const clock = new TestClock(0);
  const changes: (RailChange & { atMs: number })[] = [];
  const rings = rails.map(() => new SampleRing(SampleRing.allocate(1000, 10)));
  let waits = 0;
  runSamplerLoop(
    {
      clock,
      changed: (change) => changes.push({ ...change, atMs: clock.nowMs }),
      wait: (ms) => {
        waits += 1;
        clock.nowMs += ms;
        return clock.nowMs >= endMs;
      },
    },
    rails.map(({ periodMs, sample }, i) => {
      const sensor: PowerSensor = {
        rail: testRail(),
        simulated: false,
        counters: { retries: 0, restored: 0 },
        start: () => undefined,
        stop: () => undefined,
        sample: () => sample(clock.nowMs),
      };
      return { sensor, ring: rings[i]!, periodMs, gapMs: 5 * periodMs };
    }),
  );
  return { rings, changes, waits };
}

function failing(code: ErrorCode): never {
  throw new EdgemuxError(code, `test ${code}`);
}

t.test('rails of the same rate share their wake-ups; others keep their own', async (t) => {
  const { rings, waits } = runLoop(100, [
    { periodMs: 1, sample: sampleAt },
    { periodMs: 1, sample: sampleAt },
    { periodMs: 10, sample: sampleAt },
  ]);
  t.same(
    rings.map((ring) => ring.head),
    [100, 100, 10],
  );
  t.equal(waits, 101);
});

t.test('missing samples make one gap, marked on the sample after it', async (t) => {
  const { rings } = runLoop(100, [
    { periodMs: 1, sample: (now) => (now > 20 && now <= 40 ? null : sampleAt(now)) },
  ]);
  const ring = rings[0]!;
  t.equal(ring.stat('gaps'), 1);
  t.equal(ring.stat('gapMs'), 21);
  const flagged = ring.window(0, 1000).filter(({ flags }) => (flags & SAMPLE_FLAGS.afterGap) !== 0);
  t.same(
    flagged.map(({ tMs }) => tMs),
    [41],
  );
});

t.test('a failing rail is tried less and less often, reported once, and recovers alone', async (t) => {
  let tries = 0;
  const { rings, changes } = runLoop(5000, [
    {
      periodMs: 1,
      sample: (now) => {
        if (now < 100 || now >= 2100) return sampleAt(now);
        tries += 1;
        return failing('CHIP_NOT_ANSWERING');
      },
    },
    { periodMs: 1, sample: sampleAt },
  ]);
  t.ok(tries < 25, `${tries} tries in 2 s`);
  t.same(
    changes.map(({ error }) => error?.code ?? null),
    ['CHIP_NOT_ANSWERING', null],
  );
  t.ok(changes[1]!.atMs < 2100 + 251, 'measures again within a quarter of a second');
  t.equal(rings[0]?.stat('gaps'), 1);
  t.equal(rings[1]?.head, 5000, 'the other rail misses nothing');
});

t.test('a single failed reading is no state worth reporting', async (t) => {
  const { changes, rings } = runLoop(100, [
    { periodMs: 1, sample: (now) => (now === 50 ? failing('BUS_ARBITRATION_LOST') : sampleAt(now)) },
  ]);
  t.same(changes, []);
  t.equal(rings[0]?.stat('errors'), 1);
});

t.test('what only a person can mend is tried every five seconds', async (t) => {
  let tries = 0;
  runLoop(20_000, [
    {
      periodMs: 1,
      sample: () => {
        tries += 1;
        return failing('BUS_FORBIDDEN');
      },
    },
  ]);
  t.equal(tries, 4);
});

t.test('the budget follows bus clock and number of rails', async (t) => {
  const rails = (count: number, rateHz: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `r${i}`, rateHz, transfers: { reads: 2, writes: 0 } }));
  const bus = { name: 'i2c-1', busHz: 100_000 };
  t.ok(Math.abs(busUse(100_000, rails(1, 1041)) - 1) < 0.001, '1041 Hz at 100 kHz');
  t.ok(Math.abs(busUse(400_000, rails(1, 4166)) - 1) < 0.001, '4166 Hz at 400 kHz');
  t.ok(checkBusBudget(bus, rails(1, 1000)) < 1);
  t.ok(checkBusBudget({ ...bus, busHz: 400_000 }, rails(3, 1000)) < 0.8);
  t.throws(() => checkBusBudget(bus, rails(3, 1000)), {
    code: 'RAIL_RATE_IMPOSSIBLE',
    message: /288 % .*lower the rates to 347 Hz.*bus_clk_rate/,
  });
});
