import { Histogram, LATENCY_BOUNDS_S } from '../../common/histogram.js';
import { REASONS, ROUTES, type Reason, type Result, type Route } from '../../protocol/messages.js';
import { Cameras, type CameraView } from './cameras.js';
import { LastHour, type Minute } from './last-hour.js';

/** The stages of a frame's latency; `total` is all of it. */
export const STAGES = ['total', 'queue', 'decode', 'mux', 'local', 'encode', 'network', 'cloud'] as const;
type Stage = (typeof STAGES)[number];

const CONFIDENCE_BOUNDS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1] as const;

export interface ObserverOptions {
  /** Wall clock in ms since the epoch. */
  wallMs: () => number;
  /** Whether the last picture of each camera is kept. */
  pictures: boolean;
}

/** Counts what results say that no counter of the device counts: some microseconds a frame, and only where http is on. */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #cameras = new Cameras();
  readonly #hour = new LastHour();
  readonly reasons = zeros<Reason>(REASONS);
  /** Gross energy of frames in J. */
  readonly routesJ = zeros<Route>(ROUTES);
  readonly stages: Record<Stage, Histogram> = each(STAGES, () => new Histogram(LATENCY_BOUNDS_S));
  readonly routes: Record<Route, Histogram> = each(ROUTES, () => new Histogram(LATENCY_BOUNDS_S));
  readonly confidence = new Histogram(CONFIDENCE_BOUNDS);
  sentBytes = 0;
  receivedBytes = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** @param picture the encoded picture that the result is about; null where nobody may see it */
  see(result: Result, picture: Uint8Array | null): void {
    const nowMs = this.#options.wallMs();
    const { confidence, energyJ, latencyMs, reason, route } = result;
    this.reasons[reason] += 1;
    if (energyJ !== null) this.routesJ[route] += energyJ.gross;
    for (const stage of STAGES) {
      const ms = latencyMs[stage];
      if (ms > 0) this.stages[stage].observe(ms / 1000); // a frame takes no time in a stage that it does not pass
    }
    this.routes[route].observe(latencyMs.total / 1000);
    this.confidence.observe(confidence);
    this.sentBytes += result.bytesUp;
    this.receivedBytes += result.bytesDown;
    this.#cameras.add(result, nowMs, this.#options.pictures ? picture : null);
    this.#hour.add({ route, totalMs: latencyMs.total, grossJ: energyJ?.gross ?? null }, nowMs);
  }

  /** Wall clock, ms since the epoch. */
  nowMs(): number {
    return this.#options.wallMs();
  }

  cameras(): CameraView[] {
    return this.#cameras.views(this.#options.wallMs());
  }

  picture(camera: string, region: string | null): Uint8Array | null {
    return this.#cameras.picture(camera, region);
  }

  history(): Minute[] {
    return this.#hour.minutes(this.#options.wallMs());
  }
}

function each<K extends string, V>(names: readonly K[], make: () => V): Record<K, V> {
  return Object.fromEntries(names.map((name) => [name, make()])) as Record<K, V>;
}

function zeros<K extends string>(names: readonly K[]): Record<K, number> {
  return each(names, () => 0);
}
