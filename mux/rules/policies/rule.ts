/**
 * What a device policy is: everything that the daemon, configuration, evaluation and calibration need to know of one.
 * Plain data and pure functions without zod, since the inference worker loads them.
 */
import type { ThresholdName, Thresholds } from '../../../common/policy-names.js';
import type { Gate } from '../gate.js';
import type { Vector } from '../probabilities.js';

/** What the mux said: `score` in [0, 1], higher = harder; class `probabilities` of its own head. */
export interface MuxReading {
  score: number;
  probabilities: Vector;
}

export type DecisionReason = 'easy' | 'confident' | 'hard' | 'unsure' | 'disabled';
/** What to do after the mux: let it answer, run the local model, or offload at once. */
export type FirstStep = 'answer' | 'local' | 'offload';
export interface Before {
  step: FirstStep;
  /** Final for `answer` and `offload`; for `local` it is the reason unless the ranking behind it finds another. */
  reason: DecisionReason;
}

/** What is known of a frame when a rule ranks it: K probabilities each, those of the local model once it ran. */
export interface Seen {
  mux: MuxReading | null;
  local: Vector;
  /** The device's best answer: the local probabilities, fused with the mux's where the rule fuses. */
  fused: Vector;
}

/** The threshold that ends a rule: a configuration can set it, and a calibration chooses it for a budget. */
export type LastThreshold = Extract<ThresholdName, 'mux' | 'confidence' | 'gain'>;

/** How a rule orders frames, and at which threshold of that order it offloads. */
export interface Ranking {
  threshold: LastThreshold;
  /** A frame is offloaded when its value is strictly above the threshold, or strictly below it. */
  offloads: 'above' | 'below';
  /** What is compared, for people. */
  label: string;
  /** In the threshold's own unit and range. */
  valueOf(frame: Seen): number;
}

/** A threshold on the mux that a frame meets before the ranking. */
export interface EarlierThreshold {
  name: Extract<ThresholdName, 'answer' | 'offload'>;
  /** What of the mux is compared: its score, or the largest probability of its class head. */
  of: 'score' | 'confidence';
  /** A search for thresholds tries the values of test images from this quantile on. */
  leastQuantile: number;
  /** Taken where nothing was calibrated: a quantile of the test images, and what that means. */
  plain: { quantile: number; label: string };
}

interface RuleBase {
  /** One sentence for people: the rule in words. */
  help: string;
  /** The zoo must have a mux for the pair, and every frame runs it. */
  asksMux: boolean;
  /** The zoo must have a local model. Without it is run only as fallback and under `privacy: strict`. */
  asksLocal: boolean;
  /** false: no frame is ever sent to a server. */
  offloads: boolean;
  /** The threshold that the mux's score is held against; null where the rule does not look at it. */
  scoreThreshold: ThresholdName | null;
  /**
   * What to do with a frame on the mux alone.
   *
   * @param mux null where the rule does not ask it
   */
  before(thresholds: Thresholds, mux: MuxReading | null): Before;
}

/** A rule that treats all frames alike: nothing to calibrate. */
export interface FixedRule extends RuleBase {
  kind: 'fixed';
}

/** A rule that ranks frames and offloads those beyond a threshold. */
export interface RankedRule extends RuleBase {
  kind: 'ranked';
  /** true: the ranking needs the local model's answer; false: `before` has applied it already. */
  localFirst: boolean;
  earlier: EarlierThreshold | null;
  /** true: the local answer is fused with the mux's by `fuseLocal` and `fuseMux`. */
  fuses: boolean;
  /** @param gate the zoo's; null where it has none, or the mux did not run */
  ranking(thresholds: Thresholds, gate: Gate | null): Ranking;
}

export type DevicePolicyRule = FixedRule | RankedRule;

/** The pair rule of Fig. 2c: strictly above, so that a threshold of 1 keeps everything. */
export function scoreExceeds(mux: MuxReading | null, threshold: number | undefined): boolean {
  return mux !== null && mux.score > (threshold ?? Infinity);
}
