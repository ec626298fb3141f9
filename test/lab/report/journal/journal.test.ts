import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runReport } from '../../../../lab/report/command.js';
import { allFigures, type Report, type Table } from '../../../../lab/report/document.js';
import { bucketNames, bucketsOver, duration } from '../../../../lab/report/journal/buckets.js';
import { reportOptions } from '../../../../lab/report/options.js';
import { FIRST_MS, resultAt, spoil, writeJournal } from '../support/journal.js';

t.setTimeout(170_000);

const NOW_MS = Date.parse('2026-11-23T12:00:00Z');
const around = { dataDir: () => 'edgemux-data', nowMs: NOW_MS };

async function made(
  argv: Record<string, unknown>,
): Promise<{ report: Report; html: string; md: string; said: string }> {
  let said = '';
  const out = { write: (text: string | Uint8Array) => (said += String(text)) !== '' };
  const outDir = t.testdir();
  const options = reportOptions({ ...argv, out: outDir }, around);
  t.equal(await runReport(options, { out, progress: { write: () => true } }, NOW_MS), 0);
  const read = (name: string): string => readFileSync(join(outDir, name), 'utf8');
  const report = JSON.parse(read('report.json')) as Report;
  for (const { id } of allFigures(report)) t.ok(existsSync(join(outDir, 'figures', `${id}.svg`)), id);
  return { report, html: read('report.html'), md: read('report.md'), said };
}

function tableOf(report: Report, id: string): Table {
  const found = report.sections
    .flatMap(({ blocks }) => blocks)
    .find((block) => 'id' in block && block.id === id);
  if (found?.kind !== 'table') throw new Error(`no table ${id}`);
  return found;
}

t.test(
  'a journal: routes, reasons, percentiles by stage and joules by route are those of its results',
  async (t) => {
    const dir = t.testdir();
    writeJournal(dir, 1000);
    const { report, html, md, said } = await made({ journal: dir });
    const reasons = tableOf(report, 'reasons').rows.map((row) => row.map(({ text, value }) => value ?? text));
    t.same(reasons, [
      ['mux', 'easy', 600, 60],
      ['local', 'confident', 200, 20],
      ['cloud', 'unsure', 100, 10],
      ['fallback', 'timeout', 100, 10],
    ]);
    const latency = new Map(
      tableOf(report, 'latency-table').rows.map(([name, ...rest]) => [
        name?.text,
        rest.map(({ value }) => value),
      ]),
    );
    t.same(latency.get('total, cloud'), [100, 12.5, 12.5, 12.5, 12.5]);
    t.same(latency.get('network'), [100, 5, 5, 5, 5], 'of the frames that went through it');
    const mean = (600 * 1.5 + 200 * 3.5 + 100 * 12.5 + 100 * 103.5) / 1000;
    t.match(latency.get('total'), [1000, mean, 1.5, 103.5]);
    const energy = tableOf(report, 'energy-table').rows.find(([route]) => route?.text === 'cloud');
    t.ok(Math.abs((energy?.[2]?.value ?? 0) - 12.5) < 1e-9, 'mean gross energy in mJ');
    t.match(said, /asked of a server: 20\.0 %/);
    t.match(report.title, /jetson-7: 8\.3 h/);
    t.match(html, /class &lt;0&gt;/, 'what cameras and models say is text and never markup');
    t.notMatch(html, /<script|src=|class <0>/);
    t.match(md, /!\[Routes over time\]\(figures\/routes-over-time\.svg\)/);
  },
);

t.test(
  'energies of simulated rails: the page, the figures and the tables say so; without them nothing does',
  async (t) => {
    const [simulated, real, none] = [t.testdir({ a: {}, b: {}, c: {} })].flatMap((dir) =>
      ['a', 'b', 'c'].map((n) => join(dir, n)),
    );
    writeJournal(simulated ?? '', 40);
    writeJournal(real ?? '', 40, (i) => {
      const result = resultAt(i);
      return { ...result, energyJ: result.energyJ && { ...result.energyJ, simulated: false } };
    });
    writeJournal(none ?? '', 40, (i) => resultAt(i, { energyJ: null }));
    const first = await made({ journal: simulated });
    const energyFigures = allFigures(first.report).filter(({ id }) => id.startsWith('energy-'));
    t.equal(energyFigures.length, 3);
    for (const { chart } of energyFigures) t.same(chart.badges, ['SIMULATED POWER RAILS']);
    t.match(tableOf(first.report, 'energy-table').caption, /simulated/);
    t.match(first.html, /class="simulated"[\s\S]*>SIMULATED POWER RAILS</);
    const second = await made({ journal: real });
    t.notMatch(second.html, /class="simulated"|SIMULATED|>simulated</);
    const third = await made({ journal: none });
    t.equal(
      allFigures(third.report).filter(({ id }) => id.startsWith('energy-')).length,
      0,
      'no joules are made up',
    );
    t.match(third.report.notMeasured, [{}, {}, {}, {}, { what: /energy of 40 frames/ }]);
  },
);

