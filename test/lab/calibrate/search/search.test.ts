/** The search for policies: on recorded outputs what the trainer's own finds, and every short cut equal to the rules. */
import { cp, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import t from 'tap';
import { seededRandom } from '../../../../common/random.js';
import { runCalibrate } from '../../../../lab/calibrate/command.js';
import { calibrateOptions } from '../../../../lab/calibrate/options.js';
import { expertWeights } from '../../../../lab/calibrate/search/experts.js';
import { halfEven, linear, quantile } from '../../../../lab/calibrate/search/numbers.js';
import { searchPolicy } from '../../../../lab/calibrate/search/policy.js';
import { runEval } from '../../../../lab/eval/command.js';
import { applyGroupPolicy, choose, groupOfMeasured } from '../../../../lab/eval/group/group-run.js';
import { evalOptions } from '../../../../lab/eval/options.js';
import { measuredFromLabels } from '../../../../lab/eval/outputs/from-labels.js';
import { applyPolicy, pairOf } from '../../../../lab/eval/pair/pair.js';
import { outcomeAt } from '../../../../lab/eval/pair/ranking.js';
import { evalSchema } from '../../../../lab/eval/schema.js';
import { readLabels } from '../../../../lab/zoo/labels/read.js';
import { openLabels } from '../../../../lab/zoo/labels/write.js';
import { SHIPPED_ZOO } from '../../../../mux/config.js';
import { groupPolicyOf } from '../../../../mux/rules/group-settings.js';
import type { GroupPolicy } from '../../../../mux/rules/group.js';
import { RANKED_MODES } from '../../../../mux/rules/policies/registry.js';
import { policyFromManifest } from '../../../../mux/rules/policy-settings.js';
import { argmax } from '../../../../mux/rules/probabilities.js';
import { loadZoo } from '../../../../mux/zoo/zoo.js';
import { madeUpGroup, madeUpPair } from '../../eval/support/made-up.js';

const FIXTURES = fileURLToPath(new URL('../../../../../test/fixtures/policy-search/', import.meta.url));
const OUTPUTS = join(FIXTURES, 'outputs.labels');
const GOAL = { gapShare: 0.98, upload: 4 };

/** What differs between two trees of values, by path. */
function differences(a: unknown, b: unknown, path = ''): string[] {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return a === b ? [] : [`${path}: ${String(a)} and ${String(b)}`];
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].flatMap((key) => differences(one[key], other[key], `${path}.${key}`));
}

t.test('on recorded outputs the policy is the one that the trainer finds', async (t) => {
  const zoo = await loadZoo(SHIPPED_ZOO);
  const measured = await measuredFromLabels(zoo, OUTPUTS);
  const pair = pairOf(zoo, measured);
  t.equal(measured.count, 1200);
  t.ok(pair?.mux && pair.gate, 'with mux and gate');
  const found = searchPolicy(pair!, groupOfMeasured(measured), GOAL);
  const recorded = JSON.parse(await readFile(join(FIXTURES, 'policy.json'), 'utf8')) as typeof found;
  const same = differences(JSON.parse(JSON.stringify(found)), recorded);
  const other = same.filter((line) => !/^\.calibration\.(group\.exponents\.|modes\.mux\.target)/.test(line));
  t.same(other, [], 'every threshold, setting and figure');
  const exponents = found.calibration.group?.exponents ?? [];
  t.ok(
    recorded.calibration.group?.exponents.every((one, m) => Math.abs(one - (exponents[m] ?? NaN)) < 5e-4),
    'exponents up to where the trainer stops',
  );
  t.ok(found.calibration.targets.length > 90, `${found.calibration.targets.length} rows`);
});

t.test('what becomes of images at thresholds is what the rule itself says of each', (t) => {
  const pair = madeUpPair(400, 3);
  const random = seededRandom(5);
  for (const mode of RANKED_MODES) {
    for (let n = 0; n < 12; n += 1) {
      const all = { mux: random(), confidence: random(), answer: 0.3 + 0.7 * random(), offload: random() };
      const fusing = n % 2 === 0 ? {} : { fuseLocal: 0.7, fuseMux: 0.4 };
      t.same(outcomeAt(pair, mode, { ...all, ...fusing }), applyPolicy(pair, mode, { ...all, ...fusing }));
    }
  }
  t.end();
});

t.test('a climb over known answers is the rule asked step by step', (t) => {
  const measured = madeUpGroup(300, 9);
  const exponents = [0.3, 0.6, 1];
  for (const [mu, confidence, ladder] of [
    [0, 0.9, [0, 1, 2]],
    [0.1, 0.6, [0, 2]],
    [0.4, 0.8, [1, 2]],
    [0, 1, [0, 1, 2]],
  ] as const) {
    for (const asksMux of [true, false]) {
      const policy: GroupPolicy = {
        mode: 'escalate',
        mu,
        threshold: 0.3,
        exponents,
        escalate: { mu, confidence, ladder },
      };
      const { right, called, flops } = applyGroupPolicy(measured, policy, asksMux);
      for (let i = 0; i < measured.count; i += 1) {
        const { probabilities, models } = choose(measured, policy, asksMux, i);
        const ran = measured.group.ids.filter((_, m) => called[m]?.[i] === 1);
        const wrong = right[i] !== (argmax(probabilities) === measured.labels[i] ? 1 : 0);
        if (wrong || ran.join() !== [...models].sort((a, b) => order(a) - order(b)).join() || !flops[i])
          t.fail(`image ${i}: ${ran.join()} instead of ${models.join()}`);
      }
    }
  }
  t.pass('every image');
  t.end();

  function order(id: string): number {
    return measured.group.ids.indexOf(id);
  }
});

