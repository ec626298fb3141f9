/** What stands in a campaign, row by row: names as those of the columns. docs/measurement.md explains them. */
import type { DeviceMode, ServerMode } from '../../../common/policy-names.js';
import type { Reason, Route } from '../../../protocol/messages.js';

import type { SessionFacts, SetupName } from './facts.js';

export interface SessionRow extends SessionFacts {
  session: number;
  startedAt: string;
}

export interface SetupRow {
  setup: SetupName;
  /** Policy of the device. */
  deviceMode: DeviceMode;
  /** Policy of the server; null where nothing is offloaded. */
  serverMode: ServerMode | null;
}

export interface ImageRow {
  imageIndex: number;
  /** Path below the data folder, or `test/<index>` of the zoo. */
  name: string;
  /** Class index. */
  label: number;
  bytes: number;
  sha256: string;
}

export interface RailRow {
  rail: string;
  side: 'device' | 'server';
  sensor: string;
  simulated: boolean;
  /** Rail that contains this one. */
  within: string | null;
  /** Whether the device's energy is the sum of this rail and its like. */
  counted: boolean;
  /** Samples a second, as measured in the idle baseline. */
  rateHz: number | null;
}

export const RUN_STATUS = ['planned', 'done'] as const;

export interface RunRow {
  run: number;
  setup: SetupName;
  /** From 1. */
  repeat: number;
  /** Place in the order of running, from 1. */
  position: number;
  status: (typeof RUN_STATUS)[number];
  session: number | null;
  /** ISO 8601; the measured phase only, warm-up excluded. */
  startedAt: string | null;
  startMs: number | null;
  durationMs: number | null;
  warmUpFrames: number | null;
  /** Frames that the device dropped in the measured phase, by cause. */
  drops: Record<string, number>;
}

export interface FrameRow {
  run: number;
  seq: number;
  imageIndex: number;
  label: number;
  /** `missing`: no result came. */
  outcome: 'result' | 'missing';
  predicted: number | null;
  correct: boolean;
  confidence: number | null;
  muxScore: number | null;
  route: Route | null;
  reason: Reason | null;
  /** Classifiers that ran for the answer, in order. */
  models: string[];
  server: string | null;
  /** The mux (where it was asked) and the models that ran on this side. */
  deviceFlops: number;
  serverFlops: number;
  /** From the start of the run. */
  publishedMs: number;
  receivedMs: number | null;
  /** Stages as the device measured them; `networkMs` is the round trip less `cloudMs`, the server's residence. */
  totalMs: number | null;
  queueMs: number | null;
  decodeMs: number | null;
  muxMs: number | null;
  localMs: number | null;
  encodeMs: number | null;
  networkMs: number | null;
  cloudMs: number | null;
  uploadBytes: number;
  downloadBytes: number;
  /** The frame's share of the device's energy; null where nothing measured it. */
  energyGrossJ: number | null;
  energyNetJ: number | null;
  energySimulated: boolean | null;
  /** Gross energy by stage of the device, and by counted rail; null where unknown. */
  stagesJ: Record<string, number> | null;
  railsJ: Record<string, { gross: number; net: number }> | null;
}

/** One bucket of a rail's power timeline, from every sample in it. */
export interface PowerRow {
  run: number;
  rail: string;
  fromMs: number;
  toMs: number;
  /** Time that samples cover: less than the bucket where there is a gap. */
  coveredMs: number;
  energyJ: number;
  minW: number | null;
  maxW: number | null;
  samples: number;
}

export interface GapRow {
  run: number;
  rail: string;
  fromMs: number;
  toMs: number;
}

/** Power of a rail while no frame was in work. */
export interface BaselineRow {
  session: number;
  rail: string;
  moment: 'before' | 'after';
  startedAt: string;
  coveredMs: number;
  meanW: number;
  sdW: number;
  samples: number;
}
