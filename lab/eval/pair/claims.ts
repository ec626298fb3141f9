/** The comparisons that matter, in words, each with its paired interval. */
import type { Interval } from '../statistics/bootstrap.js';
import type { GroupEvaluation } from '../group/evaluate-group.js';
import type { PairEvaluation } from './evaluate-pair.js';
import type { Named } from '../schema.js';

/** The cost of an upload, in local runs, that the headline figures assume. */
const HEADLINE_UPLOAD = 4;

export function claims(pair: PairEvaluation | null, group: GroupEvaluation | null): Named[] {
  return [...(pair ? pairClaims(pair) : []), ...(group ? groupClaims(group) : [])];
}

function pairClaims({ report }: PairEvaluation): Named[] {
  const { auroc, tableI, atOffload, costs } = report;
  const headline = costs.filter(({ upload, muxFrom }) => upload === HEADLINE_UPLOAD && muxFrom === 'flops');
  return [
    ...auroc.flatMap((row) => named(`AUROC of ${row.score}: ${row.finds}`, row.auroc)),
    ...tableI
      .filter(({ setup }) => setup !== 'cloud-only')
      .flatMap(({ setup, overCloud }) => named(`accuracy of ${setup} less that of cloud-only`, overCloud)),
    ...atOffload.flatMap(({ policy, offloadShare, overCascade }) =>
      named(`accuracy of ${policy} less that of cascade at ${percent(offloadShare)} offload`, overCascade),
    ),
    ...headline.flatMap(({ gapShare, rows }) =>
      rows.flatMap(({ policy, savingOverCascade }) =>
        named(
          `device cost saved by ${policy} over cascade at ${percent(gapShare)} of the gap, upload = ${HEADLINE_UPLOAD} × local`,
          savingOverCascade,
        ),
      ),
    ),
  ];
}

function groupClaims({ report }: GroupEvaluation): Named[] {
  const { tableII, atBudget, bestModel } = report;
  const calibrated = tableII.flatMap(({ policy, shipped, wantedSaving, saving, overBestModel }) => {
    const aim =
      wantedSaving === null ? 'calibrated whatever it costs' : `calibrated for ${wantedSaving} × fewer FLOPs`;
    const setting = shipped ? 'as shipped' : aim;
    return named(
      `accuracy of ${policy} (${setting}, ${saving.toFixed(2)} × fewer) less that of ${bestModel}`,
      overBestModel,
    );
  });
  const spent = atBudget.flatMap(({ policy, saving, overBestModel, overCascade }) => [
    ...named(`accuracy of ${policy} less that of ${bestModel} at ${saving} × fewer FLOPs`, overBestModel),
    ...named(`accuracy of ${policy} less that of cascade at ${saving} × fewer FLOPs`, overCascade),
  ]);
  return [...calibrated, ...spent];
}

function named(what: string, found: Interval | null): Named[] {
  return found ? [{ what, ...found }] : [];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
