/** `eval.md`: the report as Markdown tables. */
import type { CostTable } from '../pair/device-costs.js';
import { accuracy, millions, percent, plain, points, table } from './format.js';
import { lossSections } from './losses-tables.js';
import type { EvalReport, GroupReport, PairReport } from '../schema.js';

export function markdownOf(report: EvalReport): string {
  const { zoo, images, provider, bootstrap, pair, group, notes, seed } = report;
  const sections = [
    `# Evaluation of ${zoo.name} ${zoo.version}`,
    `${images} test images, execution provider ${provider}. Brackets are 95 % intervals of a paired bootstrap ` +
      `(${bootstrap.resamples} resamples, seed ${seed}). FLOPs are multiply-accumulates. Manifest sha256 ${zoo.hash}.`,
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join('\n')] : []),
    '## Models',
    modelTable(report),
    ...(pair ? pairSections(report, pair) : []),
    ...(group ? groupSections(report, group) : []),
    ...lossSections(report),
    '## Comparisons',
    table(
      ['what', 'value', '95 % interval'],
      report.intervals.map(({ what, value, low, high }) => [
        what,
        value.toFixed(4),
        `${low.toFixed(4)} to ${high.toFixed(4)}`,
      ]),
    ),
    '## Who is right where another is wrong (Fig. 1), % of images',
    table(
      ['right ↓ wrong →', ...report.fig1.ids],
      report.fig1.matrix.map((row, i) => [report.fig1.ids[i] ?? '', ...row.map((share) => percent(share))]),
    ),
    '## Hardness: number of models that are wrong',
    table(
      ['wrong', 'images', 'mean mux score'],
      report.hardness.map(({ wrong, share, muxScore }) => [
        `${wrong}`,
        `${percent(share)} %`,
        muxScore === null ? '–' : muxScore.toFixed(3),
      ]),
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}

function modelTable({ models }: EvalReport): string {
  return table(
    ['model', 'roles', 'FLOPs', 'accuracy', 'over the best cheaper one', 'calibration error', 'ms a run'],
    models.map((model) => [
      model.id,
      model.roles.join(', ') || '–',
      millions(model.flops),
      accuracy(model.accuracy),
      model.overCheaper ? points(model.overCheaper) : '–',
      model.calibrationError.toFixed(4),
      model.runMs.toFixed(2),
    ]),
  );
}

function pairSections({ baselines }: EvalReport, pair: PairReport): string[] {
  const average = baselines.pair.find(({ name }) => name === 'average')?.points[0];
  return [
    `## The pair: ${pair.local} on the device, ${pair.cloud} on the server (Table I)`,
    pairTable(pair),
    `Both models on every frame, averaged: ${average ? `${percent(average.accuracy)} %` : '–'}.`,
    '### Finding the hard ones',
    table(
      ['score', 'finds', 'AUROC'],
      pair.auroc.map(({ score, finds, auroc }) => [score, finds, auroc ? plain(auroc) : '–']),
    ),
    '### At equal offloading',
    'Frames ranked by each rule, no label looked at; the difference is to the cascade, in points.',
    table(
      ['offloaded', 'policy', 'accuracy', 'over cascade'],
      pair.atOffload.map((row) => [
        `${percent(row.offloadShare)} %`,
        row.policy,
        accuracy(row.accuracy),
        row.overCascade ? points(row.overCascade) : '–',
      ]),
    ),
    '### Device cost of a wanted accuracy',
    'In local runs a frame. *Thresholds*: `calibration` from the zoo, `cross-fit` from the other half of the test ' +
      'images; the last column is the least cost with thresholds chosen on these very images, a bound.',
    ...pair.costs.flatMap((costs) => [costHeading(costs), costRows(costs)]),
  ];
}

export function pairTable({ tableI }: PairReport): string {
  return table(
    ['setup', 'FLOPs', 'kept', 'local runs', 'accuracy', 'over cloud-only'],
    tableI.map((row) => [
      row.shipped ? `${row.setup} (shipped)` : row.setup,
      millions(row.flops),
      `${percent(1 - row.offloadShare)} %`,
      `${percent(row.localShare)} %`,
      accuracy(row.accuracy),
      row.setup === 'cloud-only' ? '–' : points(row.overCloud),
    ]),
  );
}

