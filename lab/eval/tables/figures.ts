/** Which figures a report has, by file name. */
import { isRanked } from '../../../mux/rules/policies/registry.js';
import { drawChart } from '../../charts/draw.js';
import type { BarsSpec } from '../../charts/bars.js';
import type { HeatmapSpec } from '../../charts/heatmap.js';
import type { ChartSpec } from '../../charts/kinds.js';
import type { Line, LinesSpec, Mark } from '../../charts/lines.js';
import type { EvalReport, GroupReport, PairReport } from '../schema.js';

const percent = (share: number): number => share * 100;
const mega = (flops: number): number => flops / 1e6;
const ACCURACY = 'accuracy (%)';
const COMPUTATION = 'multiply-accumulates a frame, device and server (millions)';

/** SVG by file name. */
export function figuresOf(report: EvalReport): Record<string, string> {
  return Object.fromEntries(
    Object.entries(chartsOf(report)).map(([name, spec]) => [`${name}.svg`, drawChart(spec)]),
  );
}

/** The same as descriptions, by name. */
export function chartsOf(report: EvalReport): Record<string, ChartSpec> {
  const { pair, group, hardness } = report;
  const where = whereOf(report);
  return {
    fig1: fig1Of(report),
    hardness: {
      kind: 'bars',
      title: `Hardness (${where})`,
      digits: 1,
      x: {
        name: 'hardness: number of models that are wrong',
        categories: hardness.map(({ wrong }) => `${wrong}`),
      },
      y: { name: 'images (%)' },
      bars: [{ name: 'images', values: hardness.map(({ share }) => percent(share)) }],
    },
    ...(pair ? pairCharts(report, pair) : {}),
    ...(group ? groupCharts(report, group, where) : {}),
  };
}

function whereOf({ zoo, images }: EvalReport): string {
  return `${zoo.name}, ${images} test images`;
}

/** Fig. 1: who is right where another is wrong. */
export function fig1Of(report: EvalReport): HeatmapSpec {
  return {
    kind: 'heat',
    title: `Right where another model is wrong, % of images (${whereOf(report)})`,
    x: { name: 'wrong' },
    y: { name: 'right' },
    digits: 1,
    labels: report.fig1.ids,
    cells: report.fig1.matrix.map((row) => row.map(percent)),
  };
}

type PairPoint = { offloadShare: number; flops: number };

function pairCharts(report: EvalReport, pair: PairReport): Record<string, ChartSpec> {
  const setups = pair.tableI.filter(({ setup }) => isRanked(setup));
  const marks = (x: (point: PairPoint) => number): Mark[] =>
    setups.map((row) => ({ name: '', at: [x(row), percent(row.accuracy.value)], like: row.setup }));
  const offload = (point: PairPoint): number => percent(point.offloadShare);
  const computation = (point: PairPoint): number => mega(point.flops);
  return {
    'accuracy-offload': accuracyOffload(report, pair, marks(offload)),
    'accuracy-flops': {
      kind: 'lines',
      title: `Accuracy against computation (${whereOf(report)})`,
      x: { name: COMPUTATION, min: 0 },
      y: { name: ACCURACY, ...pairRange(report, pair) },
      lines: pairLines(report, computation),
      marks: marks(computation),
    },
    ...costCharts(pair, whereOf(report)),
  };
}

/** Accuracy by share of frames offloaded, for every policy and baseline; diamonds where marks are. */
export function accuracyOffload(report: EvalReport, pair: PairReport, marks: readonly Mark[]): LinesSpec {
  return {
    kind: 'lines',
    title: `Accuracy against offloading (${whereOf(report)})`,
    x: { name: 'frames offloaded (%)', min: 0, max: 100 },
    y: { name: ACCURACY, ...pairRange(report, pair) },
    lines: pairLines(report, (point) => percent(point.offloadShare)),
    marks,
  };
}

function pairLines({ curves, baselines }: EvalReport, x: (point: PairPoint) => number): Line[] {
  const line = (role: Line['role'], { name, points }: EvalReport['curves']['pair'][number]): Line => ({
    name,
    role,
    points: points.map((point): [number, number] => [x(point), percent(point.accuracy)]),
  });
  return [
    ...curves.pair.map((curve) => line('policy', curve)),
    ...baselines.pair.map((curve) => line('baseline', curve)),
  ];
}

