import { accuracyOffload, fig1Of } from '../../eval/tables/figures.js';
import type { EvalReport } from '../../eval/schema.js';
import type { LinesSpec, Mark } from '../../charts/lines.js';
import type { Section } from '../document.js';
import { grouped } from '../numbers.js';
import type { SetupFigures } from './setup-figures.js';

/** What belongs on the picture besides the policy that was measured; the others are in eval.json. */
const POLICIES = ['mux', 'cascade', 'three-tier'];
const BASELINES = ['random', 'oracle', 'features'];

/** Accuracy by share offloaded: replayed curves, and the set-ups where they were measured; null without a pair. */
export function curvesSection(report: EvalReport, setups: readonly SetupFigures[]): Section | null {
  const { pair } = report;
  if (!pair) return null;
  const hybrid = setups.find(({ setup }) => setup === 'hybrid');
  const chart = accuracyOffload(report, pair, marksOf(setups));
  const wanted = [...POLICIES, ...(hybrid ? [hybrid.deviceMode] : []), ...BASELINES];
  return {
    id: 'curves',
    title: 'Accuracy and offloading',
    lead:
      'How accurate each rule is when it may offload a given share of the frames. Random offloads by chance, the oracle knows ' +
      'who will be right, the cascade runs the local model and offloads when it is unsure, features judges by hand-crafted ' +
      'features of the image.',
    blocks: [
      {
        kind: 'figure',
        id: 'accuracy-offload',
        width: 'full',
        chart: {
          ...chart,
          y: { ...chart.y, ...around(chart) },
          lines: chart.lines.filter(({ name }) => wanted.includes(name)),
        },
        caption:
          `Curves: replayed on the ${grouped(report.images)} test images of ${report.zoo.name}. Diamonds: set-ups as measured ` +
          `in this campaign, with their 95 % intervals${hybrid ? '; the hybrid is the operating point' : ''}.`,
      },
    ],
  };
}

/** Room for the intervals of what was measured: fewer frames, wider than the curves. */
function around({ y, marks }: LinesSpec): { min: number; max: number } {
  const ends = marks.flatMap(({ at, interval }) => [at[1], ...(interval ?? [])]);
  const [low, high] = [Math.min(y.min ?? 0, ...ends), Math.max(y.max ?? 100, ...ends)];
  return { min: Math.max(0, Math.floor(low)), max: Math.min(100, Math.ceil(high)) };
}

function marksOf(setups: readonly SetupFigures[]): Mark[] {
  return setups
    .filter(({ serverMode, setup }) => serverMode === null || ['cloud-only', 'hybrid'].includes(setup))
    .map(({ setup, deviceMode, localShare, accuracy }) => ({
      name: setup,
      like: deviceMode,
      at: [100 * (1 - localShare), 100 * accuracy.value] as const,
      interval: [100 * accuracy.low, 100 * accuracy.high] as const,
    }));
}

/** Fig. 1 of the paper for the models of the zoo. */
export function fig1Section(report: EvalReport): Section {
  const { ids, matrix } = report.fig1;
  const [cheap, dear] = [0, ids.length - 1];
  const found = matrix[cheap]?.[dear] ?? 0;
  return {
    id: 'fig-1',
    title: 'Fig. 1: who is right where another is wrong',
    lead:
      ids.length > 1
        ? `On ${(100 * found).toFixed(1)} % of the images ${ids[cheap]} is right and ${ids[dear]} is wrong: ` +
          'what multiplexing could gain over the largest model alone.'
        : '',
    blocks: [
      {
        kind: 'figure',
        id: 'fig1',
        width: 'full',
        chart: fig1Of(report),
        caption:
          'Share of images that the model of the row gets right and that of the column wrong. In the paper the smallest model ' +
          '(alexnet) is right about 2.8 % that the largest (resnext101_32x8d) is not.',
      },
    ],
  };
}