function costHeading({
  gapShare,
  upload,
  mux,
  muxFrom,
  targetAccuracy,
  cheapest,
  unreached,
}: CostTable): string {
  const price = mux === null ? '' : `, mux ${mux.toFixed(3)} × local (by ${muxFrom})`;
  const missing = unreached.length > 0 ? `; not reached by ${unreached.join(', ')}` : '';
  return (
    `**${percent(gapShare)} % of the gap (${percent(targetAccuracy)} %), upload ${upload} × local${price}: ` +
    `cheapest is ${cheapest ?? 'none'}**${missing}`
  );
}

function costRows({ rows }: CostTable): string {
  return table(
    ['policy', 'thresholds', 'accuracy', 'offloaded', 'cost', 'saved over cascade', 'bound'],
    rows.map((row) => [
      row.policy,
      row.basis,
      accuracy(row.accuracy) + (row.overTarget.high < 0 ? ' (misses)' : ''),
      `${percent(row.offloadShare)} %`,
      row.cost.toFixed(3),
      row.savingOverCascade ? points(row.savingOverCascade, 1, '%') : '–',
      row.sweptCost === null ? '–' : row.sweptCost.toFixed(3),
    ]),
  );
}

function groupSections({ models, baselines }: EvalReport, group: GroupReport): string[] {
  const point = (name: string) => baselines.group.find((curve) => curve.name === name)?.points[0];
  const [oracle, average] = [point('oracle'), point('average')];
  const both = (found: typeof oracle) =>
    found ? `${percent(found.accuracy)} % at ${millions(found.flops)}` : '–';
  return [
    '## The group on the server (Table II)',
    groupTable(models, group),
    `Oracle (the cheapest right model): ${both(oracle)}; mean of all: ${both(average)}.`,
    '### At equal computation',
    'Each rule turned until it spends the budget, no label looked at; `cascade` climbs the same ladder without a mux.',
    table(
      ['fewer FLOPs', 'rule', 'FLOPs', 'accuracy', `over ${group.bestModel}`, 'over cascade'],
      group.atBudget.map((row) => [
        `${row.saving} ×`,
        row.policy,
        millions(row.flops),
        accuracy(row.accuracy),
        points(row.overBestModel),
        row.overCascade ? points(row.overCascade) : '–',
      ]),
    ),
    '### What its mux knows',
    table(
      ['model', 'AUROC of p: model right', 'calibration error of p'],
      group.correct.map(({ id, auroc, calibrationError }) => [
        id,
        auroc ? plain(auroc) : '–',
        calibrationError.toFixed(4),
      ]),
    ),
  ];
}

export function groupTable(
  models: EvalReport['models'],
  { tableII, models: ids, bestModel }: GroupReport,
): string {
  const calls = tableII.find(({ shipped }) => shipped)?.called ?? {};
  return table(
    ['setup', 'FLOPs', 'fewer', 'accuracy', `over ${bestModel}`, `called: ${ids.join(' / ')}`],
    [
      ...models
        .filter(({ id }) => ids.includes(id))
        .map(({ id, flops, accuracy: found }) => [
          ...[id, millions(flops), '–', accuracy(found), '–', `${percent(calls[id] ?? 0)} % as shipped`],
        ]),
      ...tableII.map((row) => [
        row.shipped ? `${row.policy} (shipped)` : named(row),
        millions(row.flops),
        `${row.saving.toFixed(2)} ×`,
        accuracy(row.accuracy),
        points(row.overBestModel),
        ids.map((id) => percent(row.called[id] ?? 0)).join(' / '),
      ]),
    ],
  );
}

function named({ policy, wantedSaving }: GroupReport['tableII'][number]): string {
  return wantedSaving === null ? policy : `${policy} for ${wantedSaving} ×`;
}
