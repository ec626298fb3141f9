import type { ErrorCode } from '../common/errors.js';
import { percentile } from '../common/statistics.js';
import { Metrics } from './metrics.js';

/** How many latencies the percentiles of the status look back on. */
const RECENT = 1000;
/** More devices than a group has; beyond it those that were heard longest ago are forgotten. */
const MOST_DEVICES = 256;

/** Codes with which requests are refused. */
export const REFUSALS: readonly ErrorCode[] = [
  'IMAGE_EMPTY',
  'IMAGE_TOO_LARGE',
  'IMAGE_NOT_AN_IMAGE',
  'IMAGE_TRUNCATED',
  'IMAGE_TOO_MANY_PIXELS',
  'IMAGE_UNDECODABLE',
  'IMAGE_DAMAGED',
  'INFERENCE_FAILED',
  'INFERENCE_STOPPED',
  'QUEUE_FULL',
  'BUDGET_TOO_SHORT',
  'REQUEST_REFUSED',
  'SERVER_STOPPING',
];

/** What became of every request since start, and how long the last answers took. */
export class ServerCounters {
  requests = 0;
  answers = 0;
  /** Requests dropped before work because their budget had run out. */
  expired = 0;
  /** Topics or response topics that cannot be answered. */
  unanswerable = 0;
  /** Of devices of protocol 1. */
  legacy = 0;
  zooReloads = 0;
  zooReloadsFailed = 0;
  readonly metrics = new Metrics();
  readonly refused: Record<string, number> = {};
  readonly #residenceMs: number[] = [];
  /** By device; the last heard comes last. */
  readonly #shared = new Map<string, number>();
  readonly #legacyDevices = new Set<string>();

  refuse(code: string): void {
    this.refused[code] = (this.refused[code] ?? 0) + 1;
  }

  /** A request to any server of the group was taken; each device compares what all servers took with what it sent. */
  tookShared(device: string): void {
    const before = this.#shared.get(device) ?? 0;
    this.#shared.delete(device);
    this.#shared.set(device, before + 1);
    const [oldest] = this.#shared.keys();
    if (this.#shared.size > MOST_DEVICES && oldest !== undefined) this.#shared.delete(oldest);
  }

  /** A request of a device of protocol 1. Returns true where it is news. */
  tookLegacy(device: string): boolean {
    this.legacy += 1;
    if (this.#legacyDevices.has(device) || this.#legacyDevices.size >= MOST_DEVICES) return false;
    this.#legacyDevices.add(device);
    return true;
  }

  /** Shared requests taken, by device. */
  shared(): Record<string, number> {
    return Object.fromEntries(this.#shared);
  }

  answered(residenceMs: number): void {
    this.answers += 1;
    this.metrics.resided(residenceMs);
    this.#residenceMs.push(residenceMs);
    if (this.#residenceMs.length > RECENT) this.#residenceMs.shift();
  }

  /** For the watchdog. What is refused at the door (a full queue, no time) never moved. */
  progress(): { moved: number; failed: number } {
    const { IMAGE_UNDECODABLE = 0, INFERENCE_FAILED = 0, INFERENCE_STOPPED = 0 } = this.refused;
    return {
      moved: this.answers + this.expired + IMAGE_UNDECODABLE,
      failed: INFERENCE_FAILED + INFERENCE_STOPPED,
    };
  }

  /** A line for `systemctl status`. */
  statusLine(pending: number): string {
    const { p50 = 0, p99 = 0 } = this.latencyMs() ?? {};
    const refused = Object.values(this.refused).reduce((sum, n) => sum + n, 0);
    return (
      `${this.answers} answers of ${this.requests} requests, ${refused} refused, ${this.expired} expired, ` +
      `${pending} pending; residence p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`
    );
  }

  /** Flat names, so that a metrics endpoint can carry them as they are. */
  snapshot(): Record<string, number> {
    const refused = Object.entries(this.refused).map(
      ([code, n]) => [`refused_${code.toLowerCase()}`, n] as const,
    );
    return {
      requests: this.requests,
      answers: this.answers,
      expired: this.expired,
      unanswerable: this.unanswerable,
      legacy_requests: this.legacy,
      zoo_reloads: this.zooReloads,
      zoo_reloads_failed: this.zooReloadsFailed,
      ...Object.fromEntries(refused),
    };
  }

  /** Percentiles of the residence of the last answers in ms, or null before the first. */
  latencyMs(): { p50: number; p95: number; p99: number } | null {
    if (this.#residenceMs.length === 0) return null;
    const at = (share: number): number => percentile(this.#residenceMs, share);
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}
