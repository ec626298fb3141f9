/** The tables of `eval.md` about losses: muxes of other losses, and the forms of the contrastive one. */
import { accuracy, millions, percent, plain, points, table } from './format.js';
import type { EvalReport } from '../schema.js';

export function lossSections({ ablations, contrastive, pair, group }: EvalReport): string[] {
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
