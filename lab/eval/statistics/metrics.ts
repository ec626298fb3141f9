/** Figures of merit over N images, as pure functions. */
import type { Vector } from '../../../mux/rules/probabilities.js';

/** Share of ones; NaN for no images. */
export function shareOf(flags: Vector): number {
  let sum = 0;
  for (let i = 0; i < flags.length; i += 1) sum += flags[i] ?? 0;
  return sum / flags.length;
}

/** Image indices by falling score, in image order on a tie. */
export function ranked(scores: Vector): Uint32Array {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i);
  return order.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
}

/**
 * Area under the ROC curve: the chance that a positive image scores above a negative one, ties counting half.
 *
 * @param order `ranked(scores)`, given where many weightings of one score are wanted
 * @param weights how often each image counts; once without
 * @returns null where one of the two kinds is missing
 */
export function auroc(
  scores: Vector,
  positive: Vector,
  order: Uint32Array = ranked(scores),
  weights?: Vector,
): number | null {
  let [positives, negatives, pairs] = [0, 0, 0];
  for (let at = 0; at < order.length;) {
    const tied = scores[order[at] ?? 0];
    let [tiedPositives, tiedNegatives] = [0, 0];
    for (; at < order.length && scores[order[at] ?? 0] === tied; at += 1) {
      const i = order[at] ?? 0;
      const weight = weights ? (weights[i] ?? 0) : 1;
      if ((positive[i] ?? 0) > 0) tiedPositives += weight;
      else tiedNegatives += weight;
    }
    pairs += tiedNegatives * (positives + tiedPositives / 2);
    positives += tiedPositives;
    negatives += tiedNegatives;
  }
  return positives > 0 && negatives > 0 ? pairs / (positives * negatives) : null;
}

/** Bins of equal width of the calibration error. */
export const CALIBRATION_BINS = 15;

/**
 * Expected calibration error: mean over images of |share right − mean confidence| of the image's bin.
 *
 * @param confidence said P(right), in [0, 1]
 * @param right 0 or 1
 */
export function calibrationError(confidence: Vector, right: Vector): number {
  const gaps = new Float64Array(CALIBRATION_BINS);
  for (let i = 0; i < confidence.length; i += 1) {
    const said = confidence[i] ?? 0;
    const bin = Math.min(CALIBRATION_BINS - 1, Math.floor(said * CALIBRATION_BINS));
    gaps[bin] = (gaps[bin] ?? 0) + (right[i] ?? 0) - said;
  }
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / confidence.length;
}

/** Hardness of each image: how many of the models are wrong on it. */
export function hardnessOf(models: readonly { right: Uint8Array }[]): Uint8Array {
  const [first] = models;
  return Uint8Array.from({ length: first?.right.length ?? 0 }, (_, i) =>
    models.reduce((wrong, { right }) => wrong + 1 - (right[i] ?? 0), 0),
  );
}

/** Fig. 1: at [i][j] the share of images that model i gets right and model j gets wrong. */
export function rightWrongMatrix(models: readonly { right: Uint8Array }[]): number[][] {
  return models.map((a) =>
    models.map((b) => shareOf(a.right.map((right, i) => right * (1 - (b.right[i] ?? 0))))),
  );
}
