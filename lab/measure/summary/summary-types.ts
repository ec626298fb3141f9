/** What is computed from a campaign. Quantities carry their unit; shares lie in [0, 1]. */
import type { LinkProfile, MeasuredLink, NotMeasured, SetupName } from '../store/facts.js';

/** A figure of each repeat, together. */
export interface Spread {
  mean: number;
  sd: number;
  min: number;
  max: number;
  repeats: number;
}

/** Terms of eq. 9–12 as they were measured, means over the frames with a result; together the latency. */
export interface LatencyStages {
  queue: number;
  decode: number;
  mux: number;
  local: number;
  encode: number;
  /** Estimated, as is `download`: see `uploadShare`. */
  upload: number;
  cloud: number;
  download: number;
  /** The rest: hand-overs, and time lost to a server that did not answer in time. */
  other: number;
}

export interface RailEnergy {
  rail: string;
  simulated: boolean;
  /** Whether it is part of the device's sum. */
  counted: boolean;
  /** Of the whole measured phase, a frame. */
  grossJ: number;
  /** Less the idle baseline; null where none was measured. */
  netJ: number | null;
  /** Share of the measured phase that samples cover. */
  covered: number;
}

export interface EnergySummary {
  simulated: boolean;
  /** A frame's own share, mean over the frames where it was measured. */
  frame: { grossJ: number; netJ: number; stagesJ: Record<string, number>; measured: number } | null;
  /** Energy of the measured phases over their frames, sum of the counted rails. */
  phase: { grossJ: number; netJ: number | null } | null;
  rails: RailEnergy[];
}

export interface SetupSummary {
  setup: SetupName;
  runs: number;
  frames: number;
  missing: number;
  drops: Record<string, number>;
  routes: Record<string, number>;
  /** Wilson's 95 % interval over the distinct images; a frame without a result counts as wrong. */
  accuracy: { value: number; low: number; high: number; images: number };
  /** Share of frames that the device answered. */
  localShare: number;
  fallbackShare: number;
  /** Multiply-accumulates a frame. */
  flops: { device: number; server: number; total: number };
  latencyMs: { mean: number; p50: number; p95: number; p99: number; stages: LatencyStages };
  /** Estimated share of the network time that is upload; null where nothing was offloaded. */
  uploadShare: number | null;
  uploadBytes: number;
  downloadBytes: number;
  energy: EnergySummary | null;
  /** Share of frames for which a model ran, by id. */
  called: Record<string, number>;
  spread: Record<'accuracy' | 'latencyMs' | 'energyGrossJ' | 'energyNetJ', Spread | null>;
}

/** A row of Table I. Energies are the frame's own share. */
export interface TableRow {
  setup: SetupName;
  flops: number;
  latencyMs: number;
  mobileEnergyGrossJ: number | null;
  mobileEnergyNetJ: number | null;
  localShare: number;
  accuracy: number;
}

/** The value of a formula beside the measured one. */
export interface FormulaValue {
  equation: 13 | 14;
  setup: SetupName;
  quantity: 'flops' | 'latencyMs' | 'energyGrossJ' | 'energyNetJ';
  measured: number;
  /** As the text has it: the mux costs nothing. */
  muxNegligible: number;
  /** As the paper's own Table I needs it: every frame pays one pass of the local model. Eq. 13 only. */
  muxOneLocalPass: number | null;
  /** With what the mux was measured to cost; null where that is unknown. */
  muxMeasured: number | null;
}

export interface CampaignSummary {
  createdAt: string;
  zoo: { name: string; version: string; hash: string };
  providers: string[];
  link: LinkProfile;
  measuredLinks: MeasuredLink[];
  /** True where any energy is of a power model. */
  simulated: boolean;
  setups: SetupSummary[];
  tableI: TableRow[];
  formulas: FormulaValue[];
  notMeasured: NotMeasured[];
  runs: { planned: number; done: number };
}
