/** `eval.md`: the report as Markdown tables. */
import type { CostTable } from '../pair/device-costs.js';
import type { EvalReport, GroupReport, PairReport } from '../schema.js';
import { markdownText } from './escape.js';
import type { Interval } from '../statistics/bootstrap.js';

export function markdownOf(report: EvalReport): string {
  const { zoo, images, provider, bootstrap, pair, group, notes, seed } = report;
  const sections = [
    `# Evaluation of ${zoo.name} ${markdownText(zoo.version)}`,
    `${images} test images, execution provider ${provider}. Brackets are 95 % intervals of a paired bootstrap ` +
      `(${bootstrap.resamples} resamples, seed ${seed}). FLOPs are multiply-accumulates. Manifest sha256 ${zoo.hash}.`,
    ...(notes.length > 0 ? [notes.map((note) => `- ${markdownText(note)}`).join('\n')] : []),
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
      model.runMs?.toFixed(2) ?? '–',
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

function lossSections({ ablations, contrastive, pair, group }: EvalReport): string[] {
  return [
    ...(ablations.length > 0 ? ['## Muxes of other losses', ...ablationTables(ablations, pair, group)] : []),
    ...(contrastive.length > 0
      ? ['## Forms of the contrastive loss (eq. 2)', contrastiveTable(contrastive)]
      : []),
  ];
}

function ablationTables(
  rows: EvalReport['ablations'],
  pair: EvalReport['pair'],
  group: EvalReport['group'],
): string[] {
  const said = rows.map(({ name, notes }) => `- *${name}*: ${notes}`).join('\n');
  return [said, pairTableOf(rows, pair), groupTableOf(rows, group)];
}

function pairTableOf(rows: EvalReport['ablations'], pair: EvalReport['pair']): string {
  const own = pair?.auroc.find(({ score }) => score === 'mux score')?.auroc;
  const found = rows.flatMap(({ name, pair: row }) => (row ? [{ name, ...row }] : []));
  return table(
    [
      'pair',
      'AUROC: local wrong',
      'offloads at 0.5',
      'accuracy there',
      'accuracy at 32 % offload',
      'over cascade',
    ],
    [
      ...found.map(({ name, auroc, atHalf, atOffload }) => [
        ...[name, auroc ? plain(auroc) : '–', `${percent(atHalf.offloadShare)} %`, accuracy(atHalf.accuracy)],
        ...[accuracy(atOffload.accuracy), points(atOffload.overCascade)],
      ]),
      ["the zoo's own", own ? plain(own) : '–', 'see Table I', '', 'see above', ''],
    ],
  );
}

function groupTableOf(rows: EvalReport['ablations'], group: EvalReport['group']): string {
  const shipped = group?.tableII.find(({ policy }) => policy === 'ensemble');
  const found = rows.flatMap(({ name, group: row }) => (row ? [{ name, ...row }] : []));
  const own = shipped
    ? [{ ...shipped, name: "the zoo's own", threshold: Number(shipped.settings['threshold']) }]
    : [];
  return table(
    ['group, Algorithm 2', 'T', 'FLOPs', 'fewer', 'accuracy'],
    [...found, ...own].map(({ name, threshold, flops, saving, accuracy: reached }) => [
      ...[name, `${threshold}`, millions(flops), `${saving.toFixed(2)} ×`, accuracy(reached)],
    ]),
  );
}

function contrastiveTable(rows: EvalReport['contrastive']): string {
  const ids = Object.keys(rows[0]?.accuracy ?? {});
  const fixed = (value: number | null) => (value === null ? '–' : value.toFixed(3));
  return table(
    [
      'form',
      'training',
      ...ids.map((id) => `accuracy of ${id}`),
      'cosine, both right',
      'one right',
      'AUROC of disagreement',
    ],
    rows.map((row) => [
      ...[row.form, `${row.epochs} epochs of ${row.trainImages}`],
      ...ids.map((id) => `${percent(row.accuracy[id] ?? 0)} %`),
      ...[fixed(row.cosineBothRight), fixed(row.cosineOneRight), fixed(row.disagreementAuroc)],
    ]),
  );
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function percent(share: number): string {
  return (share * 100).toFixed(2).replace(/\.?0+$/, '');
}

function accuracy({ value, low, high }: Interval): string {
  return `${(value * 100).toFixed(2)} % [${(low * 100).toFixed(2)}, ${(high * 100).toFixed(2)}]`;
}

/** A difference, in points of percent. */
function points({ value, low, high }: Interval, digits = 2, unit = ''): string {
  const shown = (x: number) => `${x > 0 ? '+' : ''}${(x * 100).toFixed(digits)}`;
  return `${shown(value)}${unit && ` ${unit}`} [${shown(low)}, ${shown(high)}]`;
}

function plain({ value, low, high }: Interval): string {
  return `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}

function millions(flops: number): string {
  return `${(flops / 1e6).toFixed(3)} M`;
}
