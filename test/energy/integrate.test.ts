import fc from 'fast-check';
import t from 'tap';
import { Integral, windowEnergy, type Node } from '../../energy/integrate.js';
import { SAMPLE_FLAGS } from '../../drivers/power-sensor.js';

const GAP_MS = 5;
const node = (tMs: number, powerW: number, flags = 0): Node => ({ tMs, powerW, flags });
const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * (1 + Math.abs(a) + Math.abs(b));

/** Samples in order of time, some of them duplicates or after a gap. */
const samples = fc
  .array(
    fc.record({
      stepMs: fc.double({ min: 0.01, max: 2 * GAP_MS, noNaN: true }),
      powerW: fc.double({ min: -5, max: 20, noNaN: true }),
      flags: fc.constantFrom(0, 0, 0, 0, SAMPLE_FLAGS.duplicate, SAMPLE_FLAGS.afterGap),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    let tMs = 0;
    return steps.map(({ stepMs, powerW, flags }) => node((tMs += stepMs), powerW, flags));
  });
const time = fc.double({ min: -10, max: 300, noNaN: true });

t.test('a constant power times the covered time', async (t) => {
  const steady = Array.from({ length: 11 }, (_, i) => node(i, 1024));
  const window = windowEnergy(steady, { fromMs: 2.5, toMs: 7.25 }, GAP_MS);
  t.match(window, { coveredMs: 4.75, samples: 5 });
  t.ok(close(window.energyJ, 4.864));
});

t.test('power is interpolated at the edges of a window', async (t) => {
  const ramp = [node(0, 0), node(2, 2)];
  t.ok(close(windowEnergy(ramp, { fromMs: 0.5, toMs: 1.5 }, GAP_MS).energyJ, 0.001));
  t.ok(close(windowEnergy(ramp, { fromMs: 1, toMs: 2 }, GAP_MS).energyJ, 0.0015));
});

t.test('the time in a gap adds nothing and is not covered', async (t) => {
  const gap = [node(0, 1), node(1, 1), node(11, 1), node(12, 1)];
  t.same(windowEnergy(gap, { fromMs: 0, toMs: 12 }, GAP_MS), { energyJ: 0.002, coveredMs: 2, samples: 3 });
  const marked = [node(0, 1), node(1, 1, SAMPLE_FLAGS.afterGap), node(2, 1)];
  t.equal(windowEnergy(marked, { fromMs: 0, toMs: 2 }, GAP_MS).coveredMs, 1, 'however short it is');
});

t.test('a conversion read twice counts once', async (t) => {
  const twice = [node(0, 0), node(1, 0, SAMPLE_FLAGS.duplicate), node(2, 2)];
  t.ok(close(windowEnergy(twice, { fromMs: 0, toMs: 2 }, GAP_MS).energyJ, 0.002));
});

t.test('nothing is made up outside the samples, or without any', async (t) => {
  t.same(windowEnergy([], { fromMs: 0, toMs: 9 }, GAP_MS), { energyJ: 0, coveredMs: 0, samples: 0 });
  t.equal(windowEnergy([node(0, 5)], { fromMs: 0, toMs: 9 }, GAP_MS).coveredMs, 0);
  const late = [node(5, 1), node(6, 1)];
  t.equal(windowEnergy(late, { fromMs: 0, toMs: 100 }, GAP_MS).coveredMs, 1);
});

t.test('splitting a window never changes the sum', async () => {
  fc.assert(
    fc.property(samples, fc.array(time, { minLength: 2, maxLength: 8 }), (nodes, cuts) => {
      const edges = cuts.sort((a, b) => a - b);
      const whole = windowEnergy(nodes, { fromMs: edges[0]!, toMs: edges.at(-1)! }, GAP_MS);
      const parts = edges.slice(1).map((toMs, i) => windowEnergy(nodes, { fromMs: edges[i]!, toMs }, GAP_MS));
      const sum = (key: keyof typeof whole) => parts.reduce((total, part) => total + part[key], 0);
      return (
        close(whole.energyJ, sum('energyJ')) &&
        close(whole.coveredMs, sum('coveredMs')) &&
        whole.samples === sum('samples')
      );
    }),
  );
});

t.test('order and batching of the samples do not matter', async () => {
  fc.assert(
    fc.property(samples, time, time, fc.infiniteStream(fc.nat(1000)), (nodes, a, b, keys) => {
      const window = { fromMs: Math.min(a, b), toMs: Math.max(a, b) };
      const shuffled = nodes
        .map((each) => ({ each, key: keys.next().value ?? 0 }))
        .sort((x, y) => x.key - y.key)
        .map(({ each }) => each);
      const one = windowEnergy(nodes, window, GAP_MS);
      const other = windowEnergy(shuffled, window, GAP_MS);
      return one.energyJ === other.energyJ && one.coveredMs === other.coveredMs;
    }),
  );
});

t.test('the running total equals the window over everything', async () => {
  fc.assert(
    fc.property(samples, (nodes) => {
      const integral = new Integral({ gapMs: GAP_MS, bridgeMs: 0 });
      for (const each of nodes) integral.add(each);
      const whole = windowEnergy(nodes, { fromMs: -1, toMs: 1e9 }, GAP_MS);
      return close(integral.energyJ, whole.energyJ) && close(integral.coveredMs, whole.coveredMs);
    }),
  );
});

t.test('lost samples break the running total, they do not bridge it', async (t) => {
  const integral = new Integral({ gapMs: GAP_MS, bridgeMs: 0 });
  integral.add(node(0, 1));
  integral.break();
  integral.add(node(1, 1));
  t.equal(integral.energyJ, 0);
});

t.test(
  'the running total bridges what is no longer than the longest gap to bridge, and says so',
  async (t) => {
    const integral = new Integral({ gapMs: 2, bridgeMs: 10 });
    for (const [tMs, powerW] of [
      [0, 2],
      [1, 2],
      [9, 4],
      [30, 4],
      [31, 4],
    ] as const) {
      integral.add(node(tMs, powerW));
    }
    t.ok(close(integral.energyJ, (2 * 1 + 3 * 8 + 4 * 1) / 1e3));
    t.ok(close(integral.coveredMs, 10));
    t.ok(close(integral.bridgedMs, 8), 'the 21 ms are in neither');
  },
);
