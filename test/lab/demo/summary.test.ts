import t from 'tap';
import type { Result } from '../../../protocol/messages.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { SHIPPED_ZOO } from '../../mux/support/zoos.js';
import {
  energyMeaning,
  SETUPS,
  summarise,
  summaryTable,
  type DemoSummary,
} from '../../../lab/demo/summary.js';

/** A summary whose set-ups took these net energies a frame, each known to within `spreadMJ`. */
function summary(netMJ: readonly [number, number, number], spreadMJ: number | null): DemoSummary {
  const setups = SETUPS.map((setup, i) => [
    setup,
    {
      accuracy: 0.9,
      localShare: 0.8,
      flops: 1e6,
      latencyMs: { p50: 1, p95: 2, p99: 3 },
      energyJ: {
        gross: 0.01,
        net: (netMJ[i] ?? 0) / 1000,
        netPlusMinus: spreadMJ === null ? null : spreadMJ / 1000,
        simulated: true,
        frames: { measured: 100, bridged: 2, unmeasured: 3 },
      },
    },
  ]);
  return { link: 'wifi', setups: Object.fromEntries(setups) } as DemoSummary;
}

t.test('what sending costs is said with its interval', async (t) => {
  t.match(
    energyMeaning(summary([2, 1, 5], 0.3)),
    /sent to the server \(link wifi\) it costs 4\.0 mJ \(± 0\.42\) more\.$/,
  );
  t.match(energyMeaning(summary([2, 5, 1], 0.3)), /4\.0 mJ \(± 0\.42\) less\.$/);
});

t.test('a difference that chance explains is not given as a fact', async (t) => {
  t.match(energyMeaning(summary([2, 1, 1.3], 0.3)), /no more than chance explains: take more frames\.$/);
  t.match(energyMeaning(summary([2, 1, 5], null)), /no more than chance explains/, 'one frame shows nothing');
});

t.test('the table has the interval beside the mean, and what was not measured', async (t) => {
  const table = summaryTable(summary([2, 1, 5], 0.3));
  t.match(table, /net \(simulated\) +2\.00 ± 0\.30 mJ +1\.00 ± 0\.30 mJ +5\.00 ± 0\.30 mJ/);
  t.match(table, /not measured +100, 2; 3/);
});

t.test('without labels there is no accuracy, rather than none right', async (t) => {
  const zoo = await loadZoo(SHIPPED_ZOO);
  const result = { route: 'local', models: [], muxScore: null, latencyMs: { total: 3 }, energyJ: null };
  const judged = (correct: (boolean | null)[]) =>
    summarise(
      zoo,
      correct.map((one) => ({ result: result as unknown as Result, correct: one })),
    );
  t.equal(judged([null, null]).accuracy, null);
  t.equal(judged([true, false, null]).accuracy, 0.5, 'of those that are labelled');
  const unknown = summary([2, 1, 5], 0.3);
  for (const setup of Object.values(unknown.setups)) setup.accuracy = null;
  t.match(summaryTable(unknown), /accuracy +no labels +no labels +no labels/);
});
