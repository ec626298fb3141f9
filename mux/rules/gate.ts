/**
 * The gate of `three-tier`: once the local model ran, would the cloud's answer do more good than harm? A network of one
 * hidden layer over numbers that do not depend on the number of classes; `scripts/train/policies/gate.py` trains it and computes
 * the same.
 */
import { argmax, entropyNats, maximum, topK, type Vector } from './probabilities.js';

/** How many numbers the gate looks at. */
export const GATE_FEATURES = 10;

/** Weights as the manifest holds them; H hidden units. */
export interface Gate {
  /** weights: H rows of GATE_FEATURES; bias: H. */
  hidden: Layer;
  /** Need and harm. weights: 2 rows of H; bias: 2. */
  heads: Layer;
}

interface Layer {
  weights: number[][];
  bias: number[];
}

/** What the device knows of a frame after the local model: K probabilities each, and the mux's score in [0, 1]. */
export interface GateInput {
  fused: Vector;
  local: Vector;
  mux: Vector;
  score: number;
}

/** Smallest doubt and smallest distance of a score from 0 and 1. */
const LEAST = 1e-6;
/** Largest logarithm of a quotient of probabilities, and largest −log of one. */
const MARGIN = 12;
/** As the floor of fused probabilities: float32 outputs say nothing below it. */
const FLOOR = 1e-12;

/** need − harm in [−1, 1]: P(cloud right, device wrong) less P(device right, cloud wrong). */
export function gainOf(gate: Gate, input: GateInput): number {
  const hidden = applied(gate.hidden, gateFeatures(input)).map((value) => Math.max(0, value));
  const [need = 0, harm = 0] = applied(gate.heads, hidden).map(sigmoid);
  return need - harm;
}

/**
 * The ten numbers: of the fused probabilities the doubt log(1 − max), log of first over second and of second over third,
 * and entropy in nats; the doubt of local model and mux; the log-probability of the fused answer with each; whether
 * both name one class; the logit of the mux's score.
 */
export function gateFeatures({ fused, local, mux, score }: GateInput): number[] {
  const answer = argmax(fused);
  const [first = 0, second = 0, third = second] = topK(fused, 3).map(({ probability }) => logOf(probability));
  const bounded = Math.min(1 - LEAST, Math.max(LEAST, score));
  return [
    doubt(fused),
    Math.min(MARGIN, first - second),
    Math.min(MARGIN, second - third),
    entropyNats(fused),
    doubt(local),
    doubt(mux),
    Math.max(-MARGIN, logOf(local[answer] ?? 0)),
    Math.max(-MARGIN, logOf(mux[answer] ?? 0)),
    argmax(local) === argmax(mux) ? 1 : 0,
    Math.log(bounded / (1 - bounded)),
  ];
}

function doubt(probabilities: Vector): number {
  return Math.log(Math.max(LEAST, 1 - maximum(probabilities)));
}

function logOf(probability: number): number {
  return Math.log(Math.max(FLOOR, probability));
}

function applied({ weights, bias }: Layer, input: readonly number[]): number[] {
  return weights.map((row, unit) =>
    row.reduce((sum, weight, at) => sum + weight * (input[at] ?? 0), bias[unit] ?? 0),
  );
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
