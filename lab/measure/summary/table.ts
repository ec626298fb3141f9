/** A campaign's figures as text for a terminal. Pure. */
import { columns } from '../../columns.js';
import type { CampaignSummary, FormulaValue, LatencyStages, SetupSummary } from './summary-types.js';

type Cell = (setup: SetupSummary) => string;

/** Set-ups side by side, then the formulas beside the measured values. */
export function summaryText(summary: CampaignSummary): string {
  const { setups, simulated, runs } = summary;
  const mark = simulated ? ' (simulated)' : '';
  const rows: [string, Cell][] = [
    ['accuracy', ({ accuracy }) => percent(accuracy.value)],
    ['  95 % interval', ({ accuracy }) => `${percent(accuracy.low)} – ${percent(accuracy.high)}`],
    ['answered on the device', ({ localShare }) => percent(localShare)],
    ['FLOPs a frame', ({ flops }) => `${(flops.total / 1e6).toFixed(2)} M`],
    ['latency, mean', ({ latencyMs }) => ms(latencyMs.mean)],
    ['  p50 / p95', ({ latencyMs }) => `${latencyMs.p50.toFixed(2)} / ${ms(latencyMs.p95)}`],
    ...STAGES.map(([stage, name]): [string, Cell] => [
      `  ${name}`,
      ({ latencyMs }) => ms(latencyMs.stages[stage]),
    ]),
    [`device energy a frame, gross${mark}`, ({ energy }) => joules(energy?.frame?.grossJ)],
    [`  net of idle${mark}`, ({ energy }) => joules(energy?.frame?.netJ)],
    ['  frames measured; without an energy', measuredFrames],
    [`measured phase a frame, gross${mark}`, ({ energy }) => joules(energy?.phase?.grossJ)],
    [`  net of idle${mark}`, ({ energy }) => joules(energy?.phase?.netJ)],
    ['spread over repeats: accuracy', ({ spread }) => plusMinus(spread.accuracy, 100, '%')],
    ['  latency', ({ spread }) => plusMinus(spread.latencyMs, 1, 'ms')],
    [`  energy, gross${mark}`, ({ spread }) => plusMinus(spread.energyGrossJ, 1000, 'mJ')],
    ['frames (without a result)', ({ frames, missing }) => `${frames} (${missing})`],
  ];
  const head = ['', ...setups.map(({ setup }) => setup)];
  return [
    columns([head, ...rows.map(([name, cell]) => [name, ...setups.map(cell)])]),
    '',
    formulaText(summary.formulas, mark),
    linkText(summary),
    ...summary.notMeasured.map(({ what, why }) => `not measured: ${what} (${why})`),
    ...(runs.done < runs.planned ? [`${runs.planned - runs.done} of ${runs.planned} runs are not done`] : []),
  ].join('\n');
}

/** What the mean energy of a frame is a mean of. */
function measuredFrames({ energy, frames, missing }: SetupSummary): string {
  const measured = energy?.frame?.measured ?? 0;
  return energy ? `${measured}; ${frames - missing - measured}` : '–';
}

const STAGES: [keyof LatencyStages, string][] = [
  ['queue', 'queue'],
  ['decode', 'decode'],
  ['mux', 'mux'],
  ['local', 'local'],
  ['encode', 'encode'],
  ['upload', 'upload (estimated)'],
  ['cloud', 'server'],
  ['download', 'download (estimated)'],
  ['other', 'other'],
];

function formulaText(formulas: readonly FormulaValue[], mark: string): string {
  if (formulas.length === 0) return '';
  const value = (quantity: FormulaValue['quantity'], number: number | null): string => {
    if (number === null) return '–';
    if (quantity === 'flops') return `${(number / 1e6).toFixed(2)} M`;
    return quantity === 'latencyMs' ? ms(number) : joules(number);
  };
  const named = {
    flops: 'FLOPs',
    latencyMs: 'latency',
    energyGrossJ: `energy gross${mark}`,
    energyNetJ: `energy net${mark}`,
  };
  const head = ['formula', 'measured', 'mux negligible', 'mux = one local pass', 'mux as measured'];
  const rows = formulas.map(({ equation, setup, quantity, ...values }) => [
    `eq. ${equation} ${setup} ${named[quantity]}`,
    ...[values.measured, values.muxNegligible, values.muxOneLocalPass, values.muxMeasured].map((number) =>
      value(quantity, number),
    ),
  ]);
  return `${columns([head, ...rows])}\n`;
}

function linkText({ link, measuredLinks }: CampaignSummary): string {
  const measured = measuredLinks.at(-1);
  const rate = (mbitS: number | null | undefined): string =>
    mbitS ? `${mbitS.toFixed(2)} Mbit/s` : 'unknown';
  const found = measured
    ? `measured ${rate(measured.uplinkMbitS)} up, ${rate(measured.downlinkMbitS)} down, round trip ${ms(measured.rttMs)}`
    : 'not measured';
  return `link ${link.name}: ${found}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}

function joules(energyJ: number | null | undefined): string {
  return energyJ === null || energyJ === undefined ? 'not measured' : `${(energyJ * 1000).toFixed(2)} mJ`;
}

function plusMinus(spread: { sd: number } | null, factor: number, unit: string): string {
  return spread === null ? '–' : `± ${(spread.sd * factor).toFixed(2)} ${unit}`;
}
