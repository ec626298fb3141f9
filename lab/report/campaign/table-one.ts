import type { CampaignSummary, Spread } from '../../measure/summary/summary-types.js';
import type { Section, Table } from '../document.js';
import { digitsFor, flops, grouped, NONE, number, percentInterval, share, text } from '../numbers.js';
import { formulaTable } from './equation.js';
import { PAPER_SETUPS } from './paper.js';
import { MILLI, type SetupFigures } from './setup-figures.js';

/** Table I: what each deployment costs and how often it is right, beside the paper's. */
export function tableOneSection(setups: readonly SetupFigures[], summary: CampaignSummary): Section {
  const hybrid = setups.find(({ setup }) => setup === 'hybrid');
  return {
    id: 'table-i',
    title: 'Table I: the deployments',
    lead: leadOf(hybrid),
    blocks: [tableOne(summary), spreadTable(setups), ...formulaTable(summary)],
  };
}

function leadOf(hybrid: SetupFigures | undefined): string {
  if (!hybrid) return 'No hybrid among the set-ups that were measured.';
  const said = `The hybrid keeps ${(100 * hybrid.localShare).toFixed(1)} % of the frames on the device`;
  if (!hybrid.overCloud) return `${said}.`;
  const { value, low, high } = hybrid.overCloud;
  const tie = low <= 0 && high >= 0 ? ', a tie' : '';
  const signed = (part: number): string => `${part > 0 ? '+' : ''}${(100 * part).toFixed(2)}`;
  return (
    `${said}; its accuracy less that of cloud-only on the same frames is ${signed(value)} points ` +
    `[${signed(low)}, ${signed(high)}]${tie}.`
  );
}

/** The rows are those of summary.json. */
function tableOne({ tableI, setups }: CampaignSummary): Table {
  const simulated = setups.some(({ energy }) => energy?.simulated === true);
  const digits = digitsFor(tableI.map(({ mobileEnergyGrossJ }) => milli(mobileEnergyGrossJ)));
  const msDigits = digitsFor(tableI.map(({ latencyMs }) => latencyMs));
  return {
    kind: 'table',
    id: 'table-1',
    caption: 'Measured here, and beneath it what the paper reports',
    columns: [
      { name: 'set-up', align: 'text' },
      { name: 'FLOPs', unit: 'a frame', align: 'number' },
      { name: 'latency, mean', unit: 'ms', align: 'number' },
      { name: `device energy${simulated ? ', simulated' : ''}`, unit: 'mJ, gross', align: 'number' },
      { name: 'kept on the device', unit: '% of frames', align: 'number' },
      { name: 'accuracy', unit: '%', align: 'number' },
    ],
    rows: tableI.map((row) => {
      const paper = PAPER_SETUPS[row.setup];
      return [
        text(row.setup, `paper: ${paper.what}`),
        { text: flops(row.flops), value: row.flops, under: flops(paper.flops) },
        number(row.latencyMs, msDigits, `${paper.latencyMs}`),
        number(milli(row.mobileEnergyGrossJ), digits, paper.energyMJ === null ? NONE : `${paper.energyMJ}`),
        {
          ...share(row.localShare),
          under: paper.localShare === null ? NONE : `${100 * paper.localShare}`,
        },
        { ...share(row.accuracy, 2), under: `${(100 * paper.accuracy).toFixed(2)}` },
      ];
    }),
    notes: [
      'FLOPs are multiply-accumulates of device and server together. A frame without a result counts as wrong.',
      'The paper classified ImageNet on a Jetson TX2 with a GTX 1080 Ti: the rows compare deployments, not machines.',
    ],
  };
}

function spreadTable(setups: readonly SetupFigures[]): Table {
  const plusMinus = (value: Spread | null, digits: number, by = 1): string | undefined =>
    value === null || value.repeats < 2 ? undefined : `± ${(by * value.sd).toFixed(digits)}`;
  const simulated = setups.some(({ energy }) => energy?.simulated === true);
  const digits = digitsFor(setups.map(({ energy }) => milli(energy?.frame?.netJ)));
  return {
    kind: 'table',
    id: 'spread',
    caption: 'How sure that is',
    columns: [
      { name: 'set-up', align: 'text' },
      { name: 'frames', align: 'number' },
      { name: 'accuracy', unit: '%, 95 % interval', align: 'number' },
      { name: 'latency, mean', unit: 'ms, ± over runs', align: 'number' },
      ...['p50', 'p95', 'p99'].map((name) => ({ name, unit: 'ms', align: 'number' as const })),
      { name: `net energy${simulated ? ', simulated' : ''}`, unit: 'mJ, ± over runs', align: 'number' },
      { name: 'fallback', unit: '%', align: 'number' },
      { name: 'no result', unit: 'frames', align: 'number' },
    ],
    rows: setups.map(
      ({ setup, runs, frames, accuracy, latencyMs, spread, energy, fallbackShare, missing }) => [
        text(setup),
        { text: grouped(frames), value: frames, under: `${runs} runs` },
        { ...share(accuracy.value, 2), under: percentInterval(accuracy) },
        number(latencyMs.mean, 2, plusMinus(spread.latencyMs, 2)),
        ...[latencyMs.p50, latencyMs.p95, latencyMs.p99].map((ms) => number(ms, 2)),
        number(milli(energy?.frame?.netJ), digits, plusMinus(spread.energyNetJ, digits, MILLI)),
        share(fallbackShare),
        { text: grouped(missing), value: missing },
      ],
    ),
    notes: [
      "Intervals are Wilson's over distinct images, since repeats of one image are no new evidence. ± is the standard deviation of the means of the runs.",
    ],
  };
}

function milli(joules: number | null | undefined): number | null {
  return joules == null ? null : MILLI * joules;
}
