import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { runReport } from '../../../../lab/report/command.js';
import { allFigures, type Cell, type Report } from '../../../../lab/report/document.js';
import { reportOptions } from '../../../../lab/report/options.js';
import { loadZoo } from '../../../../mux/zoo/zoo.js';
import { SHIPPED_ZOO } from '../../../mux/support/zoos.js';
import { writeCampaign, type CampaignOptions } from '../support/campaign.js';
import { evalOf } from '../support/evaluation.js';

t.setTimeout(300_000);

let evaluated: Promise<string> | null = null;

/** An evaluation of the shipped zoo, once for all tests. */
function evaluation(): Promise<string> {
  evaluated ??= (async (dir) => {
    await evalOf(SHIPPED_ZOO, dir);
    return join(dir, 'eval.json');
  })(t.testdir());
  return evaluated;
}

async function made(campaign: string, argv: Record<string, unknown> = {}): Promise<Report> {
  const out = join(campaign, 'report');
  const quiet = { out: { write: () => true }, progress: { write: () => true } };
  const options = { campaign, out, eval: await evaluation(), embeddings: 20, format: 'json,html', ...argv };
  t.equal(await runReport(reportOptions(options, { dataDir: () => '', nowMs: 0 }), quiet), 0);
  return JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report;
}

async function campaign(dir: string, options: CampaignOptions = {}): Promise<string> {
  writeCampaign(dir, await loadZoo(SHIPPED_ZOO), options);
  return dir;
}

function rowsOf(report: Report, id: string): Map<string, Cell[]> {
  const found = report.sections
    .flatMap(({ blocks }) => blocks)
    .find((block) => 'id' in block && block.id === id);
  return new Map(found?.kind === 'table' ? found.rows.map((row) => [row[0]?.text ?? '', row]) : []);
}

t.test('Table I is what a query of the raw data gives, the paper beneath it', async (t) => {
  const dir = await campaign(t.testdir());
  const table = rowsOf(await made(dir), 'table-1');
  const db = new Database(join(dir, 'campaign.sqlite'), { readonly: true });
  t.teardown(() => db.close());
  const raw = db
    .prepare<[], Record<string, number | string>>(
      `SELECT setup, avg(deviceFlops + serverFlops) flops, avg(totalMs) latencyMs, 1000 * avg(energyGrossJ) mJ,
       100 * avg(route IN ('mux', 'local')) kept, 100 * avg(correct) accuracy FROM frames JOIN runs USING (run) GROUP BY setup`,
    )
    .all();
  t.equal(raw.length, 3);
  for (const { setup, flops, latencyMs, mJ, kept, accuracy } of raw) {
    const values = table
      .get(String(setup))
      ?.slice(1)
      .map(({ value }) => value ?? NaN);
    for (const [i, wanted] of [flops, latencyMs, mJ, kept, accuracy].entries()) {
      t.ok(
        Math.abs((values?.[i] ?? NaN) - Number(wanted)) < 1e-9 * Number(wanted) + 1e-12,
        `${String(setup)}, column ${i + 1}`,
      );
    }
  }
  t.same(
    table.get('hybrid')?.map(({ under }) => under),
    ['paper: both and the mux', '5.75 G', '10.12', '55.36', '68', '80.40'],
  );
});

t.test(
  "eq. 13 with the paper's numbers gives its Table I only with a mux that costs a whole local pass",
  async (t) => {
    const report = await made(await campaign(t.testdir()));
    const latency = rowsOf(report, 'formulas').get('latency (ms)') ?? [];
    t.same(
      latency.map(({ under }) => under),
      ['hybrid, eq. 13', '10.12', '6.59', undefined, '10.12'],
    );
    const [, , negligible = NaN, measured = NaN, whole = NaN] = latency.map(({ value }) => value ?? NaN);
    t.ok(negligible < measured && measured < whole);
    t.match([...rowsOf(report, 'formulas').keys()].join(), /gross energy \(mJ\), simulated/);
  },
);

