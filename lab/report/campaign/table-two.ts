import type { EvalReport, GroupReport } from '../../eval/schema.js';
import type { Cell, Section, Table } from '../document.js';
import { digitsFor, flops, NONE, number, percentInterval, share, text, withUnder } from '../numbers.js';
import { PAPER_MODELS, PAPER_SETUPS } from './paper.js';
import type { SetupFigures } from './setup-figures.js';

const COLUMNS: Table['columns'] = [
  { name: 'model or set-up', align: 'text' },
  { name: 'FLOPs', unit: 'an image', align: 'number' },
  { name: 'latency', unit: 'ms', align: 'number' },
  { name: 'accuracy', unit: '%', align: 'number' },
  { name: 'called', unit: '% of images', align: 'number' },
];

/** Table II: the group on the server; null where the zoo has none. */
export function tableTwoSection(report: EvalReport, setups: readonly SetupFigures[]): Section | null {
  const { group } = report;
  if (!group) return null;
  const measured = setups.filter(({ setup }) => setup === 'group-single' || setup === 'group-ensemble');
  const single = measured.find(({ setup }) => setup === 'group-single') ?? null;
  const times = report.models.flatMap(({ runMs }) => runMs ?? []);
  const digits = digitsFor([...times, ...measured.map(({ latencyMs }) => latencyMs.mean)]);
  const together = measured.map((figures) => measuredRow(figures, digits));
  const lead =
    measured.length > 0
      ? 'The group was measured over MQTT like the other set-ups; single models on the test images of the zoo.'
      : 'The group was not among the set-ups of this campaign: its rows are replayed on the test images, without a network.';
  const table: Table = {
    kind: 'table',
    id: 'table-2',
    caption: 'The group, and beneath it what the paper reports',
    columns: COLUMNS,
    rows: [
      ...modelRows(report, group, single, digits),
      ...(together.length > 0 ? together : replayedRows(group)),
    ],
    notes: [
      "A model's latency is the median of single images on this machine; a set-up's is the mean from admission to result.",
      `Called: share of images that the rule "single" sends to the model${single ? '' : ', replayed'}.`,
      ...(group.models.length === PAPER_MODELS.length
        ? [
            "The paper's models stand beneath ours in the order of the group: six of rising size, not the same networks.",
          ]
        : []),
    ],
  };
  return { id: 'table-ii', title: 'Table II: a group of models on the server', lead, blocks: [table] };
}

function modelRows(
  { models }: EvalReport,
  group: GroupReport,
  single: SetupFigures | null,
  digits: number,
): Cell[][] {
  const paired = group.models.length === PAPER_MODELS.length;
  const called = single?.called ?? replayed(group, 'single')?.called;
  return group.models.map((id, at): Cell[] => {
    const model = models.find((one) => one.id === id);
    const paper = paired ? PAPER_MODELS[at] : undefined;
    return [
      text(id, paper && `paper: ${paper.id}`),
      withUnder(
        { text: model ? flops(model.flops) : NONE, value: model?.flops ?? null },
        paper && flops(paper.flops),
      ),
      number(model?.runMs ?? null, digits, paper && `${paper.latencyMs}`),
      withUnder(share(model?.accuracy.value ?? null, 2), paper && (100 * paper.accuracy).toFixed(2)),
      withUnder(share(called ? (called[id] ?? 0) : null), paper && (100 * paper.called).toFixed(1)),
    ];
  });
}

function measuredRow(
  { setup, flops: { total: all }, latencyMs, accuracy }: SetupFigures,
  digits: number,
): Cell[] {
  const paper = PAPER_SETUPS[setup];
  return [
    text(setup, `paper: ${paper.what}; measured, interval ${percentInterval(accuracy)}`),
    { text: flops(all), value: all, under: flops(paper.flops) },
    number(latencyMs.mean, digits, `${paper.latencyMs}`),
    { ...share(accuracy.value, 2), under: (100 * paper.accuracy).toFixed(2) },
    text('100'),
  ];
}

/** The rules single and ensemble as the evaluation has them: the cheapest calibration of each. */
function replayedRows(group: GroupReport): Cell[][] {
  const rules = ['single', 'ensemble', 'escalate'].flatMap((rule) => replayed(group, rule) ?? []);
  return rules.map((row) => {
    const paper = { single: PAPER_SETUPS['group-single'], ensemble: PAPER_SETUPS['group-ensemble'] }[
      row.policy
    ];
    return [
      text(`${row.policy}, replayed`, paper ? `paper: ${paper.what}` : 'not in the paper'),
      withUnder({ text: flops(row.flops), value: row.flops }, paper && flops(paper.flops)),
      number(null, 0, paper && `${paper.latencyMs}`),
      withUnder(share(row.accuracy.value, 2), paper && (100 * paper.accuracy).toFixed(2)),
      text('100'),
    ];
  });
}

/** As shipped, else as calibrated for the paper's saving of 2.85, else whichever comes first. */
function replayed({ tableII }: GroupReport, rule: string): GroupReport['tableII'][number] | undefined {
  const rows = tableII.filter(({ policy }) => policy === rule);
  return (
    rows.find(({ shipped }) => shipped) ?? rows.find(({ wantedSaving }) => wantedSaving === 2.85) ?? rows[0]
  );
}
