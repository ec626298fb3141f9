/** The job that does all for one image of a group, and its outcome. */
import type { Group, GroupPolicy } from '../rules/group.js';
import type { Timed } from './inference-types.js';

/** One image through the group's mux, its rule and the models that this asks for. */
export interface GroupJob {
  kind: 'group';
  pixels: Uint8Array;
  group: Group;
  policy: GroupPolicy;
}

/** On its way to the worker: as the job before it, which had the same group and policy. */
export type SameGroupJob = Omit<GroupJob, 'kind' | 'group' | 'policy'> & { kind: 'same-group' };

export interface GroupOutcome extends Timed {
  kind: 'group';
  /** K probabilities. */
  probabilities: Float32Array;
  /** Part of each model in the answer. */
  weights: Record<string, number>;
  /** Every model that ran, in order. */
  models: string[];
  /** Durations in ms of the mux's run, 0 without one, and of the models' together. */
  muxMs: number;
  ms: number;
}
