import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { coverage } from '../../../lab/calibrate/check.js';
import { choose, predicted, valuesAt, type Budget } from '../../../lab/calibrate/choose.js';
import { runCalibrate } from '../../../lab/calibrate/command.js';
import { curveOf, type CalibrationRow, type RouteCosts } from '../../../lab/calibrate/curve.js';
import { calibrateOptions } from '../../../lab/calibrate/options.js';
import { agentConfig } from '../../../agent/config.js';
import { Journal } from '../../../journal/journal.js';
import { seededRandom } from '../../../common/random.js';
import { editYaml } from '../../../common/config/edit.js';
import { SHIPPED_ZOO } from '../../../mux/config.js';
import { resultAt, spoil, writeJournal } from '../report/support/journal.js';

const NONE: Budget = { offload: null, accuracy: null, energyJ: null, p95Ms: null };
const COSTS: RouteCosts = {
  energyJ: { kept: 0.02, offloaded: 0.1 },
  latencyMs: { kept: Array.from({ length: 100 }, (_, i) => i / 10), offloaded: [50, 60, 70] },
  source: 'a test',
  simulated: false,
};

const policyOf = (file: string | null) => agentConfig(file, {}).policy;

/** Frames as a cascade sees them: a keep score that is the chance of being right, and a server that is right more often. */
function frames(count: number, seed: number): CalibrationRow[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    if (random() < 0.3)
      return { keepScore: Infinity, keepRight: random() < 0.995, sendRight: random() < 0.99 };
    const keepScore = 1 - 0.7 * random() ** 3;
    return { keepScore, keepRight: random() < keepScore, sendRight: random() < 0.6 + 0.4 * keepScore };
  });
}

t.test(
  'a choice keeps to its budget, and what it promises is what the rule does at that threshold',
  async (t) => {
    const rows = frames(2000, 1);
    for (const budget of [
      { ...NONE, offload: 0.1 },
      { ...NONE, accuracy: 0.93 },
      { ...NONE, energyJ: 0.03 },
      { ...NONE, p95Ms: 9.9 },
      { ...NONE, offload: 0.3, accuracy: 0.9 },
    ]) {
      const choice = choose(rows, budget, COSTS);
      if (!choice) throw new Error('something fits');
      const { cut, ...point } = choice.point;
      t.match(point, valuesAt(rows, cut, COSTS), `what happens at the cut: ${JSON.stringify(budget)}`);
      t.ok(point.offloadShare <= (budget.offload ?? 1) && (point.accuracy ?? 0) >= (budget.accuracy ?? 0));
      t.ok((point.energyJ ?? 0) <= (budget.energyJ ?? 1) && (point.p95Ms ?? 0) <= (budget.p95Ms ?? 100));
    }
    t.equal(choose(rows, { ...NONE, accuracy: 0.9999 }, COSTS), null, 'what cannot be had is said to be so');
    const least = choose(rows, { ...NONE, accuracy: 0.93 }, COSTS)?.point.offloadShare ?? 1;
    const fewer = curveOf(rows, COSTS).filter(({ offloadShare }) => offloadShare < least);
    t.ok(fewer.every(({ accuracy, smoothAccuracy }) => Math.min(accuracy ?? 0, smoothAccuracy ?? 0) < 0.93));
  },
);

t.test('frames of one keepScore go together, and what no threshold moves stays', async (t) => {
  const row = (keepScore: number): CalibrationRow => ({ keepScore, keepRight: null, sendRight: null });
  const rows = [-Infinity, 0.2, 0.2, 0.8, Infinity].map(row);
  t.same(
    curveOf(rows, null).map(({ offloadShare, cut }) => [offloadShare, cut]),
    [
      [0.2, 0],
      [0.6, 0.5],
      [0.8, 1],
    ],
  );
});

t.test(
  'over 200 random halves the other half lies within the stated interval 93 % of the time',
  async (t) => {
    const rows = frames(1200, 5);
    for (const budget of [
      { ...NONE, offload: 0.15 },
      { ...NONE, accuracy: 0.92 },
    ]) {
      const { chosen, covered } = coverage(rows, budget, COSTS, { halves: 200, seed: 3 });
      t.equal(chosen, 200);
      for (const [quantity, share] of Object.entries(covered)) {
        t.ok((share ?? 0) >= 0.93, `${JSON.stringify(budget)}: ${quantity} ${share}`);
      }
    }
    const tight = predicted(0.2, 1e9, 1e9);
    const usual = predicted(0.2, 600, 600);
    t.ok(tight.high - tight.low < 1e-4, 'the interval narrows with the numbers of frames');
    t.ok(usual.high - usual.low < 0.12, 'and is not so wide that it says nothing');
  },
);

