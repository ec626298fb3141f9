import t from 'tap';
import fc from 'fast-check';
import {
  cloudOnlyCost,
  groupCost,
  hybridCloudCost,
  hybridCost,
  hybridLocalCost,
  mobileOnlyCost,
  policyCost,
  type PairCosts,
} from '../../../lab/eval/cost.js';

const cost = fc.double({ min: 0, max: 1e6, noNaN: true });
const costs = fc.record({ mux: cost, local: cost, upload: cost, cloud: cost, download: cost });
const share = fc.double({ min: 0, max: 1, noNaN: true });
const close = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));

t.test('eq. 13 is eq. 12 when nothing is kept and eq. 11 when everything is', (t) => {
  fc.assert(
    fc.property(
      costs,
      (c) => close(hybridCost(c, 0), hybridCloudCost(c)) && close(hybridCost(c, 1), hybridLocalCost(c)),
    ),
  );
  t.end();
});

t.test('eq. 13 lies between eq. 11 and eq. 12 and is linear in the share', (t) => {
  fc.assert(
    fc.property(costs, share, (c, x) => {
      const [a, b] = [hybridLocalCost(c), hybridCloudCost(c)];
      const mixed = hybridCost(c, x);
      const slack = 1e-9 * (a + b + 1);
      return (
        mixed >= Math.min(a, b) - slack && mixed <= Math.max(a, b) + slack && close(mixed, b + x * (a - b))
      );
    }),
  );
  t.end();
});

t.test('a free mux makes eq. 11 and 12 the costs of eq. 9 and 10', (t) => {
  fc.assert(
    fc.property(costs, (c) => {
      const free: PairCosts = { ...c, mux: 0 };
      return (
        close(hybridLocalCost(free), mobileOnlyCost(c)) && close(hybridCloudCost(free), cloudOnlyCost(c))
      );
    }),
  );
  t.end();
});

t.test('the general policy cost is eq. 13 for the pair rule', (t) => {
  fc.assert(
    fc.property(costs, share, (c, x) =>
      close(policyCost(c, { mux: 1, local: x, offloaded: 1 - x }), hybridCost(c, x)),
    ),
  );
  t.end();
});

t.test('eq. 14 with one model called is that model, and grows with every further call', (t) => {
  fc.assert(
    fc.property(fc.array(cost, { minLength: 1, maxLength: 6 }), fc.nat(5), (all, pick) => {
      const i = pick % all.length;
      const single = groupCost(
        all.map((_, k) => (k === i ? 1 : 0)),
        all,
      );
      const everything = groupCost(
        all.map(() => 1),
        all,
      );
      return close(single, all[i]!) && everything >= single - 1e-6;
    }),
  );
  t.throws(() => groupCost([0.5], [1, 2]), RangeError);
  t.throws(() => groupCost([1.5], [1]), RangeError);
  t.throws(() => hybridCost({ mux: 0, local: 0, upload: 0, cloud: 0, download: 0 }, Number.NaN), RangeError);
  t.end();
});

// Table I prints totals only: the offloaded part of eq. 10 stands for upload + cloud + download.
const printed = [
  { unit: 'GFLOPs', mobile: 0.299, cloud: 16.4, hybrid: 5.75, tolerance: 0.001 },
  { unit: 'ms', mobile: 3.53, cloud: 13.1, hybrid: 10.12, tolerance: 0.01 },
  { unit: 'mJ', mobile: 12, cloud: 110, hybrid: 55.36, tolerance: 0.01 },
];
const LOCAL_SHARE = 0.68;

for (const { unit, mobile, cloud, hybrid, tolerance } of printed) {
  t.test(
    `Table I in ${unit} holds only where the mux costs a whole local pass, not where it is free`,
    (t) => {
      const table: PairCosts = { mux: 0, local: mobile, upload: 0, cloud, download: 0 };
      const residual = hybrid - hybridCost(table, LOCAL_SHARE);
      t.ok(Math.abs(residual - mobile) < tolerance, `the residual ${residual} is mobile-only's ${mobile}`);
      t.ok(Math.abs(hybridCost({ ...table, mux: mobile }, LOCAL_SHARE) - hybrid) < tolerance);
      t.end();
    },
  );
}

t.test('Table II: eq. 14 gives the printed latency of hybrid-single and 97.5 % of its FLOPs', (t) => {
  const called = [0.1056, 0.188, 0.218, 0.148, 0.158, 0.1824];
  const latencyMs = groupCost(called, [6.8, 3.0, 5.5, 8.9, 11.3, 11.8]);
  const gflops = groupCost(called, [0.655, 0.299, 0.313, 4.08, 11.5, 16.4]);
  t.ok(Math.abs(latencyMs - 7.73) < 0.01, `${latencyMs} ms`);
  t.ok(Math.abs(gflops - 5.606) < 0.001, `${gflops} G, printed 5.75 G`);
  t.ok(Math.abs(16.4 / 5.75 - 2.85) < 0.005, 'the claim of 2.85 times fewer FLOPs');
  t.end();
});
