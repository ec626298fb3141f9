/** The group over measured outputs: the server's rule, asked step by step as the server asks it. */
import { nextStep, rungsOf, type GroupPolicy, type GroupReading } from '../../../mux/rules/group.js';
import { argmax, type Vector } from '../../../mux/rules/probabilities.js';
import type { Measured, MeasuredModel } from '../outputs/outputs.js';
import { shareOf } from '../statistics/metrics.js';
import { climbsOf, combinedAnswers, setKey, type CombinedAnswer } from './combined.js';
import type { MeasuredGroup } from './measured-group.js';
import { rowOf } from '../pair/pair.js';

/** The zoo's group in the order of its mux; null without one. */
export function groupOfMeasured({
  count,
  classes,
  labels,
  models,
  groupMux,
}: Measured): MeasuredGroup | null {
  if (!groupMux) return null;
  const members = groupMux.ids.flatMap((id) => models.find((model) => model.id === id) ?? []);
  const group = { ids: members.map(({ id }) => id), flops: members.map(({ flops }) => flops) };
  return { count, classes, labels, group, models: members, mux: groupMux };
}

/** What a group policy did with each of N images. */
export interface GroupReplay {
  /** 0 or 1. */
  right: Uint8Array;
  /** Multiply-accumulates spent, the mux's included where it ran. */
  flops: Float64Array;
  /** 0 or 1 for each model of the group. */
  called: Uint8Array[];
}

/**
 * Every image through the rule.
 *
 * @param asksMux false: `escalate` from the cheapest model, the cascade that needs no mux
 */
export function applyGroupPolicy(
  measured: MeasuredGroup,
  policy: GroupPolicy,
  asksMux: boolean,
): GroupReplay {
  const { count, labels, group, mux } = measured;
  const outcome: GroupReplay = {
    right: new Uint8Array(count),
    flops: new Float64Array(count).fill(asksMux ? mux.flops : 0),
    called: group.ids.map(() => new Uint8Array(count)),
  };
  const add = (i: number, at: number): void => {
    outcome.flops[i] = (outcome.flops[i] ?? 0) + (group.flops[at] ?? 0);
    const column = outcome.called[at];
    if (column) column[i] = 1;
  };
  if (policy.mode === 'escalate' && policy.escalate.combine !== false) {
    climbAll(measured, policy, asksMux, outcome.right, add);
    return outcome;
  }
  for (let i = 0; i < count; i += 1) {
    const { models, probabilities } = choose(measured, policy, asksMux, i);
    for (const id of models) add(i, group.ids.indexOf(id));
    outcome.right[i] = argmax(probabilities) === labels[i] ? 1 : 0;
  }
  return outcome;
}

/** `escalate` over every image from answers that are known by now: a curve asks for the same ones again and again. */
function climbAll(
  measured: MeasuredGroup,
  { escalate, exponents }: GroupPolicy,
  asksMux: boolean,
  right: Uint8Array,
  add: (i: number, at: number) => void,
): void {
  const { count, group } = measured;
  const answers = combinedFor(measured, exponents, escalate.ladder);
  for (let i = 0; i < count; i += 1) {
    const rungs = rungsOf(group, escalate, asksMux ? readingAt(measured, i) : null);
    let used = 1;
    const said = () => answers.get(setKey(rungs.slice(0, used)));
    while (used < rungs.length && (said()?.confidence[i] ?? 1) < escalate.confidence) used += 1;
    for (const at of rungs.slice(0, used)) add(i, at);
    right[i] = said()?.right[i] ?? 0;
  }
}

/** What the models of a ladder say together, from each start. */
function combinedFor(
  measured: MeasuredGroup,
  exponents: readonly number[],
  ladder: readonly number[],
): ReadonlyMap<string, CombinedAnswer> {
  const known = COMBINED.get(measured) ?? new Map<string, Map<string, CombinedAnswer>>();
  COMBINED.set(measured, known);
  const key = `${exponents.join()} ${setKey(ladder)}`;
  const found = known.get(key) ?? combinedAnswers(measured, exponents, climbsOf(ladder));
  known.set(key, found);
  return found;
}
const COMBINED = new WeakMap<MeasuredGroup, Map<string, Map<string, CombinedAnswer>>>();

/** One image through the rule: the answer, and the models that ran for it in their order. */
export function choose(
  measured: MeasuredGroup,
  policy: GroupPolicy,
  asksMux: boolean,
  i: number,
): { probabilities: Vector; models: string[] } {
  const { classes, group, models } = measured;
  const reading = asksMux ? readingAt(measured, i) : null;
  const outputs = new Map<string, Vector>();
  for (;;) {
    const step = nextStep(group, policy, reading, outputs);
    if (step.kind === 'done') return { probabilities: step.probabilities, models: [...outputs.keys()] };
    for (const id of step.models) {
      const model = models[group.ids.indexOf(id)];
      outputs.set(id, model ? rowOf(model, i, classes) : []);
    }
  }
}

function readingAt({ mux, group }: MeasuredGroup, i: number): GroupReading {
  const size = group.ids.length;
  const row = (values: Float32Array) => values.subarray(i * size, (i + 1) * size);
  return { correct: row(mux.correct), weights: row(mux.weights) };
}

/** A setup of the group on a curve or in a table. */
export interface GroupPoint {
  accuracy: number;
  /** Mean multiply-accumulates of an input (eq. 14, with the mux). */
  flops: number;
  /** Share of inputs for which each model ran, by id. */
  called: Record<string, number>;
}

export function groupPoint({ group }: MeasuredGroup, outcome: GroupReplay): GroupPoint {
  return {
    accuracy: shareOf(outcome.right),
    flops: shareOf(outcome.flops),
    called: Object.fromEntries(group.ids.map((id, i) => [id, shareOf(outcome.called[i] ?? [])])),
  };
}

/** Wrong or right of everybody's mean probabilities: N flags. */
export function averageRight(
  models: readonly Pick<MeasuredModel, 'probabilities'>[],
  labels: Uint16Array,
  classes: number,
): Uint8Array {
  return Uint8Array.from(labels, (label, i) => {
    const sum = new Float64Array(classes);
    for (const model of models) {
      const row = rowOf(model, i, classes);
      for (let k = 0; k < classes; k += 1) sum[k] = (sum[k] ?? 0) + (row[k] ?? 0);
    }
    return argmax(sum) === label ? 1 : 0;
  });
}
