/** The usual ways of preparing a picture, what they do to a model's answers, and which of them cannot be told apart. */
import { mean, wilsonInterval, Z_95 } from '../../common/statistics.js';
import { FITS, KERNELS, type NetworkInput } from '../../mux/zoo/input.js';
import type { Normalisation } from './import-options.js';

export type Fitting = Pick<NetworkInput, 'fit' | 'share' | 'kernel'>;

export interface Preparation {
  normalisation: Normalisation;
  fitting: Fitting;
}

/**
 * Means and deviations that published networks were trained with: torchvision and timm (ImageNet's own), Inception and
 * MobileNet of TensorFlow, EfficientNet-Lite, plain shares, plain bytes, Caffe's, and CIFAR-10's.
 */
const TABLES: readonly Pick<Normalisation, 'scale' | 'mean' | 'std'>[] = [
  { scale: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  { scale: 255, mean: [0.5], std: [0.5] },
  { scale: 1, mean: [127], std: [128] },
  { scale: 255, mean: [0], std: [1] },
  { scale: 1, mean: [0], std: [1] },
  { scale: 1, mean: [123.675, 116.28, 103.53], std: [1] },
  { scale: 255, mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
];
/** Of one channel: MNIST's beside the plain ones. */
const GREY_TABLES: typeof TABLES = [
  ...TABLES.filter(({ mean: means }) => means.length === 1),
  { scale: 255, mean: [0.1307], std: [0.3081] },
];

/** Every table in RGB and BGR; the tables are of red, green, blue, a model's are in the order of its channels. */
export function normalisations(colour: Normalisation['colour']): Normalisation[] {
  if (colour === 'gray') return GREY_TABLES.map((table) => ({ ...table, colour }));
  const turned = (values: readonly number[]): readonly number[] => [...values].reverse();
  return TABLES.flatMap((table): Normalisation[] => [
    { ...table, colour: 'rgb' },
    { ...table, mean: turned(table.mean), std: turned(table.std), colour: 'bgr' },
  ]);
}

/** Shares that `crop` is tried with. */
const SHARES = [0.875, 1];

export function fittings(): Fitting[] {
  return FITS.flatMap((fit) =>
    KERNELS.flatMap((kernel) => (fit === 'crop' ? SHARES : [1]).map((share) => ({ fit, share, kernel }))),
  );
}

/** With which normalisations are compared: all of the picture's middle, in shape. */
export const NEUTRAL: Fitting = { fit: 'crop', share: 1, kernel: 'bilinear' };

/** What a preparation did: of each picture 1 or 0 for right and wrong, or, without labels, the confidence. */
export interface Tried extends Preparation {
  scores: number[];
  /** The most probable class of each picture. */
  answers: number[];
}

export interface Ranked extends Tried {
  /** Mean of the scores, and its 95 % interval. */
  score: number;
  low: number;
  high: number;
  /** True where the pictures cannot tell it from the first. */
  tied: boolean;
}

/** Best first. Ties are found by pairs: both prepared the same pictures. */
export function ranked(tried: readonly Tried[], labelled: boolean): Ranked[] {
  const rows = tried.map((one) => ({ ...one, score: mean(one.scores) })).sort((a, b) => b.score - a.score);
  const [first] = rows;
  return rows.map((row) => ({
    ...row,
    ...(labelled ? wilsonInterval(row.score, row.scores.length) : meanInterval(row.scores)),
    tied:
      row === first ||
      meanInterval((first?.scores ?? []).map((best, i) => best - (row.scores[i] ?? 0))).low <= 0,
  }));
}

/** Mean ± 1.96 standard errors. */
function meanInterval(values: readonly number[]): { low: number; high: number } {
  const centre = mean(values);
  const variance = mean(values.map((value) => (value - centre) ** 2));
  const half = Z_95 * Math.sqrt(variance / values.length);
  return { low: centre - half, high: centre + half };
}

export function samePreparation(a: Preparation, b: Preparation): boolean {
  return JSON.stringify(plain(a)) === JSON.stringify(plain(b));
}

function plain({ normalisation, fitting }: Preparation): unknown[] {
  const { scale, mean: means, std, colour } = normalisation;
  return [scale, spread(means), spread(std), colour, fitting.fit, fitting.share, fitting.kernel];
}

function spread(values: readonly number[]): readonly number[] {
  return values.length === 1 ? [values[0] ?? 0, values[0] ?? 0, values[0] ?? 0] : values;
}

/** `(x / 255 − 0.5) / 0.5, RGB, crop 0.875, bicubic` */
export function preparationText({ normalisation, fitting }: Preparation): string {
  const { scale, mean: means, std, colour } = normalisation;
  const { fit, share, kernel } = fitting;
  const scaled = scale === 1 ? 'x' : `x / ${scale}`;
  const crop = fit === 'crop' ? ` ${share}` : '';
  const order = colour === 'gray' ? 'grey' : colour.toUpperCase();
  return `(${scaled} − ${means.join()}) / ${std.join()}, ${order}, ${fit}${crop}, ${kernel}`;
}

/** What to type for it. */
export function preparationFlags(id: string, { normalisation, fitting }: Preparation): string {
  const { scale, mean: means, std, colour } = normalisation;
  const flags: [string, string | number][] = [
    ['mean', means.join()],
    ['std', std.join()],
    ['scale', scale],
    ['colour', colour],
    ['fit', fitting.fit],
    ...(fitting.fit === 'crop' ? ([['share', fitting.share]] as [string, number][]) : []),
    ['kernel', fitting.kernel],
  ];
  return flags.map(([flag, value]) => `--${flag} ${id}=${value}`).join(' ');
}
