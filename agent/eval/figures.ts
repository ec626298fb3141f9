/** Which figures a report has, by file name. */
import { barChart, heatMap, lineChart, type Series } from './charts.js';
import type { EvalReport, GroupReport, PairReport } from './schema.js';

export type Figures = Record<string, string>;

const percent = (share: number): number => share * 100;
const mega = (flops: number): number => flops / 1e6;
const ACCURACY = 'accuracy (%)';
const COMPUTATION = 'multiply-accumulates a frame, device and server (millions)';

export function figuresOf(report: EvalReport): Figures {
  const { pair, group, fig1, hardness, zoo, images } = report;
  const where = `${zoo.name}, ${images} test images`;
  return {
    'fig1.svg': heatMap(
      `Right where another model is wrong, % of images (${where})`,
      { name: 'wrong' },
      { name: 'right' },
      fig1.ids,
      fig1.matrix.map((row) => row.map(percent)),
      1,
    ),
    'hardness.svg': barChart(
      `Hardness (${where})`,
      {
        name: 'hardness: number of models that are wrong',
        categories: hardness.map(({ wrong }) => `${wrong}`),
      },
      { name: 'images (%)' },
      [{ name: 'images', values: hardness.map(({ share }) => percent(share)) }],
      1,
    ),
    ...(pair ? pairFigures(report, pair, where) : {}),
    ...(group ? groupFigures(report, group, where) : {}),
  };
}

function pairFigures({ curves, baselines, models }: EvalReport, pair: PairReport, where: string): Figures {
  const lines = (x: (point: { offloadShare: number; flops: number }) => number): Series[] => [
    ...curves.pair.map(({ name, points }): Series => {
      return { name, style: 'policy', points: points.map((point) => [x(point), percent(point.accuracy)]) };
    }),
    ...baselines.pair.map(({ name, points }): Series => {
      return { name, style: 'baseline', points: points.map((point) => [x(point), percent(point.accuracy)]) };
    }),
  ];
  const setups = pair.tableI.filter(({ setup }) => setup !== 'mobile-only' && setup !== 'cloud-only');
  const marks = (x: (point: { offloadShare: number; flops: number }) => number): Series => ({
    ...{ name: 'at calibrated thresholds', style: 'marks' },
    points: setups.map((row) => [x(row), percent(row.accuracy.value)]),
    like: setups.map(({ setup }) => setup),
  });
  const ends = models
    .filter(({ id }) => id === pair.local || id === pair.cloud)
    .map(({ accuracy }) => percent(accuracy.value));
  const shown = lines((point) => point.offloadShare);
  const lowest = shown
    .filter(({ style }) => style === 'policy')
    .flatMap(({ points }) => points.map(([, y]) => y));
  const range = yRange([...ends, ...lowest, ...shown.flatMap(tops)]);
  return {
    'accuracy-offload.svg': lineChart(
      `Accuracy against offloading (${where})`,
      { name: 'frames offloaded (%)', min: 0, max: 100 },
      { name: ACCURACY, ...range },
      [...lines((point) => percent(point.offloadShare)), marks((point) => percent(point.offloadShare))],
    ),
    'accuracy-flops.svg': lineChart(
      `Accuracy against computation (${where})`,
      { name: COMPUTATION, min: 0 },
      { name: ACCURACY, ...range },
      [...lines((point) => mega(point.flops)), marks((point) => mega(point.flops))],
    ),
    ...costFigures(pair, where),
  };
}

function tops({ points }: Series): number[] {
  return [Math.max(...points.map(([, y]) => y))];
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

function costFigures({ costs }: PairReport, where: string): Figures {
  const shares = [...new Set(costs.map(({ gapShare }) => gapShare))];
  return Object.fromEntries(
    shares.map((gapShare) => {
      const tables = costs.filter((table) => table.gapShare === gapShare && table.muxFrom === 'flops');
      const policies = [...new Set(tables.flatMap(({ rows }) => rows.map(({ policy }) => policy)))].filter(
        (policy) => policy !== 'mobile-only',
      );
      const svg = barChart(
        `Device cost at ${percent(gapShare)} % of the local → cloud gap (${where})`,
        { name: 'cost of an upload (local runs)', categories: tables.map(({ upload }) => `${upload}`) },
        { name: 'cost of a frame (local runs)', min: 0 },
        policies.map((name) => ({
          name,
          values: tables.map(({ rows }) => rows.find(({ policy }) => policy === name)?.cost ?? null),
        })),
        2,
      );
      return [`device-cost-${percent(gapShare)}.svg`, svg];
    }),
  );
}

function groupFigures({ curves, baselines, models }: EvalReport, group: GroupReport, where: string): Figures {
  const members = models.filter(({ id }) => group.models.includes(id));
  const lines = (style: 'policy' | 'baseline') =>
    (style === 'policy' ? curves.group : baselines.group).map(({ name, points }): Series => {
      const sorted = [...points].sort((a, b) => a.flops - b.flops);
      return { name, style, points: sorted.map(({ flops, accuracy }) => [mega(flops), percent(accuracy)]) };
    });
  const alone: Series = {
    ...{ name: 'one model', style: 'marks' },
    points: members.map(({ flops, accuracy }) => [mega(flops), percent(accuracy.value)]),
    labels: members.map(({ id }) => id),
  };
  const everything = [...lines('policy'), ...lines('baseline'), alone];
  const heights = everything.flatMap(({ points }) => points.map(([, y]) => y));
  return {
    'group-accuracy-flops.svg': lineChart(
      `Group: accuracy against computation (${where})`,
      { name: 'multiply-accumulates an image (millions, logarithmic)', log: true },
      { name: ACCURACY, ...yRange(heights) },
      everything,
    ),
    'group-called.svg': barChart(
      `Group: how often each model runs (${where})`,
      { name: 'model', categories: group.models },
      { name: 'images (%)', min: 0 },
      calledRows(group).map(({ policy, shipped, wantedSaving, called }) => ({
        name: shipped
          ? `${policy} (shipped)`
          : wantedSaving === null
            ? policy
            : `${policy} for ${wantedSaving} ×`,
        values: group.models.map((id) => percent(called[id] ?? 0)),
      })),
      0,
    ),
  };
}

/** What is shipped, the ensemble, and each rule at the least saving: more bars would hide them. */
function calledRows({ tableII }: GroupReport): GroupReport['tableII'] {
  const least = Math.min(...tableII.flatMap(({ wantedSaving }) => wantedSaving ?? []));
  return tableII.filter(({ wantedSaving }) => wantedSaving === null || wantedSaving === least);
}
