import type { Connection } from '../../protocol/connection/connection.js';
import { parseDeviceState, type DeviceCounters, type DeviceState } from '../../protocol/messages.js';
import type { DeviceTopics } from '../../protocol/topics/topics.js';

/** Follows what the device says of itself: its state and the policy in force. */
export class DeviceWatcher {
  readonly #connection: Connection;
  readonly #topics: DeviceTopics;
  readonly #waiting = new Set<() => void>();
  state: DeviceState | null = null;

  constructor(connection: Connection, topics: DeviceTopics) {
    this.#connection = connection;
    this.#topics = topics;
  }

  async start(): Promise<void> {
    await this.#connection.subscribe(this.#topics.state, { qos: 1 }, (message) => {
      this.state = parseDeviceState(message.payload);
      for (const check of [...this.#waiting]) check();
    });
  }

  /** Resolves with true when the state fulfils a condition, with false after `timeoutMs`. */
  until(condition: (state: DeviceState) => boolean, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (met: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(met);
      };
      const check = (): void => {
        if (this.state && condition(this.state)) finish(true);
      };
      const timer = setTimeout(() => {
        finish(false);
      }, timeoutMs);
      this.#waiting.add(check);
      check();
    });
  }

  /** The counters of the last state. */
  counters(): DeviceCounters {
    if (!this.state) throw new Error('the device has not told its state');
    return this.state.counters;
  }

  /** Puts a policy in force and waits until the device says that it is. */
  async setMode(mode: DeviceState['policy']['mode'], timeoutMs: number): Promise<boolean> {
    await this.#connection.publish(this.#topics.policySet, JSON.stringify({ mode }), { qos: 1 });
    return this.until((state) => state.policy.mode === mode, timeoutMs);
  }
}
