import { messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { Clock } from '../common/clock.js';
import type { Connection } from '../protocol/connection/connection.js';
import type { DeviceState, PowerMessage } from '../protocol/messages.js';
import type { EnergyMeter } from '../energy/meter.js';

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
  #timers: NodeJS.Timeout[] = [];

  constructor(deps: ReporterDeps, intervals: { stateMs: number; powerMs: number }) {
    this.#deps = deps;
    this.#intervals = intervals;
  }

  start(): void {
    if (this.#timers.length > 0) return;
    this.#timers = [
      setInterval(() => void this.publishState(), this.#intervals.stateMs),
      setInterval(() => void this.#publishPower(), this.#intervals.powerMs),
    ];
    this.#deps.connection.onState((state) => {
      if (state === 'online') void this.publishState();
    });
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  async publishState(): Promise<void> {
    await this.#publish(this.#deps.topics.state, this.#deps.state(), { qos: 1, retain: true });
  }

  async #publishPower(): Promise<void> {
    const rails = this.#deps.energy.rails();
    if (rails.length === 0) return;
    const message: PowerMessage = {
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
    await this.#publish(this.#deps.topics.power, message, { qos: 0, retain: false });
  }

  async #publish(topic: string, message: unknown, options: { qos: 0 | 1; retain: boolean }): Promise<void> {
    if (this.#deps.connection.state !== 'online') return;
    try {
      await this.#deps.connection.publish(topic, JSON.stringify(message), options);
    } catch (error) {
      this.#deps.log.debug({ topic, error: messageOf(error) }, 'report not published');
    }
  }
}