function pairRange(report: EvalReport, pair: PairReport): { min: number; max: number } {
  const lines = pairLines(report, (point) => point.offloadShare);
  const ends = report.models
    .filter(({ id }) => id === pair.local || id === pair.cloud)
    .map(({ accuracy }) => percent(accuracy.value));
  const heights = lines.flatMap(({ role, points }) => {
    const all = points.map(([, y]) => y);
    return role === 'policy' ? all : [Math.max(...all)];
  });
  return yRange([...ends, ...heights]);
}

/** Round bounds around what matters: baselines that fall below leave the picture. */
function yRange(values: readonly number[]): { min: number; max: number } {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = Math.max(0.1, (high - low) * 0.05);
  const step = high - low > 3 ? 1 : high - low > 1.2 ? 0.5 : 0.2;
  const round = (value: number, to: (x: number) => number) => Number((to(value / step) * step).toFixed(1));
  return {
    min: Math.max(0, round(low - margin, Math.floor)),
    max: Math.min(100, round(high + margin, Math.ceil)),
  };
}

function costCharts({ costs }: PairReport, where: string): Record<string, BarsSpec> {
  const shares = [...new Set(costs.map(({ gapShare }) => gapShare))];
  return Object.fromEntries(
    shares.map((gapShare) => {
      const tables = costs.filter((table) => table.gapShare === gapShare && table.muxFrom === 'flops');
      const policies = [...new Set(tables.flatMap(({ rows }) => rows.map(({ policy }) => policy)))].filter(
        (policy) => policy !== 'mobile-only',
      );
      const spec: BarsSpec = {
        kind: 'bars',
        digits: 2,
        title: `Device cost at ${percent(gapShare)} % of the local → cloud gap (${where})`,
        x: { name: 'cost of an upload (local runs)', categories: tables.map(({ upload }) => `${upload}`) },
        y: { name: 'cost of a frame (local runs)', min: 0 },
        bars: policies.map((name) => ({
          name,
          values: tables.map(({ rows }) => rows.find(({ policy }) => policy === name)?.cost ?? null),
        })),
      };
      return [`device-cost-${percent(gapShare)}`, spec];
    }),
  );
}

function groupCharts(report: EvalReport, group: GroupReport, where: string): Record<string, ChartSpec> {
  return {
    'group-accuracy-flops': groupAccuracy(report, group, where),
    'group-called': groupCalled(group, where),
  };
}

function groupAccuracy(
  { curves, baselines, models }: EvalReport,
  group: GroupReport,
  where: string,
): LinesSpec {
  const members = models.filter(({ id }) => group.models.includes(id));
  const lines = (role: Line['role']): Line[] =>
    (role === 'policy' ? curves.group : baselines.group).map(({ name, points }) => {
      const sorted = [...points].sort((a, b) => a.flops - b.flops);
      return { name, role, points: sorted.map(({ flops, accuracy }) => [mega(flops), percent(accuracy)]) };
    });
  const marks = members.map(({ id, flops, accuracy }): Mark => ({
    name: id,
    at: [mega(flops), percent(accuracy.value)],
  }));
  const everything = [...lines('policy'), ...lines('baseline')];
  const heights = [...everything.flatMap(({ points }) => points), ...marks.map(({ at }) => at)].map(
    ([, y]) => y,
  );
  return {
    kind: 'lines',
    title: `Group: accuracy against computation (${where})`,
    x: { name: 'multiply-accumulates an image (millions, logarithmic)', log: true },
    y: { name: ACCURACY, ...yRange(heights) },
    lines: everything,
    marks,
  };
}

function groupCalled(group: GroupReport, where: string): BarsSpec {
  return {
    kind: 'bars',
    title: `Group: how often each model runs (${where})`,
    digits: 0,
    x: { name: 'model', categories: group.models },
    y: { name: 'images (%)', min: 0 },
    bars: calledRows(group).map((row) => ({
      name: row.shipped ? `${row.policy} (shipped)` : ruleName(row),
      values: group.models.map((id) => percent(row.called[id] ?? 0)),
    })),
  };
}

function ruleName({ policy, wantedSaving }: GroupReport['tableII'][number]): string {
  return wantedSaving === null ? policy : `${policy} for ${wantedSaving} ×`;
}

/** What is shipped, the ensemble, and each rule at the least saving: more bars would hide them. */
function calledRows({ tableII }: GroupReport): GroupReport['tableII'] {
  const least = Math.min(...tableII.flatMap(({ wantedSaving }) => wantedSaving ?? []));
  return tableII.filter(({ wantedSaving }) => wantedSaving === null || wantedSaving === least);
}
