import { messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { Clock } from '../common/clock.js';
import type { Connection } from '../protocol/connection/connection.js';
import type { DeviceState, PowerMessage } from '../protocol/messages.js';
import type { EnergyMeter } from '../energy/meter.js';
import { StatePublisher } from './state-publisher.js';

export interface ReporterDeps {
  log: Log;
  clock: Clock;
  connection: Connection;
  energy: EnergyMeter;
  device: string;
  topics: { state: string; power: string };
  /** Puts the state together at the moment of publishing. */
  state: () => DeviceState;
}

/** Rails summarise their last second. */
const POWER_WINDOW_MS = 1000;

/** Publishes what the device is doing: `state` (retained) and `power`, each on its own period. */
export class Reporter {
  readonly #deps: ReporterDeps;
  readonly #intervals: { stateMs: number; powerMs: number };
  readonly #state: StatePublisher;
  #timers: NodeJS.Timeout[] = [];

  constructor(deps: ReporterDeps, intervals: { stateMs: number; powerMs: number }) {
    this.#deps = deps;
    this.#intervals = intervals;
    this.#state = new StatePublisher({ ...deps, topic: deps.topics.state });
  }

  start(): void {
    if (this.#timers.length > 0) return;
    this.#timers = [
      setInterval(() => void this.publishState(), this.#intervals.stateMs),
      setInterval(() => void this.#publishPower(), this.#intervals.powerMs),
    ];
    this.#state.start();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  /** Publishes the state as it is now. Never rejects. */
  publishState(): Promise<void> {
    return this.#state.publish();
  }

  /** The state as it is now. */
  get state(): DeviceState {
    return this.#deps.state();
  }

  /** What the rails say now; null where there is none. */
  get power(): PowerMessage | null {
    const rails = this.#deps.energy.rails();
    if (rails.length === 0) return null;
    return {
      device: this.#deps.device,
      windowMs: POWER_WINDOW_MS,
      at: new Date(this.#deps.clock.wallMs()).toISOString(),
      simulated: rails.some((rail) => rail.simulated),
      rails: rails.map(({ name, powerW, energyJ, voltageV, currentA, samples, simulated }) => ({
        rail: name,
        powerW,
        energyJ,
        voltageV,
        currentA,
        samples,
        simulated,
      })),
    };
  }

  async #publishPower(): Promise<void> {
    const { connection, log, topics } = this.#deps;
    const message = this.power;
    if (message === null || connection.state !== 'online') return;
    try {
      await connection.publish(topics.power, JSON.stringify(message), { qos: 0 });
    } catch (error) {
      log.debug({ topic: topics.power, error: messageOf(error) }, 'power not published');
    }
  }
}
