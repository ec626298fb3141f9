import { mean, percentile } from '../../common/statistics.js';
import { BOARD_FIGURES } from '../../drivers/simulation/board-model.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { ROUTES, type Route } from '../../protocol/messages.js';
import { columns } from '../columns.js';
import type { Judged } from './phase.js';

/** One column of the comparison: the same frames under one of the deployments of Fig. 2 (a), (b), (c). */
export interface DemoSetup {
  /** Share of results that name the right class; null where nothing says what the images show. */
  accuracy: number | null;
  /** Share of results that came from the device (routes mux, local and fallback). */
  localShare: number;
  /** Mean multiply-accumulates a frame, mux, device and server together. */
  flops: number;
  latencyMs: { p50: number; p95: number; p99: number };
  /** Mean energy of the device a frame over those that were measured; null where none was. */
  energyJ: {
    gross: number;
    net: number;
    /** Half of the 95 % interval of the mean net energy (normal); null for fewer than two frames. */
    netPlusMinus: number | null;
    simulated: boolean;
    /** Frames with an energy, those of them over a bridged gap in the samples, and results without one. */
    frames: { measured: number; bridged: number; unmeasured: number };
  } | null;
}

export const SETUPS = ['hybrid', 'mobile-only', 'cloud-only'] as const;
export type SetupName = (typeof SETUPS)[number];

export interface DemoSummary {
  frames: number;
  results: number;
  drops: Record<string, number>;
  routes: Record<Route, number>;
  provider: string;
  zoo: { name: string; version: string; hash: string };
  mode: string;
  cameras: number;
  ratePerS: number;
  seed: number;
  /** Between device and server. */
  link: string;
  setups: Record<SetupName, DemoSetup>;
}

/** Figures of one setup from its results. */
export function summarise(zoo: Zoo, judged: readonly Judged[]): DemoSetup {
  const latencies = judged.map(({ result }) => result.latencyMs.total);
  const energies = judged.flatMap(({ result }) => (result.energyJ ? [result.energyJ] : []));
  return {
    accuracy: accuracyOf(judged),
    localShare: mean(judged.map(({ result }) => Number(result.route !== 'cloud'))),
    flops: mean(judged.map((one) => flopsOf(zoo, one))),
    latencyMs: {
      p50: percentile(latencies, 0.5),
      p95: percentile(latencies, 0.95),
      p99: percentile(latencies, 0.99),
    },
    energyJ:
      energies.length === 0
        ? null
        : {
            gross: mean(energies.map((energy) => energy.gross)),
            net: mean(energies.map((energy) => energy.net)),
            netPlusMinus: plusMinus(energies.map((energy) => energy.net)),
            simulated: energies.some((energy) => energy.simulated),
            frames: {
              measured: energies.length,
              bridged: energies.filter((energy) => energy.bridged).length,
              unmeasured: judged.length - energies.length,
            },
          },
  };
}

function accuracyOf(judged: readonly Judged[]): number | null {
  const known = judged.flatMap(({ correct }) => (correct === null ? [] : [Number(correct)]));
  return known.length === 0 ? null : mean(known);
}

/** Half of the 95 % interval of a mean. */
function plusMinus(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
  return 1.96 * Math.sqrt(variance / values.length);
}

/** Multiply-accumulates spent on a frame: the mux where it was asked, and every model that ran. */
function flopsOf(zoo: Zoo, { result }: Judged): number {
  const mux = result.muxScore === null ? 0 : (zoo.muxPair?.flops ?? 0);
  return result.models.reduce((sum, id) => sum + zoo.modelById(id).flops, mux);
}

/** Results by route. */
export function countRoutes(judged: readonly Judged[]): Record<Route, number> {
  const count = (route: Route): number => judged.filter(({ result }) => result.route === route).length;
  return Object.fromEntries(ROUTES.map((route) => [route, count(route)])) as Record<Route, number>;
}

/** What the mean energies are means of. */
function frameCounts({ energyJ }: DemoSetup): string {
  if (!energyJ) return '–';
  const { measured, bridged, unmeasured } = energyJ.frames;
  return `${measured}, ${bridged}; ${unmeasured}`;
}

/** The comparison as a table for the terminal. */
export function summaryTable(summary: DemoSummary): string {
  const energy = Object.values(summary.setups).find((setup) => setup.energyJ)?.energyJ;
  const mark = energy?.simulated ? ' (simulated)' : '';
  const row = (name: string, cell: (setup: DemoSetup) => string): string[] => [
    name,
    ...SETUPS.map((setup) => cell(summary.setups[setup])),
  ];
  const joules = (setup: DemoSetup, kind: 'gross' | 'net'): string => {
    if (!setup.energyJ) return 'not measured';
    const spread = kind === 'net' ? setup.energyJ.netPlusMinus : null;
    const around = spread === null ? '' : ` ± ${(spread * 1000).toFixed(2)}`;
    return `${(setup.energyJ[kind] * 1000).toFixed(2)}${around} mJ`;
  };
  return columns([
    ['', ...SETUPS],
    row('accuracy', ({ accuracy }) => (accuracy === null ? 'no labels' : `${(accuracy * 100).toFixed(2)} %`)),
    row('answered on the device', (setup) => `${(setup.localShare * 100).toFixed(1)} %`),
    row('FLOPs a frame', (setup) => `${(setup.flops / 1e6).toFixed(2)} M`),
    row('latency p50', (setup) => `${setup.latencyMs.p50.toFixed(2)} ms`),
    row('latency p95', (setup) => `${setup.latencyMs.p95.toFixed(2)} ms`),
    row('latency p99', (setup) => `${setup.latencyMs.p99.toFixed(2)} ms`),
    row(`device energy a frame, gross${mark}`, (setup) => joules(setup, 'gross')),
    row(`device energy a frame, net${mark}`, (setup) => joules(setup, 'net')),
    row('  frames measured, of these over a gap; not measured', frameCounts),
  ]);
}

/** What the energies of the table mean, in one sentence; null where nothing was measured. */
export function energyMeaning({ setups, link }: DemoSummary): string | null {
  const mobile = setups['mobile-only'];
  const [kept, sent] = [mobile.energyJ, setups['cloud-only'].energyJ];
  if (!kept || !sent) return null;
  const mJ = (joules: number): string => `${(1e3 * joules).toPrecision(2)} mJ`;
  const moreJ = sent.net - kept.net;
  const spreadJ = Math.hypot(sent.netPlusMinus ?? Infinity, kept.netPlusMinus ?? Infinity);
  const difference =
    Math.abs(moreJ) > spreadJ
      ? `${mJ(Math.abs(moreJ))} (± ${(1e3 * spreadJ).toPrecision(2)}) ${moreJ < 0 ? 'less' : 'more'}`
      : 'no more than chance explains: take more frames';
  const networks = mJ(mobile.flops * BOARD_FIGURES.macJ.value);
  return (
    `A simulated TX2: of the ${mJ(kept.net)} that a frame answered on the device costs over idle, its network takes ${networks} ` +
    `and its decoding nearly all the rest; sent to the server (link ${link}) it costs ${difference}.`
  );
}
