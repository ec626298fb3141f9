/** What an import says to a person. */
import { topK } from '../../mux/rules/probabilities.js';
import type { Calibrated } from './calibrate.js';
import type { ModelOption } from './import-options.js';
import type { Reading } from './onnx/onnx-scores.js';
import type { Proof } from './prove.js';
import { INSTALL_OLDEST } from './target.js';

const READINGS: Record<Reading, string[]> = {
  softmax: ['softmax added'],
  none: [],
  normalise: ['probabilities normalised'],
  'binary-logit': ['one score: a sigmoid added, two classes made of it'],
  'binary-probability': ['one probability: two classes made of it'],
};

/** What became of one model; with a picture of the user's, what it sees in it. */
export function modelLines(
  { target }: Pick<ModelOption, 'target'>,
  proof: Proof,
  labels: readonly string[],
  imageFile: string | null,
): string {
  const { height, width, channels, fit } = proof.input;
  const done = [
    'preprocessing inside the graph',
    ...READINGS[proof.reading],
    ...(proof.freedFrom === null ? [] : [`freed from a batch of ${proof.freedFrom}`]),
    ...(proof.loweredFrom === null
      ? []
      : [`opset ${proof.loweredFrom} brought down to ${proof.needs.opset}`]),
  ];
  const lines = [
    `${megas(proof.flops)} M multiply-accumulates, ${size(proof.bytes.length)}, ${done.join(', ')}`,
    `the same as before within ${proof.difference.toExponential(1)} in log-probability ` +
      `(another picture changes it by ${proof.reaction.toPrecision(2)})`,
  ];
  lines.push(
    `takes pictures of ${height}x${width}x${channels} (${fit}), needs opset ${proof.needs.opset} and IR ${proof.needs.ir}`,
  );
  if (target === 'jetpack46' && !proof.triedInTarget) {
    lines.push(`not tried in ONNX Runtime 1.11, which a Jetson with JetPack 4.6 has: ${INSTALL_OLDEST}`);
  }
  if (proof.reaction < 1e-3) lines.push('its answer hardly depends on the picture: has it been trained?');
  if (proof.uncounted.length > 0) {
    const some = proof.uncounted.slice(0, 3).join(', ');
    const more = proof.uncounted.length > 3 ? ` and ${proof.uncounted.length - 3} more` : '';
    lines.push(
      `not counted, since their shapes or sums are unknown: ${some}${more} (--flops ID=N sets the figure)`,
    );
  }
  if (imageFile !== null) lines.push(`in ${imageFile} it sees ${seen(proof.probabilities, labels)}`);
  return lines.map((line) => `  ${line}\n`).join('');
}

function seen(probabilities: Float32Array, labels: readonly string[]): string {
  return topK(probabilities, 3)
    .map(({ classIndex, probability }) => `${labels[classIndex] ?? classIndex} ${percent(probability)}`)
    .join(', ');
}

/** The policy of the zoo, and what it reaches where that is known. */
export function policyLines(given: number, found: Calibrated | null): string {
  if (!found) {
    return `policy cascade: the server is asked below a confidence of ${given} (a guess: --calibrate sets it by labelled images)\n`;
  }
  const { confidence, images, localAccuracy, cloudAccuracy, cascadeAccuracy, offloadShare } = found;
  const lines = [
    `policy cascade: the server is asked below a confidence of ${confidence}, set by ${images} images`,
    `  local ${percent(localAccuracy)}, cloud ${percent(cloudAccuracy)}, cascade ${percent(cascadeAccuracy)} right, ` +
      `${percent(offloadShare)} of the frames offloaded`,
  ];
  if (cloudAccuracy <= localAccuracy) lines.push('  the cloud model is no better here: nothing is offloaded');
  if (images < 500) lines.push(`  ${images} images are few: take 500 or more`);
  return `${lines.join('\n')}\n`;
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${megas(bytes)} MB`;
}

function megas(value: number): string {
  const millions = value / 1e6;
  return millions >= 100 ? millions.toFixed(0) : millions.toPrecision(3);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
