/** What is known of a whole campaign, and of one start of the command: JSON in the file. */
export const SETUPS = ['mobile-only', 'cloud-only', 'hybrid', 'group-single', 'group-ensemble'] as const;
/** The deployments of Fig. 2 of the paper: (b), (a), (c), and (d) in its two ways. */
export type SetupName = (typeof SETUPS)[number];

/** The link between server and broker as it was asked for; null where it is not limited. */
export interface LinkProfile {
  name: string;
  /** From the device to the server. */
  uplinkMbitS: number | null;
  downlinkMbitS: number | null;
  /** Added round trip time, half of it each way. */
  rttMs: number;
  /** Each message is late by up to this much more, at random. */
  jitterMs: number;
  /** Where the figures come from. */
  source: string;
}

/** What the link was when it was tried out before the runs, broker included. */
export interface MeasuredLink {
  /** Quickest time of a tiny message to the server's side and back. */
  rttMs: number;
  /** From the time that the quickest large message takes longer than the quickest tiny one; null where it takes none. */
  uplinkMbitS: number | null;
  downlinkMbitS: number | null;
  /** Messages tried in each direction, and the bytes of a large one. */
  tries: number;
  payloadBytes: number;
}

/** Something that a report would show and that this campaign could not measure. */
export interface NotMeasured {
  what: string;
  why: string;
}

/** What stays the same for the whole campaign, however often it is resumed. */
export interface CampaignFacts {
  setups: SetupName[];
  /** Measured frames a run, and runs a setup. */
  frames: number;
  repeats: number;
  warmUpFrames: number;
  idleS: number;
  seed: number;
  /** `zoo`, or the folder of labelled pictures. */
  data: string;
  /** Frames per second, open loop; null: the next frame when the last one has its result. */
  ratePerS: number | null;
  /** Length of the buckets of the power timeline. */
  bucketMs: number;
  link: LinkProfile;
  /** How the programs are started: what a resumed campaign starts again. Null: a broker and a server of its own. */
  start: {
    zooDir: string;
    broker: string | null;
    server: string | null;
    provider: string | null;
    deadlineMs: number | null;
  };
  /** Where the device's settings come from (a file, or null for the defaults) and whether its rails are simulated. */
  configFile: string | null;
  simulate: boolean;
  zoo: {
    name: string;
    version: string;
    hash: string;
    labels: string[];
    models: { id: string; flops: number; roles: string[] }[];
    local: string;
    largest: string;
    muxPairFlops: number | null;
    muxGroupFlops: number | null;
  };
  notMeasured: NotMeasured[];
}

/** What one start of the command found: a campaign that was resumed has several. */
export interface SessionFacts {
  edgemux: string;
  /** The machine: systeminformation's facts. */
  host: Record<string, unknown>;
  /** Power mode, governors and clocks as the kernel and nvpmodel tell them; null where they tell nothing. */
  platform: PlatformFacts;
  device: {
    /** Execution provider, proved by real runs. */
    provider: string;
    /** Policy of the hybrid. */
    policy: Record<string, unknown>;
    warnings: string[];
  };
  /** Null where no server showed itself. */
  server: { name: string; provider: string; version: string; models: string[]; zooHash: string } | null;
  measuredLink: MeasuredLink | null;
  broker: string;
}

export interface PlatformFacts {
  /** NVIDIA's nvpmodel, e.g. `MAXN`. */
  powerMode: string | null;
  /** cpufreq governors in use, and clocks at the start: lowest and highest over the cores. */
  governors: string[];
  cpuMHz: { min: number; max: number } | null;
  gpuMHz: number | null;
  /** Board model of the device tree. */
  board: string | null;
}
