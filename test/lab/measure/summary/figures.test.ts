import fc from 'fast-check';
import t from 'tap';
import { windowEnergy } from '../../../../energy/integrate.js';
import { pairFormulas } from '../../../../lab/measure/summary/formulas.js';
import { frameOrder, runOrder } from '../../../../lab/measure/plan.js';
import { buckets, gapMsOf, gaps, meanPower } from '../../../../lab/measure/run/samples.js';
import { CampaignReader } from '../../../../lab/measure/store/reader.js';
import { CampaignWriter } from '../../../../lab/measure/store/writer.js';
import { summarise } from '../../../../lab/measure/summary/summary.js';
import type { SetupSummary } from '../../../../lab/measure/summary/summary-types.js';
import { wilsonInterval } from '../../../../common/statistics.js';
import {
  baselineRow,
  campaignFacts,
  campaignPlan,
  frameRow,
  measuredRun,
  railRow,
  sessionFacts,
} from '../support/campaign-rows.js';

const near = (a: number, b: number, tolerance = 1e-9): boolean =>
  Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));

t.test('buckets hold together what the window holds, wherever their edges fall', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { minLength: 30, maxLength: 80 }),
      fc.double({ min: 0.7, max: 9, noNaN: true }),
      fc.integer({ min: 0, max: 25 }),
      (powersW, bucketMs, missing) => {
        const samples = powersW
          .map((powerW, i) => ({ tMs: 100 + i, powerW, flags: 0 }))
          .filter(({ tMs }) => tMs < 103 || tMs >= 103 + missing);
        const window = { fromMs: 101.3, toMs: 100.7 + powersW.length };
        const found = buckets(samples, window, bucketMs);
        const whole = windowEnergy(samples, window, gapMsOf(samples));
        const sum = (of: 'energyJ' | 'coveredMs' | 'samples'): number =>
          found.reduce((all, one) => all + one[of], 0);
        return (
          near(sum('energyJ'), whole.energyJ) &&
          near(sum('coveredMs'), whole.coveredMs) &&
          sum('samples') === whole.samples &&
          near(found.at(-1)?.toMs ?? 0, window.toMs - window.fromMs)
        );
      },
    ),
  );
});

t.test('a gap is a gap, also at the edges of the window, and adds no energy', async (t) => {
  const samples = [0, 1, 2, 3, 33, 34, 35].map((tMs) => ({ tMs, powerW: 2, flags: 0 }));
  t.same(gaps(samples, { fromMs: 0, toMs: 60 }), [
    { fromMs: 3, toMs: 33 },
    { fromMs: 35, toMs: 60 },
  ]);
  t.same(gaps([], { fromMs: 10, toMs: 20 }), [{ fromMs: 0, toMs: 10 }]);
  const mean = meanPower(samples, { fromMs: 0, toMs: 36 });
  t.match(mean, { meanW: 2, sdW: 0, coveredMs: 5, samples: 7 });
  t.equal(meanPower([], { fromMs: 0, toMs: 1 }), null);
});

t.test("eq. 13 gives the paper's Table I only if every frame pays a pass of the local model", async (t) => {
  const row = (
    setup: string,
    localShare: number,
    flops: number,
    latencyMs: number,
    grossJ: number,
  ): SetupSummary =>
    ({
      setup,
      localShare,
      flops: { total: flops },
      latencyMs: { mean: latencyMs, stages: { mux: 0.1 } },
      energy: { frame: { grossJ, netJ: grossJ, stagesJ: {} } },
    }) as unknown as SetupSummary;
  const formulas = pairFormulas(
    [
      row('mobile-only', 1, 299e6, 3.53, 0.012),
      row('cloud-only', 0, 16.4e9, 13.1, 0.11),
      row('hybrid', 0.68, 5.75e9, 10.12, 0.05536),
    ],
    campaignFacts().zoo,
  );
  const of = (quantity: string) => formulas.find((one) => one.quantity === quantity);
  t.ok(near(of('latencyMs')?.muxOneLocalPass ?? 0, 10.12, 0.001), 'latency');
  t.ok(near(of('latencyMs')?.muxNegligible ?? 0, 6.5924, 0.001), 'and not 10.12 ms with a free mux');
  t.ok(near(of('energyGrossJ')?.muxOneLocalPass ?? 0, 0.05536, 0.001), 'energy');
  t.ok(near(of('flops')?.muxOneLocalPass ?? 0, 5.75e9, 0.001), 'FLOPs');
  t.ok(near(of('latencyMs')?.muxMeasured ?? 0, 6.6924, 0.001), 'with the mux as it was measured');
});

t.test('every repeat is a block of all set-ups, in an order that the seed decides', async (t) => {
  const setups = ['mobile-only', 'cloud-only', 'hybrid'] as const;
  const order = runOrder([...setups], 20, 1);
  for (let r = 1; r <= 20; r += 1)
    t.same(
      order
        .filter(({ repeat }) => repeat === r)
        .map(({ setup }) => setup)
        .sort(),
      [...setups].sort(),
    );
  t.same(runOrder([...setups], 20, 1), order);
  t.ok(
    new Set(order.map(({ setup }, i) => (i % 3 === 0 ? setup : ''))).size > 2,
    'not always the same first',
  );
  const { images } = campaignPlan();
  t.same(
    [...frameOrder(images, 1, 1)].sort((a, b) => a.imageIndex - b.imageIndex),
    images,
  );
});

t.test(
  'figures come from the rows: a missing frame is wrong, images count once, net is less the baseline',
  async (t) => {
    const dir = t.testdir();
    const writer = CampaignWriter.create(dir, campaignPlan());
    const session = writer.addSession('2026-11-23T10:00:00.000Z', sessionFacts());
    writer.addRails([railRow()]);
    writer.addBaselines([baselineRow(session)]);
    const missing = {
      outcome: 'missing',
      predicted: null,
      correct: false,
      route: null,
      totalMs: null,
    } as const;
    writer.addRun(
      measuredRun(1, session, [frameRow(1, 0), frameRow(1, 1, { ...missing, energyGrossJ: null })]),
    );
    writer.close();
    const reader = new CampaignReader(dir);
    const summary = summarise(reader);
    reader.close();
    const [hybrid] = summary.setups;
    t.equal(summary.setups.length, 1, 'a set-up without a run has no figures');
    t.same(summary.runs, { planned: 2, done: 1 });
    t.match(hybrid, { frames: 2, missing: 1, drops: { superseded: 1 }, localShare: 1, called: { small: 1 } });
    t.match(hybrid?.accuracy, { value: 0.5, images: 2, ...wilsonInterval(0.5, 2) });
    t.equal(hybrid?.latencyMs.mean, 5, 'of the frames with a result');
    t.match(hybrid?.energy?.frame, { grossJ: 0.02, measured: 1 });
    // 0.08 J over 20 ms less 2.5 W of idle, over two frames.
    t.ok(near(hybrid?.energy?.phase?.grossJ ?? 0, 0.04) && near(hybrid?.energy?.phase?.netJ ?? 0, 0.015));
    const stages = Object.values(hybrid?.latencyMs.stages ?? {}).reduce((sum, ms) => sum + ms, 0);
    t.ok(near(stages, 5), 'the stages add up to the latency');
  },
);