t.test('fused exponents are where no other ones are better, and stay above their bound', (t) => {
  const { labels, classes, models } = madeUpGroup(600, 4);
  const given = { experts: models, labels, classes };
  const loss = (w: readonly number[]): number => {
    let sum = 0;
    for (const [i, label] of labels.entries()) {
      const logits = Array.from({ length: classes }, (_, k) =>
        models.reduce(
          (total, one, m) => total + (w[m] ?? 0) * Math.log(one.probabilities[i * classes + k]!),
          0,
        ),
      );
      const most = Math.max(...logits);
      sum += most + Math.log(logits.reduce((all, one) => all + Math.exp(one - most), 0)) - logits[label]!;
    }
    return sum / labels.length;
  };
  const free = expertWeights(given, [1 / 3, 1 / 3, 1 / 3]);
  for (const [m] of free.entries())
    for (const step of [-0.01, 0.01])
      t.ok(loss(free.map((w, n) => (n === m ? w + step : w))) > loss(free), `weight ${m} ${step}`);
  const bound = Math.max(...free) + 0.1;
  t.ok(expertWeights(given, [bound, bound, bound], bound).every((w) => w >= bound));
  t.end();
});

t.test('quantiles lie between neighbours, halves go to the even number', (t) => {
  t.same(
    [0, 0.25, 0.5, 1].map((share) => quantile(Float64Array.of(1, 2, 4), share)),
    [1, 1.5, 2, 4],
  );
  t.same(linear(0.5, 1, 3), [0.5, 0.75, 1]);
  t.same([0.5, 1.5, 2.4, 2.6].map(halfEven), [0, 2, 2, 3]);
  t.end();
});

const policyOf = () => ({ mode: 'zoo', threshold: null, confidence: null, gain: null });

t.test('calibrate --all writes a policy into the manifest that device and server take', async (t) => {
  const dir = t.testdir();
  await cp(SHIPPED_ZOO, join(dir, 'zoo'), { recursive: true });
  const argv = {
    zoo: join(dir, 'zoo'),
    labels: OUTPUTS,
    all: true,
    upload: 1,
    gap: 0.9,
    apply: true,
    provider: 'cpu',
  };
  let said = '';
  t.equal(await runCalibrate(calibrateOptions(argv, null), policyOf, (text) => (said += text)), 0);
  t.match(said, /1200 images; 90% of the way .* an upload 1 local runs/);
  t.match(said, /three-tier/);
  const [before, after] = [await loadZoo(SHIPPED_ZOO), await loadZoo(join(dir, 'zoo'))];
  const { calibration, mode } = after.manifest.policy;
  t.equal(policyFromManifest(after).mode, mode);
  t.equal(calibration?.['images'], 1200);
  t.same(
    calibration?.['temperatures'],
    before.manifest.policy.calibration?.['temperatures'],
    'what else is known stays',
  );
  t.same(groupPolicyOf(after).exponents, calibration?.group?.exponents);
  t.not(JSON.stringify(before.manifest.policy.thresholds), JSON.stringify(after.manifest.policy.thresholds));
});

t.test('labels without the muxes are refused for a zoo that has them', async (t) => {
  const { header, rows } = await readLabels(OUTPUTS);
  const file = join(t.testdir(), 'models.labels');
  const { muxes, ...plain } = header;
  t.ok(muxes);
  const out = await openLabels(file, plain, { top: null, longestName: 0 });
  for await (const { outputs, ...row } of rows()) {
    const probabilities = outputs.probabilities.slice(0, header.models.length);
    await out.append([{ ...row, outputs: { probabilities, score: null, correct: null, weights: null } }]);
    if (out.tally.rows === 50) break;
  }
  await out.close();
  const argv = { zoo: SHIPPED_ZOO, labels: file, provider: 'cpu' };
  const silent = () => undefined;
  const all = calibrateOptions({ ...argv, all: true }, null);
  await t.rejects(runCalibrate(all, policyOf, silent), { code: 'CONFIG_INVALID', message: /label --mux/ });
  const mode = calibrateOptions({ ...argv, mode: 'three-tier', offload: 0.2 }, null);
  await t.rejects(runCalibrate(mode, policyOf, silent), { message: /holds no mux scores.*label --mux/ });
  t.equal(
    await runCalibrate(calibrateOptions({ ...argv, offload: 0.5 }, null), policyOf, silent),
    0,
    'a cascade',
  );
});

t.test('labels with the muxes set a threshold of any mode, and are judged without a network', async (t) => {
  let said = '';
  const argv = { zoo: SHIPPED_ZOO, labels: OUTPUTS, offload: 0.2, mode: 'three-tier', provider: 'cpu' };
  t.equal(await runCalibrate(calibrateOptions(argv, null), policyOf, (text) => (said += text)), 0);
  t.match(said, /three-tier, 1200 frames of/);
  const out = t.testdir();
  const silent = { write: () => true };
  const options = evalOptions({ zoo: SHIPPED_ZOO, labels: OUTPUTS, out });
  t.equal(await runEval(options, { out: silent, progress: silent }), 0);
  const report = evalSchema.parse(JSON.parse(await readFile(join(out, 'eval.json'), 'utf8')));
  t.equal(report.images, 1200);
  t.ok(report.models.every(({ runMs, accuracy }) => runMs === null && accuracy.value > 0.8));
  t.match(report.notes.join(), /Outputs of a labels file/);
  t.ok(report.pair?.tableI.some(({ setup }) => setup === 'three-tier'));
  t.ok((report.group?.tableII.length ?? 0) > 3);
  t.throws(() => evalOptions({ zoo: SHIPPED_ZOO, labels: OUTPUTS, images: 'dir' }), /--images/);
  t.throws(() => calibrateOptions({ ...argv, all: true }, null), /--all/);
});