t.test('a threshold goes into the configuration, and comments stay', async (t) => {
  const dir = t.testdir({ 'device.yaml': '# my device\npolicy:\n  mode: zoo # the default\ndevice: d1\n' });
  const config = join(dir, 'device.yaml');
  const journal = new Journal({ dir, sync: 'normal' });
  journal.start();
  const message = { device: 'd1', camera: 'c', capturedAt: '2026-11-23T10:00:00.123Z', zoo: 'fashion-mnist' };
  for (let i = 0; i < 100; i += 1) {
    const frameId = `frame-${i}`;
    const answer = { label: 'bag', classIndex: 8, confidence: 0.9, top: [], models: ['mobilenet-s'] };
    const zero = { queue: 0, decode: 0, mux: 0, local: 0, encode: 0, network: 0, cloud: 0 };
    const payload = JSON.stringify({
      ...message,
      ...answer,
      frameId,
      imageSha256: '0'.repeat(64),
      provider: 'cpu',
      threshold: 0.5,
      route: i < 50 ? 'local' : 'cloud',
      reason: 'easy',
      muxScore: i / 100,
      bytesUp: 0,
      bytesDown: 0,
      latencyMs: { total: i, ...zero },
      energyJ: null,
    });
    journal.append({ frameId, createdAtMs: 1, topic: 't', payload });
  }
  journal.stop();
  const argv = { zoo: SHIPPED_ZOO, journal: dir, offload: 0.25, provider: 'cpu', apply: true };
  let printed = '';
  const code = await runCalibrate(calibrateOptions(argv, config), policyOf, (text) => (printed += text));
  t.equal(code, 0);
  t.match(printed, /\+ policy\.threshold: 0\.745/);
  t.match(printed, /offloaded 25\.00 % \[/);
  const text = readFileSync(config, 'utf8');
  t.match(text, /# my device\n/);
  t.match(text, /mode: mux # the default/);
  t.match(agentConfig(config, {}).policy, { mode: 'mux', threshold: 0.745 });
  const accurate = calibrateOptions({ ...argv, accuracy: 0.9 }, config);
  await t.rejects(
    runCalibrate(accurate, policyOf, () => undefined),
    /--accuracy: nobody labelled/,
  );
});

t.test('rows of a journal that cannot be read are passed over and told, as a report does', async (t) => {
  const dir = t.testdir();
  writeJournal(dir, 100);
  const unknown = JSON.stringify({ ...resultAt(0), reason: 'a-reason-of-another-version' });
  spoil(dir, { damaged: [unknown, unknown.slice(0, -1)] });
  let printed = '';
  const argv = { zoo: SHIPPED_ZOO, journal: dir, offload: 0.3, provider: 'cpu' };
  t.equal(await runCalibrate(calibrateOptions(argv, null), policyOf, (text) => (printed += text)), 0);
  t.match(printed, /100 frames of the journal in .* \(2 more rows are no results of this version\)/);
  const few = join(dir, 'few');
  writeJournal(few, 19);
  spoil(few, { damaged: [unknown] });
  await t.rejects(
    runCalibrate(calibrateOptions({ ...argv, journal: few }, null), policyOf, () => undefined),
    { code: 'CONFIG_INVALID', message: /19 usable frames .*1 more rows.* are too few/ },
  );
});

t.test('labels of edgemux label calibrate a cascade', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'labels.jsonl');
  const models = [
    { id: 'small', flops: 1, roles: ['local'] },
    { id: 'large', flops: 9, roles: ['cloud'] },
  ];
  const header = { format: 'edgemux-labels', version: 1, labels: ['cat', 'dog'], images: 'indices', models };
  const lines = frames(400, 2).map(({ keepScore, keepRight, sendRight }, index) => {
    const sure = Math.min(1, keepScore);
    const probabilities = { small: [sure, 1 - sure], large: [0.5, 0.5] };
    return JSON.stringify({
      index,
      label: 0,
      correct: { small: keepRight, large: sendRight },
      probabilities,
    });
  });
  writeFileSync(file, [JSON.stringify(header), ...lines].join('\n'));
  let printed = '';
  const argv = { zoo: SHIPPED_ZOO, labels: file, offload: 0.2, provider: 'cpu', check: 20 };
  t.equal(await runCalibrate(calibrateOptions(argv, null), policyOf, (text) => (printed += text)), 0);
  t.match(printed, /cascade, 400 frames/);
  t.match(printed, /of 20 random halves 20 fit/);
  t.match(printed, /\+ policy\.confidence: 0\./);
  writeFileSync(file, 'nonsense\n');
  await t.rejects(
    runCalibrate(calibrateOptions(argv, null), policyOf, () => undefined),
    /line 1 of .*none of edgemux label/,
  );
});

t.test('calibrate asks for a budget, and for a file to write to', async (t) => {
  const argv = { zoo: SHIPPED_ZOO, provider: 'cpu' };
  t.throws(() => calibrateOptions(argv, null), /name a budget/);
  t.throws(() => calibrateOptions({ ...argv, offload: 1.2 }, null), /--offload must be/);
  t.throws(() => calibrateOptions({ ...argv, offload: 0.2, apply: true }, null), /--apply needs --config/);
  t.throws(() => editYaml('a: [', { 'a.b': 1 }), { code: 'CONFIG_UNREADABLE' });
});
