import t from 'tap';
import {
  formatReport,
  meetsTarget,
  metric,
  spread,
  type BenchReport,
} from '../../../scripts/bench/report.js';

const MACHINE = {
  cpu: 'Made-up 9000',
  cores: 2,
  memoryBytes: 1,
  os: 'None 1',
  kernel: '6',
  arch: 'x64',
  node: 'v20',
};

t.test('a spread is the smallest, the middle and the largest figure', async (t) => {
  t.same(spread([3, 1, 2]), { min: 1, median: 2, max: 3 });
  t.same(spread([4, 1, 2, 3]), { min: 1, median: 2.5, max: 4 });
  t.same(spread([7]), { min: 7, median: 7, max: 7 });
});

t.test('there is no spread of nothing, nor of what is no number', async (t) => {
  t.throws(() => spread([]), RangeError);
  t.throws(() => spread([1, NaN]), RangeError);
  t.throws(() => spread([1, Infinity]), RangeError);
});

t.test('ratios are taken round by round, not of the medians', async (t) => {
  const made = metric({ name: 'm', unit: 'ms', values: [10, 40, 30], baselines: [10, 10, 20], against: 'b' });
  t.same(made.value, { min: 10, median: 30, max: 40 });
  t.equal(made.baseline, 10);
  t.same(made.ratio, { min: 1, median: 1.5, max: 4 });
});

t.test('a metric without baselines has neither baseline nor ratio', async (t) => {
  const made = metric({ name: 'm', unit: 'ms', values: [1, 2] });
  t.same(made, {
    name: 'm',
    unit: 'ms',
    value: { min: 1, median: 1.5, max: 2 },
    baseline: null,
    ratio: null,
  });
});

t.test('rounds without their baseline, and baselines of zero, are refused', async (t) => {
  t.throws(() => metric({ name: 'm', unit: 'ms', values: [1, 2], baselines: [1] }), RangeError);
  t.throws(() => metric({ name: 'm', unit: 'ms', values: [1], baselines: [0] }), RangeError);
});

t.test('a target is held against the median ratio, or the median value where there is none', async (t) => {
  const parts = { name: 'm', unit: 'ms', values: [10, 11, 30], baselines: [10, 10, 10] };
  t.equal(meetsTarget(metric({ ...parts, target: { atMost: 1.1 } })), true);
  t.equal(meetsTarget(metric({ ...parts, target: { atMost: 1.09 } })), false);
  t.equal(meetsTarget(metric({ ...parts, target: { atLeast: 1.2 } })), false);
  t.equal(meetsTarget(metric({ name: 'm', unit: 'ms', values: [5], target: { atMost: 5 } })), true);
  t.equal(meetsTarget(metric(parts)), null);
});

t.test('the table for people names what was missed, and against what', async (t) => {
  const report: BenchReport = {
    name: 'made-up',
    machine: MACHINE,
    runs: 2,
    setup: { broker: 'none', threads: 1 },
    metrics: [
      metric({
        name: 'latency',
        unit: 'ms',
        values: [22, 24],
        baselines: [20, 20],
        against: 'the floor',
        target: { atMost: 1.1 },
      }),
      metric({ name: 'floor', unit: 'ms', values: [1234.5, 0.1234] }),
    ],
  };
  const text = formatReport(report);
  t.match(text, /^made-up: 2 rounds on Made-up 9000, 2 cores/);
  t.match(text, 'broker none, threads 1');
  t.match(text, /latency +ms +23\.00 +22\.00 +24\.00 +20\.00 +1\.150 +1\.100 +1\.200 +<= 1\.1 MISSED/);
  t.match(text, /floor +ms +617\.3 +0\.123 +1235/);
  t.match(text, 'latency: against the floor');
});
