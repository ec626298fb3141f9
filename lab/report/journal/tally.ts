/** What a stretch of the journal holds, counted in one pass without keeping results. */
import { ROUTES, type Reason, type Result, type Route } from '../../../protocol/messages.js';
import { Numbers } from '../distribution.js';
import { bucketOf, type Buckets } from './buckets.js';

export const LATENCY_PARTS = ['queue', 'decode', 'mux', 'local', 'encode', 'network', 'cloud'] as const;
export type LatencyPart = (typeof LATENCY_PARTS)[number];

/** A stretch of the journal. */
export interface JournalRange {
  /** ms since the epoch; -Infinity and Infinity: everything. */
  sinceMs: number;
  untilMs: number;
}

/** What is known of the frames of one route. */
export class RouteTally {
  frames = 0;
  bytesUp = 0;
  bytesDown = 0;
  readonly totalMs = new Numbers();
  readonly stagesMs = Object.fromEntries(LATENCY_PARTS.map((stage) => [stage, new Numbers()])) as Record<
    LatencyPart,
    Numbers
  >;
  readonly grossJ = new Numbers();
  readonly netJ = new Numbers();
}

export class JournalTally {
  readonly buckets: Buckets;
  frames = 0;
  /** Rows that are no result of this version's contract. */
  unreadable = 0;
  readonly routes = new Map<Route, RouteTally>(ROUTES.map((route) => [route, new RouteTally()]));
  readonly reasons = new Map<string, number>();
  readonly labels = new Map<string, number>();
  readonly zoos = new Map<string, number>();
  readonly providers = new Map<string, number>();
  readonly devices = new Map<string, number>();
  readonly cameras = new Map<string, number>();
  readonly servers = new Map<string, number>();
  readonly thresholds = new Map<number, number>();
  /** Frames by mux score, in 20 bins from 0 to 1, by route. */
  readonly muxScores = new Map<Route, number[]>(
    ROUTES.map((route) => [route, new Array<number>(20).fill(0)]),
  );
  readonly stagesJ = new Map<string, number>();
  readonly railsJ = new Map<string, { gross: number; net: number }>();
  measuredJ = 0;
  simulatedJ = 0;
  /** By bucket: frames by route, joules, and latencies. */
  readonly overTime: {
    routes: Record<Route, number>;
    grossJ: number;
    withEnergy: number;
    totalMs: Numbers;
  }[];

  constructor(buckets: Buckets) {
    this.buckets = buckets;
    this.overTime = Array.from({ length: buckets.count }, () => ({
      routes: Object.fromEntries(ROUTES.map((route) => [route, 0])) as Record<Route, number>,
      grossJ: 0,
      withEnergy: 0,
      totalMs: new Numbers(),
    }));
  }

  add(result: Result, createdAtMs: number): void {
    const { route, reason, latencyMs, muxScore } = result;
    this.frames += 1;
    count(this.reasons, reasonKey(route, reason));
    count(this.labels, result.label);
    count(this.zoos, result.zoo);
    count(this.providers, result.provider);
    count(this.devices, result.device);
    count(this.cameras, result.camera);
    if (result.server !== undefined) count(this.servers, result.server);
    if (result.threshold !== null) count(this.thresholds, result.threshold);
    const bin = muxScore === null ? -1 : Math.min(19, Math.max(0, Math.floor(muxScore * 20)));
    const bins = this.muxScores.get(route);
    if (bins && bin >= 0) bins[bin] = (bins[bin] ?? 0) + 1;
    const slot = this.overTime[bucketOf(this.buckets, createdAtMs)];
    if (slot) {
      slot.routes[route] += 1;
      slot.totalMs.push(latencyMs.total);
    }
    this.#route(result);
    this.#energy(result, slot);
  }

  #route({ route, latencyMs, bytesUp, bytesDown }: Result): void {
    const tally = this.routes.get(route);
    if (!tally) return;
    tally.frames += 1;
    tally.bytesUp += bytesUp;
    tally.bytesDown += bytesDown;
    tally.totalMs.push(latencyMs.total);
    for (const stage of LATENCY_PARTS) tally.stagesMs[stage].push(latencyMs[stage]);
  }

  #energy({ route, energyJ }: Result, slot: JournalTally['overTime'][number] | undefined): void {
    if (!energyJ) return;
    const tally = this.routes.get(route);
    tally?.grossJ.push(energyJ.gross);
    tally?.netJ.push(energyJ.net);
    this.measuredJ += 1;
    if (energyJ.simulated) this.simulatedJ += 1;
    if (slot) {
      slot.grossJ += energyJ.gross;
      slot.withEnergy += 1;
    }
    for (const [stage, joules] of Object.entries(energyJ.stages ?? {})) {
      this.stagesJ.set(stage, (this.stagesJ.get(stage) ?? 0) + joules);
    }
    for (const [rail, { gross, net }] of Object.entries(energyJ.rails ?? {})) {
      const sum = this.railsJ.get(rail) ?? { gross: 0, net: 0 };
      this.railsJ.set(rail, { gross: sum.gross + gross, net: sum.net + net });
    }
  }

  route(route: Route): RouteTally {
    return this.routes.get(route) ?? new RouteTally();
  }
}

function reasonKey(route: Route, reason: Reason): string {
  return `${route} ${reason}`;
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
