/** From measured outputs to eval.json. */
import type { Zoo } from '../../mux/zoo/zoo.js';
import type { Embeddings } from './outputs/embeddings.js';
import { ablationRow, type MeasuredAblation } from './pair/ablations.js';
import { Bootstrap, RESAMPLES } from './statistics/bootstrap.js';
import { calibratedOf } from './pair/calibrated.js';
import { claims } from './pair/claims.js';
import { contrastiveRows } from './outputs/contrastive.js';
import { evaluateGroup } from './group/evaluate-group.js';
import { evaluatePair, type PairEvaluation } from './pair/evaluate-pair.js';
import { groupOfMeasured } from './group/group-run.js';
import type { Measured } from './outputs/outputs.js';
import { calibrationError, hardnessOf, rightWrongMatrix, shareOf } from './statistics/metrics.js';
import { pairOf, type Pair } from './pair/pair.js';
import type { EvalReport } from './schema.js';

/** What a zoo ships to compare losses with. */
export interface Losses {
  ablations: readonly MeasuredAblation[];
  embeddings: Embeddings | null;
}
const NO_LOSSES: Losses = { ablations: [], embeddings: null };

/** @param seed of the bootstrap and of the halves of a cross-validation */
export function evaluate(zoo: Zoo, measured: Measured, seed: number, losses: Losses = NO_LOSSES): EvalReport {
  const { count, provider, features } = measured;
  const bootstrap = new Bootstrap(count, seed);
  const pair = pairOf(zoo, measured);
  const group = groupOfMeasured(measured);
  const calibrated = calibratedOf(zoo);
  const pairPart = pair && evaluatePair({ pair, calibrated, bootstrap, seed, features });
  const groupPart = group && evaluateGroup(zoo, group, bootstrap);
  return {
    schema: 1,
    zoo: { name: zoo.name, version: zoo.version, hash: zoo.hash },
    images: count,
    provider,
    seed,
    bootstrap: { resamples: RESAMPLES, level: 0.95 },
    notes: notes(zoo, measured, pair, pairPart),
    models: modelRows(zoo, measured, bootstrap),
    hardness: hardnessRows(measured),
    pair: pairPart?.report ?? null,
    group: groupPart?.report ?? null,
    ablations: losses.ablations.map((ablation) => ablationRow(ablation, bootstrap)),
    contrastive: losses.embeddings ? contrastiveRows(losses.embeddings) : [],
    curves: { pair: pairPart?.curves ?? [], group: groupPart?.curves ?? [] },
    baselines: { pair: pairPart?.baselines ?? [], group: groupPart?.baselines ?? [] },
    intervals: claims(pairPart, groupPart),
    fig1: { ids: measured.models.map(({ id }) => id), matrix: rightWrongMatrix(measured.models) },
  };
}

function modelRows(zoo: Zoo, { models }: Measured, bootstrap: Bootstrap): EvalReport['models'] {
  return models.map((model) => {
    const { roles, architecture } = zoo.modelById(model.id);
    const cheaper = models
      .filter(({ flops }) => flops < model.flops)
      .reduce<typeof model | null>(
        (best, one) => (best === null || shareOf(one.right) > shareOf(best.right) ? one : best),
        null,
      );
    return {
      id: model.id,
      roles,
      architecture,
      flops: model.flops,
      runMs: model.runMs,
      accuracy: bootstrap.of([model.right], (accuracy) => accuracy),
      calibrationError: calibrationError(model.confidence, model.right),
      overCheaper: cheaper && bootstrap.of([model.right, cheaper.right], (a, b) => a - b),
    };
  });
}

function hardnessRows({ models, pairMux, count }: Measured): EvalReport['hardness'] {
  const hardness = hardnessOf(models);
  return Array.from({ length: models.length + 1 }, (_, wrong) => {
    const images = Array.from(hardness.keys()).filter((i) => hardness[i] === wrong);
    const score = images.reduce((sum, i) => sum + (pairMux?.score[i] ?? 0), 0) / images.length;
    return { wrong, share: images.length / count, muxScore: pairMux && images.length > 0 ? score : null };
  });
}

/** What was looked at, where that is not the whole. */
function pictureNotes({ looked, count }: Measured): string[] {
  if (!looked)
    return [
      'Outputs of a labels file: no network was run, so there are no times, no other losses and no features.',
    ];
  const { images, unusable } = looked;
  const said: string[] = [];
  const read = count + unusable.count;
  const which =
    typeof images.key(0) === 'string'
      ? `${read} of ${images.count} images`
      : `The first ${read} of ${images.count} test images`;
  if (read < images.count) said.push(`${which} only.`);
  if (images.note !== null) said.push(images.note);
  if (unusable.count > 0) said.push(`${unusable.text()}; the first: ${unusable.lines[0] ?? ''}.`);
  return said;
}

/** What the zoo lacks, in words. */
function notes(zoo: Zoo, measured: Measured, pair: Pair | null, part: PairEvaluation | null): string[] {
  const { manifest } = zoo;
  const said = pictureNotes(measured);
  if (!pair) said.push('No pair: the zoo has no two models with the roles local and cloud.');
  else if (!measured.pairMux) said.push('No mux for the pair: only the cascade is judged.');
  if (!measured.groupMux) said.push('No group: the zoo has no group mux, so there is no Table II.');
  if (pair && part) {
    const fitted = part.report.costs.flatMap(({ rows }) => rows).filter(({ basis }) => basis === 'cross-fit');
    const modes = [...new Set(fitted.map(({ policy }) => policy))];
    if (modes.length > 0) {
      said.push(
        `The zoo ships no calibrated thresholds for stated accuracies of ${modes.join(', ')}: those were set on one ` +
          'half of the test images and judged on the other, both ways round (cross-fit).',
      );
    }
    if (measured.pairMux && !manifest.policy.calibration?.modes?.['three-tier']) {
      said.push('No calibrated fusing exponents: three-tier judges by the local model alone.');
    }
    if (!pair.gate)
      said.push('No need − harm gate: this zoo ships none, so three-tier ends in its confidence.');
    if (measured.features.length > 0)
      said.push(
        'Hand-crafted features: the zoo ships no training-side images, so each half of the test images is judged by ' +
          'neighbours from the other half.',
      );
  }
  return said;
}