t.test('all the figures are there, and what is simulated or estimated says so on the figure', async (t) => {
  const report = await made(await campaign(t.testdir(), { linkName: 'wifi' }));
  const badges = new Map(allFigures(report).map(({ id, chart }) => [id, chart.badges ?? []]));
  const rails = ['SIMULATED POWER RAILS'];
  t.same(Object.fromEntries(badges), {
    'latency-stages': ['SIMULATED LINK: WIFI', 'UPLOAD AND DOWNLOAD ESTIMATED'],
    'latency-ranges': ['SIMULATED LINK: WIFI'],
    'energy-stages': rails,
    'energy-rails': rails,
    'timeline-cloud-only': rails,
    'timeline-hybrid': rails,
    'accuracy-offload': [],
    fig1: [],
    'embeddings-tsne': [],
  });
  t.equal(report.simulated.length, 2);
  const curves = allFigures(report).find(({ id }) => id === 'accuracy-offload')?.chart;
  if (curves?.kind !== 'lines') throw new Error('no curves');
  t.same(
    new Set(curves.lines.map(({ name }) => name)),
    new Set(['mux', 'cascade', 'three-tier', 'random', 'oracle', 'features']),
  );
  t.same(
    curves.marks.map(({ name }) => name),
    ['mobile-only', 'cloud-only', 'hybrid'],
  );
  const low = Math.min(...curves.marks.map(({ interval }) => interval?.[0] ?? 0));
  t.ok((curves.y.min ?? 0) <= low, 'the operating points are in view with their intervals');
});

t.test('stages of the stacked bars add up to the latency and to the energy of a frame', async (t) => {
  const report = await made(await campaign(t.testdir()));
  const table = rowsOf(report, 'table-1');
  for (const [id, column] of [
    ['latency-stages', 2],
    ['energy-stages', 3],
  ] as const) {
    const chart = allFigures(report).find((figure) => figure.id === id)?.chart;
    if (chart?.kind !== 'stack') throw new Error(id);
    chart.rows.forEach((setup, row) => {
      const sum = chart.parts.reduce((total, { values }) => total + (values[row] ?? 0), 0);
      const whole = table.get(setup)?.[column]?.value ?? NaN;
      t.ok(Math.abs(sum - whole) < 1e-9, `${id}, ${setup}: ${sum} and ${whole}`);
    });
  }
});

t.test('without rails there is no energy anywhere, and the report says why', async (t) => {
  const report = await made(await campaign(t.testdir(), { rails: false }));
  t.notOk(report.sections.some(({ id }) => id === 'energy'));
  t.equal(rowsOf(report, 'table-1').get('hybrid')?.[3]?.text, '–');
  t.equal(report.headline.at(-1)?.value, '–');
  t.same(report.simulated, []);
  t.ok(
    report.notMeasured.some(
      ({ what, why }) => /energy of mobile-only, cloud-only, hybrid/.test(what) && /no rail/.test(why),
    ),
  );
});

t.test('a campaign of another zoo keeps its tables and says why there are no curves', async (t) => {
  const dir = await campaign(t.testdir());
  const db = new Database(join(dir, 'campaign.sqlite'));
  db.exec(`UPDATE campaign SET facts = json_set(facts, '$.zoo.hash', 'another')`);
  db.close();
  const report = await made(dir);
  t.equal(rowsOf(report, 'table-1').size, 3);
  t.notOk(report.sections.some(({ id }) => id === 'curves'));
  t.ok(report.notMeasured.some(({ what, why }) => /curves/.test(what) && /another/.test(why)));
});

t.test('no campaign, one without a run and a wrong eval.json are refused by name', async (t) => {
  await t.rejects(made(t.testdir()), { code: 'CAMPAIGN_INVALID' });
  const dir = await campaign(t.testdir());
  await t.rejects(made(dir, { eval: join(dir, 'campaign.sqlite') }), {
    code: 'CONFIG_INVALID',
    message: /--eval/,
  });
  const db = new Database(join(dir, 'campaign.sqlite'));
  db.exec(`DELETE FROM frames; UPDATE runs SET status = 'planned'`);
  db.close();
  await t.rejects(made(dir), { code: 'CAMPAIGN_INVALID', message: /no finished run/ });
});