t.test('since and until choose the results, and an empty stretch says what there is', async (t) => {
  const dir = t.testdir();
  writeJournal(dir, 240);
  const hour = await made({
    journal: join(dir, 'journal.sqlite'),
    since: '2026-11-22T07:00',
    until: '2026-11-22 07:30',
  });
  t.equal(hour.report.headline[0]?.value, '60');
  t.match(hour.report.subtitle, /2026-11-22 07:00 to 2026-11-22 07:29 UTC/);
  const ago = await made({ journal: dir, since: '29h' });
  t.equal(ago.report.headline[0]?.value, '120', 'from 07:00 on');
  await t.rejects(made({ journal: dir, since: '2026-12-01' }), {
    code: 'JOURNAL_FAILED',
    message: /no result in that time: it has 240 from 2026-11-22 06:00/,
  });
  await t.rejects(made({ journal: join(dir, 'elsewhere') }), {
    code: 'JOURNAL_FAILED',
    message: /elsewhere/,
  });
});

t.test('rows that are no results of this version are counted and told, not guessed at', async (t) => {
  const dir = t.testdir();
  writeJournal(dir, 20);
  spoil(dir, { damaged: ['{"route":1}', '{"route":', JSON.stringify({ ...resultAt(0), reason: 'dreamt' })] });
  const { report } = await made({ journal: dir });
  t.equal(report.headline[0]?.value, '20');
  t.match(report.notMeasured.at(-1), { what: /^3 rows of the journal/ });
});

t.test('steps of time are whole ones and cover the stretch', async (t) => {
  for (const spanMs of [500, 60_000, 3_600_000, 86_400_000, 30 * 86_400_000, 400 * 86_400_000]) {
    const buckets = bucketsOver(FIRST_MS + 123, FIRST_MS + 123 + spanMs);
    t.ok(
      buckets.count >= 1 && buckets.count <= 49,
      `${duration(spanMs)}: ${buckets.count} of ${duration(buckets.stepMs)}`,
    );
    t.ok(
      buckets.fromMs <= FIRST_MS + 123 &&
        buckets.fromMs + buckets.count * buckets.stepMs > FIRST_MS + 123 + spanMs,
    );
    t.equal(buckets.fromMs % buckets.stepMs, 0);
    t.equal(new Set(bucketNames(buckets)).size, buckets.count, 'each has a name of its own');
  }
});

t.test('the command line: sources, times and what it refuses by name', async (t) => {
  t.match(reportOptions({}, around).source, {
    kind: 'journal',
    path: 'edgemux-data',
    sinceMs: -Infinity,
    untilMs: Infinity,
  });
  t.match(reportOptions({ since: '2026-11-23T01:00+02:00' }, around).source, {
    sinceMs: Date.parse('2026-11-22T23:00:00Z'),
  });
  t.match(reportOptions({ since: '1.5h' }, around).source, { sinceMs: NOW_MS - 5_400_000 });
  t.match(reportOptions({ campaign: 'c', format: 'json,html' }, around), {
    source: { kind: 'campaign', path: 'c' },
    formats: ['json', 'html'],
  });
  const refused: [Record<string, unknown>, RegExp][] = [
    [{ since: 'yesterday' }, /--since.*yesterday/],
    [{ since: '1h', until: '2h' }, /--since must be before --until/],
    [{ format: 'pdf' }, /--format.*pdf/],
    [{ embeddings: -1 }, /--embeddings/],
    [{ campaign: 'c', until: '1h' }, /--until.*journal/],
  ];
  for (const [argv, message] of refused)
    t.throws(() => reportOptions(argv, around), { code: 'CONFIG_INVALID', message });
});
