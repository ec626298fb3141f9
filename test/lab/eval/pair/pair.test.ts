import t from 'tap';
import fc from 'fast-check';
import { Bootstrap } from '../../../../lab/eval/statistics/bootstrap.js';
import type { Calibrated } from '../../../../lab/eval/pair/calibrated.js';
import { Choices, costOf, targetOn } from '../../../../lab/eval/choices.js';
import { costTables, GAP_SHARES, UPLOADS } from '../../../../lab/eval/pair/device-costs.js';
import { shareOf } from '../../../../lab/eval/statistics/metrics.js';
import { applyPolicy, sharesOf, type Shares } from '../../../../lab/eval/pair/pair.js';
import { offloading, oracleCurve, policyCurve, randomCurve } from '../../../../lab/eval/pair/pair-curves.js';
import { bases, cutsOf, leastOffloading, sharesAt, sweepOf } from '../../../../lab/eval/pair/cuts.js';
import { RANKED_MODES } from '../../../../mux/rules/policies/registry.js';
import { madeUpPair } from '../support/made-up.js';

const NOTHING: Calibrated = { shipped: 'cascade', modes: {}, forGap: () => null, fusing: {} };
const near = (a: number, b: number) => Math.abs(a - b) < 1e-9;
const same = (a: Shares, b: Shares) =>
  (Object.keys(a) as (keyof Shares)[]).every((key) => near(a[key] / 1, b[key] / 1));

t.test('the two ends: all on the device, all on the server', (t) => {
  const pair = madeUpPair(300, 1);
  t.match(sharesOf(pair, applyPolicy(pair, 'mobile-only', {})), {
    accuracy: shareOf(pair.local.right),
    offloadShare: 0,
    localShare: 1,
    muxShare: 0,
    flops: 10,
  });
  t.match(sharesOf(pair, applyPolicy(pair, 'cloud-only', {})), {
    accuracy: shareOf(pair.cloud.right),
    offloadShare: 1,
    localShare: 0,
    muxShare: 0,
    flops: 100,
  });
  const mux = sharesOf(pair, applyPolicy(pair, 'mux', { mux: 0.5 }));
  t.ok(near(mux.flops, 3 + mux.localShare * 10 + mux.offloadShare * 100), 'eq. 13 in FLOPs');
  t.ok(near(mux.localShare + mux.offloadShare, 1));
  t.end();
});

t.test('a sweep says of each cut what the daemon’s own rule does at that threshold', (t) => {
  const setting = fc.record({
    seed: fc.integer({ min: 0, max: 1000 }),
    mode: fc.constantFrom(...RANKED_MODES),
    earlier: fc.double({ min: 0.3, max: 1, noNaN: true }),
    fuseMux: fc.constantFrom(0, 0.5, 1),
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });
  fc.assert(
    fc.property(setting, ({ seed, mode, earlier, fuseMux, at }) => {
      const pair = madeUpPair(60, seed);
      const base = {
        mux: {},
        cascade: {},
        'two-stage': { offload: earlier },
        'three-tier': { answer: earlier, fuseLocal: 1, fuseMux },
      }[mode];
      const sweep = sweepOf(pair, mode, base);
      const cuts = cutsOf(sweep);
      const cut = cuts[Math.floor(at * cuts.length)]!;
      return same(sharesAt(pair, sweep, cut), sharesOf(pair, applyPolicy(pair, mode, cut.thresholds)));
    }),
    { numRuns: 200 },
  );
  t.end();
});

t.test('the least offloading reaches the target, and keeping one more would not', (t) => {
  const pair = madeUpPair(400, 3);
  const cuts = cutsOf(sweepOf(pair, 'cascade', {}));
  const target = targetOn(pair, 0.9);
  const found = leastOffloading(cuts, target)!;
  t.ok(found.accuracy >= target - 1e-9);
  t.ok(cuts.filter(({ kept }) => kept > found.kept).every(({ accuracy }) => accuracy < target));
  t.equal(leastOffloading(cuts, 1.01), null);
  t.end();
});

t.test('no ranking beats the oracle, and random goes straight from local to cloud', (t) => {
  const pair = madeUpPair(400, 4);
  const oracle = oracleCurve(pair).points;
  const best = (share: number) =>
    Math.max(
      ...oracle.filter(({ offloadShare }) => Math.abs(offloadShare - share) < 0.0051).map((p) => p.accuracy),
    );
  for (const mode of ['mux', 'cascade'] as const) {
    for (const point of policyCurve(pair, mode, {}, '').points) {
      t.ok(point.accuracy <= best(point.offloadShare) + 1 / 100, `${mode} at ${point.offloadShare}`);
    }
  }
  const random = randomCurve(pair).points;
  t.ok(
    near(random[0]!.accuracy, shareOf(pair.local.right)) &&
      near(random.at(-1)!.accuracy, shareOf(pair.cloud.right)),
  );
  t.ok(near(random[50]!.accuracy, targetOn(pair, 0.5)));
  t.end();
});

