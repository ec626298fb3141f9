/** The server's group policy as data: what the trainer calibrated, and what of it a configuration may change. */
import { z } from 'zod';
import { EdgemuxError } from '../../common/errors.js';
import { SERVER_MODES, type ServerMode } from '../../common/policy-names.js';
import { needsGroupMux, type Group, type GroupPolicy } from './group.js';

const unit = z.number().min(0).max(1);
const index = z.int().min(0);
export const groupModeSchema = z.enum(SERVER_MODES);

/** A rule with the settings that reach a budget: `saving` times fewer FLOPs than the largest model. */
const targetSchema = z.looseObject({
  policy: z.enum(['single', 'ensemble', 'escalate']),
  saving: z.number().positive(),
  mu: z.exactOptional(z.number().min(0)),
  threshold: z.exactOptional(unit),
  confidence: z.exactOptional(unit),
  ladder: z.exactOptional(z.array(index).min(1)),
});
export type GroupTarget = z.infer<typeof targetSchema>;

/** `policy.calibration.group` of a manifest, set on held-out images. */
export const groupCalibrationSchema = z.looseObject({
  policy: groupModeSchema,
  mu: z.number().min(0),
  threshold: unit,
  escalate: z.looseObject({ mu: z.number().min(0), confidence: unit, ladder: z.array(index).min(1) }),
  exponents: z.array(z.number().min(0).max(10)).min(1),
  targets: z.array(targetSchema).default([]),
});
export type GroupCalibration = z.infer<typeof groupCalibrationSchema>;

/** What a group policy needs to know of a zoo (a `Zoo` is one). */
export interface GroupZoo {
  name: string;
  manifest: {
    models: readonly { id: string; flops: number }[];
    mux?: { group?: { models: readonly string[] } | undefined } | undefined;
    policy: { calibration?: { group?: GroupCalibration | undefined } | undefined };
  };
  largest: { id: string; flops: number };
}

/** The zoo's group; without a group mux its largest model alone, which serves `largest`. */
export function groupOf({ manifest, largest }: GroupZoo): Group {
  const members = manifest.mux?.group?.models;
  if (!members) return { ids: [largest.id], flops: [largest.flops] };
  const flopsOf = (id: string) => manifest.models.find((model) => model.id === id)?.flops ?? 0;
  return { ids: [...members], flops: members.map(flopsOf) };
}

/** Settings that a server's configuration may give; the rest is the zoo's. */
export interface GroupPatch {
  mode?: ServerMode | undefined;
  mu?: number | undefined;
  threshold?: number | undefined;
  /** Of `escalate`. */
  confidence?: number | undefined;
  /** Of `escalate`. */
  combine?: boolean | undefined;
}

/**
 * The group policy that a zoo ships with, changed by a configuration. A zoo without a group serves `largest`.
 *
 * @throws EdgemuxError CONFIG_INVALID where the mode needs a group mux and the zoo has none
 */
export function groupPolicyOf(zoo: GroupZoo, patch: GroupPatch = {}): GroupPolicy {
  const shipped = shippedPolicy(zoo);
  const mode = patch.mode ?? shipped.mode;
  if (needsGroupMux({ mode }) && !zoo.manifest.mux?.group) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `policy '${mode}' needs a mux for a group, and zoo '${zoo.name}' has none: only 'largest' works`,
    );
  }
  return {
    ...shipped,
    mode,
    mu: patch.mu ?? shipped.mu,
    threshold: patch.threshold ?? shipped.threshold,
    escalate: {
      ...shipped.escalate,
      mu: patch.mu ?? shipped.escalate.mu,
      confidence: patch.confidence ?? shipped.escalate.confidence,
      ...(patch.combine === undefined ? {} : { combine: patch.combine }),
    },
  };
}

/** The paper's T (Section 4), where nothing was calibrated. */
const PAPER_THRESHOLD = 0.288;

function shippedPolicy(zoo: GroupZoo): GroupPolicy {
  const { ids } = groupOf(zoo);
  const everyModel = ids.map((_, i) => i);
  const found = zoo.manifest.policy.calibration?.group;
  if (!found || !zoo.manifest.mux?.group) {
    const escalate = { mu: 0, confidence: 1, ladder: everyModel };
    return { mode: 'largest', mu: 0, threshold: PAPER_THRESHOLD, escalate, exponents: ids.map(() => 1) };
  }
  const { policy: mode, mu, threshold, exponents } = found;
  const { mu: startMu, confidence, ladder } = found.escalate;
  return { mode, mu, threshold, exponents, escalate: { mu: startMu, confidence, ladder } };
}

/** The policy of one row of the zoo's calibrated `targets`. */
export function policyOfTarget(base: GroupPolicy, target: GroupTarget): GroupPolicy {
  const { mu = 0, threshold = base.threshold, confidence = base.escalate.confidence } = target;
  const ladder = target.ladder ?? base.escalate.ladder;
  return { ...base, mode: target.policy, mu, threshold, escalate: { mu, confidence, ladder } };
}

/** What a group's calibration says that cannot be: exponents or rungs that fit no model. */
export function groupContradictions(
  group: { models: readonly string[] },
  found: GroupCalibration,
): [(string | number)[], string][] {
  const at = ['policy', 'calibration', 'group'];
  const count = group.models.length;
  const problems: [(string | number)[], string][] = [];
  if (found.exponents.length !== count) {
    problems.push([[...at, 'exponents'], `${found.exponents.length} exponents for ${count} models`]);
  }
  const ladders: [(string | number)[], readonly number[]][] = [
    [[...at, 'escalate', 'ladder'], found.escalate.ladder],
    ...found.targets.map((target, n): [(string | number)[], readonly number[]] => [
      [...at, 'targets', n, 'ladder'],
      target.ladder ?? [0],
    ]),
  ];
  for (const [path, ladder] of ladders) {
    const rises = ladder.every((rung, n) => rung < count && rung > (ladder[n - 1] ?? -1));
    if (!rises) problems.push([path, `[${ladder.join()}] is no rising list of models 0 to ${count - 1}`]);
  }
  return problems;
}
