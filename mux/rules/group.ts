/**
 * The server's rule for a group of N models (Fig. 2d): which of them run for an input, and what their outputs say
 * together. Pure; used by the server, which runs models one after another, and by the evaluation.
 *
 * | policy     | runs                                                | answers                                    |
 * |------------|-----------------------------------------------------|--------------------------------------------|
 * | `largest`  | the model with the most FLOPs                       | its output                                 |
 * | `single`   | argmax of p_i − μ · c_i / c_max                     | its output                                 |
 * | `ensemble` | every model with w_i > T, else the one of largest w | mean of the outputs (Algorithm 2)          |
 * | `escalate` | where `single` would start, then the next dearer of | `combine` of all outputs at hand           |
 * |            | the ladder while the answer is not confident        |                                            |
 *
 * μ = 0 in `single` is the paper's argmax. The cost is a penalty here and not the divisor of eq. 5, which freezes
 * the weights. Whoever runs it asks `nextStep` again and again:
 *
 *     let step = nextStep(group, policy, reading, outputs);
 *     while (step.kind === 'run') { …run step.models, put their outputs into the map…; step = nextStep(…); }
 */
import type { ServerMode } from '../../common/policy-names.js';
import { argmax, fuse, maximum, mean, type Vector } from './probabilities.js';

/** The models of a group in the order of the mux's outputs. */
export interface Group {
  ids: readonly string[];
  /** Multiply-accumulates of one run, by model. */
  flops: readonly number[];
}

/** The rule in force and all its settings; each mode reads its own. */
export interface GroupPolicy {
  mode: ServerMode;
  /** `single`: price of a run of the dearest model, in probability. */
  mu: number;
  /** `ensemble`: T of Algorithm 2. */
  threshold: number;
  escalate: {
    /** μ where it starts. */
    mu: number;
    /** It goes up while the combined answer's largest probability is below this. */
    confidence: number;
    /** Indices of the models it may use, cheapest first. */
    ladder: readonly number[];
    /** false: the last model that ran answers alone; without, as `combine` says. */
    combine?: boolean;
  };
  /** e_i of `combine`, one a model. */
  exponents: readonly number[];
}

/** What the group mux said of one input. */
export interface GroupReading {
  /** p_i: that model i is right, N shares in [0, 1]. */
  correct: Vector;
  /** w_i of eq. 6: N shares that sum to 1. */
  weights: Vector;
}

/** K probabilities of each model that has run, by id. */
export type GroupOutputs = ReadonlyMap<string, Vector>;

export type GroupStep =
  | { kind: 'run'; models: readonly string[] }
  | {
      kind: 'done';
      probabilities: Vector;
      /** Part of each model in the answer; they sum to 1. */
      weights: ReadonlyMap<string, number>;
    };

/** True where the rule asks the group mux. */
export function needsGroupMux(policy: Pick<GroupPolicy, 'mode'>): boolean {
  return policy.mode !== 'largest';
}

/**
 * What to do next for one input.
 *
 * @param reading null only for `largest`, and for `escalate` without a mux: then it starts at the cheapest
 * @param outputs of the models that have run for this input so far
 */
export function nextStep(
  group: Group,
  policy: GroupPolicy,
  reading: GroupReading | null,
  outputs: GroupOutputs,
): GroupStep {
  if (policy.mode === 'escalate') return climb(group, policy, reading, outputs);
  const wanted = chosen(group, policy, reading);
  const missing = wanted.filter((id) => !outputs.has(id));
  if (missing.length > 0) return { kind: 'run', models: missing };
  const at = wanted.map((id) => outputs.get(id) ?? []);
  return {
    kind: 'done',
    probabilities: at.length === 1 ? (at[0] ?? []) : mean(at),
    weights: new Map(wanted.map((id) => [id, 1 / wanted.length])),
  };
}

/** The models that the mux alone decides on. */
function chosen(group: Group, policy: GroupPolicy, reading: GroupReading | null): string[] {
  if (policy.mode === 'largest' || reading === null) return [idOf(group, argmax(group.flops))];
  if (policy.mode === 'single') return [idOf(group, startAt(group, reading, policy.mu))];
  const passing = group.ids.filter((_, i) => (reading.weights[i] ?? 0) > policy.threshold);
  return passing.length > 0 ? passing : [idOf(group, argmax(reading.weights))];
}

/**
 * argmax over the models allowed of p_i − μ · c_i / c_max, the first on a tie.
 *
 * @param allowed indices; all models without
 * @returns an index
 */
export function startAt(
  { flops }: Group,
  { correct }: Pick<GroupReading, 'correct'>,
  mu: number,
  allowed?: readonly number[],
): number {
  const most = maximum(flops);
  const rating = flops.map((cost, i) =>
    allowed && !allowed.includes(i) ? -Infinity : (correct[i] ?? 0) - (mu * cost) / most,
  );
  return Math.max(0, argmax(rating));
}

/**
 * The models that `escalate` may run for an input, in their order: from where it starts up the ladder.
 *
 * @param reading null: without a mux, from the cheapest
 */
export function rungsOf(
  group: Group,
  { ladder, mu }: Pick<GroupPolicy['escalate'], 'ladder' | 'mu'>,
  reading: Pick<GroupReading, 'correct'> | null,
): number[] {
  const start = reading === null ? (ladder[0] ?? 0) : startAt(group, reading, mu, ladder);
  return [start, ...ladder.filter((i) => i > start)];
}

/** `escalate`: models that ran beyond the ladder's next one (a batch, a cache) do not shorten the way. */
function climb(
  group: Group,
  { escalate, exponents }: GroupPolicy,
  reading: GroupReading | null,
  outputs: GroupOutputs,
): GroupStep {
  const { confidence } = escalate;
  const rungs = rungsOf(group, escalate, reading);
  const used: { id: string; probabilities: Vector; exponent: number }[] = [];
  for (const i of rungs) {
    const id = idOf(group, i);
    const probabilities = outputs.get(id);
    if (probabilities === undefined) return { kind: 'run', models: [id] };
    if (escalate.combine === false) used.length = 0;
    used.push({ id, probabilities, exponent: exponents[i] ?? 1 });
    const answer = combine(used);
    if (maximum(answer) >= confidence || i === rungs.at(-1)) return answered(used, answer);
  }
  throw new RangeError('a ladder has at least one rung');
}

function answered(used: readonly { id: string; exponent: number }[], probabilities: Vector): GroupStep {
  const weights = shares(used);
  return { kind: 'done', probabilities, weights: new Map(used.map(({ id }, n) => [id, weights[n] ?? 0])) };
}

/**
 * Weighted mean of log-probabilities: p ∝ Π p_i^(e_i / Σe). One model alone keeps its calibrated output.
 *
 * @param used K probabilities of each model that ran, and its exponent e_i ≥ 0
 */
export function combine(used: readonly { probabilities: Vector; exponent: number }[]): Vector {
  const [first, ...others] = used;
  if (first && others.length === 0) return first.probabilities;
  const weights = shares(used);
  return fuse(used.map(({ probabilities }, n) => ({ probabilities, weight: weights[n] ?? 0 })));
}

/** e_i / Σe; equal shares where every exponent is 0. */
function shares(used: readonly { exponent: number }[]): number[] {
  const sum = used.reduce((total, { exponent }) => total + exponent, 0);
  return used.map(({ exponent }) => (sum > 0 ? exponent / sum : 1 / used.length));
}

function idOf(group: Group, index: number): string {
  const id = group.ids[index];
  if (id !== undefined) return id;
  throw new RangeError(`a group of ${group.ids.length} models has no model ${index}`);
}