t.test('at a share of offloading every policy sends exactly that many, whatever its scores', (t) => {
  const pair = madeUpPair(200, 5);
  for (const mode of ['mux', 'cascade', 'three-tier'] as const) {
    const shares = sharesOf(pair, offloading(pair, mode, { fuseLocal: 1, fuseMux: 0.5 }, 0.1));
    t.equal(shares.offloadShare, 0.1, mode);
    t.equal(shares.localShare, mode === 'mux' ? 0.9 : 1);
    t.equal(shares.muxShare, mode === 'cascade' ? 0 : 1);
  }
  t.end();
});

t.test('costs in local runs: mux, local and upload by how often each happens', (t) => {
  const shares = { muxShare: 1, localShare: 0.5, offloadShare: 0.25 };
  t.ok(near(costOf(shares, { mux: 0.1, upload: 4 }), 0.1 + 0.5 + 1));
  t.end();
});

t.test(
  'calibrated thresholds are taken as they are; without any, each half is judged by the other’s',
  (t) => {
    const pair = madeUpPair(400, 6);
    const given = { ...NOTHING, forGap: () => ({ confidence: 0.6 }) };
    const calibrated = new Choices(pair, given, 1).at('cascade', 0.9, { mux: 0.1, upload: 4 })!;
    t.match(calibrated, { basis: 'calibration', thresholds: [{ confidence: 0.6 }] });
    t.same(calibrated.outcome, applyPolicy(pair, 'cascade', { confidence: 0.6 }));
    const choices = new Choices(pair, NOTHING, 1);
    const crossed = choices.at('cascade', 0.9, { mux: 0.1, upload: 4 })!;
    t.equal(crossed.basis, 'cross-fit');
    const [a, b] = crossed.thresholds.map((thresholds) => applyPolicy(pair, 'cascade', thresholds));
    const either = crossed.outcome.offloaded.every((o, i) => o === a!.offloaded[i] || o === b!.offloaded[i]);
    t.ok(either && crossed.thresholds.length === 2);
    t.end();
  },
);

t.test('cost tables: every wanted accuracy and upload, the cheapest named among those that reach it', (t) => {
  const pair = madeUpPair(600, 7);
  const tables = costTables(pair, NOTHING, new Bootstrap(600, 1), 1);
  t.equal(tables.length, 2 * GAP_SHARES.length * UPLOADS.length);
  for (const { rows, cheapest, upload, mux, muxFrom, gapShare } of tables) {
    t.ok(near(mux ?? 0, 0.3), `mux by ${muxFrom}`);
    const cost = (name: string) => rows.find(({ policy }) => policy === name)?.cost;
    t.equal(cost('mobile-only'), 1);
    t.equal(cost('cloud-only'), upload);
    const enough = rows.filter(({ overTarget }) => overTarget.high >= 0);
    t.equal(cost(cheapest!), Math.min(...enough.map((row) => row.cost)), `${gapShare} ${upload}`);
    t.equal(rows.find(({ policy }) => policy === 'cascade')?.savingOverCascade, null);
  }
  t.end();
});

t.test('a pair without a mux has the cascade and no price for a mux', (t) => {
  const tables = costTables({ ...madeUpPair(200, 8), mux: null }, NOTHING, new Bootstrap(200, 1), 1);
  t.ok(tables.every(({ mux }) => mux === null));
  t.same([...new Set(tables.flatMap(({ rows }) => rows.map(({ policy }) => policy)))].sort(), [
    ...['cascade', 'cloud-only', 'mobile-only'],
  ]);
  t.end();
});

t.test('thresholds worth trying come from the outputs, and leaving a stage out is one of them', (t) => {
  const pair = madeUpPair(200, 9);
  t.same(bases(pair, 'cascade', {}), [{}]);
  t.ok(
    bases(pair, 'three-tier', { fuseLocal: 1, fuseMux: 0.5 }).some(
      ({ answer, fuseMux }) => answer === 1 && fuseMux === 0.5,
    ),
  );
  t.ok(bases(pair, 'two-stage', {}).some(({ offload }) => offload === 1));
  t.end();
});
