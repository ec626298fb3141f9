/** Made-up outputs of a pair and of a group, from a seed: right more often where they are more confident. */
import type { MeasuredGroup } from '../../../../lab/eval/group/measured-group.js';
import { answersOf, type Answers, type MeasuredModel } from '../../../../lab/eval/outputs/outputs.js';
import type { Pair } from '../../../../lab/eval/pair/pair.js';
import { seededRandom } from '../../../../common/random.js';

const CLASSES = 4;

/** @param skill 0: guesses, 1: always right */
function answers(random: () => number, labels: Uint16Array, hard: Float64Array, skill: number): Answers {
  const probabilities = new Float32Array(labels.length * CLASSES);
  labels.forEach((label, i) => {
    const sure = Math.max(0, skill - (hard[i] ?? 0) * random());
    const top = random() < 0.3 + 0.7 * sure ? label : Math.floor(random() * CLASSES);
    const rest = (1 - (0.3 + 0.65 * sure)) / (CLASSES - 1);
    for (let k = 0; k < CLASSES; k += 1)
      probabilities[i * CLASSES + k] = k === top ? 0.3 + 0.65 * sure : rest;
  });
  return answersOf(probabilities, labels, CLASSES);
}

interface Scene {
  labels: Uint16Array;
  hard: Float64Array;
  model(id: string, flops: number, skill: number): MeasuredModel;
}

function scene(count: number, seed: number): Scene {
  const random = seededRandom(seed);
  const labels = Uint16Array.from({ length: count }, () => Math.floor(random() * CLASSES));
  const hard = Float64Array.from({ length: count }, () => random());
  return {
    labels,
    hard,
    model: (id, flops, skill) => ({ id, flops, runMs: flops / 10, ...answers(random, labels, hard, skill) }),
  };
}

export function madeUpPair(count: number, seed: number): Pair {
  const { labels, hard, model } = scene(count, seed);
  const mux = model('mux', 3, 0.6);
  return {
    count,
    labels,
    classes: CLASSES,
    local: model('small', 10, 0.8),
    gate: null,
    cloud: model('big', 100, 1),
    mux: { ...mux, score: Float32Array.from(hard, (value, i) => (value + ((i * 13) % 7) / 7) / 2) },
  };
}

export function madeUpGroup(count: number, seed: number): MeasuredGroup {
  const { labels, hard, model } = scene(count, seed);
  const models = [model('small', 10, 0.7), model('middle', 30, 0.85), model('big', 100, 1)];
  const mux = model('mux', 2, 0.5);
  const ids = models.map((one) => one.id);
  const correct = new Float32Array(count * 3);
  const weights = new Float32Array(count * 3);
  hard.forEach((value, i) => {
    correct.set([1 - value, 1 - value / 2, 1 - value / 4], 3 * i);
    weights.set([(1 - value) / 2, 0.25, (1 + value) / 2 - 0.25], 3 * i);
  });
  return {
    count,
    labels,
    classes: CLASSES,
    models,
    group: { ids, flops: models.map(({ flops }) => flops) },
    mux: { ...mux, correct, weights, ids },
  };
}
