import { messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { Thresholds } from '../common/policy-names.js';
import { patchPolicy, policyFromManifest, type DevicePolicy } from '../mux/rules/policy-settings.js';
import type { Zoo } from '../mux/zoo/zoo.js';
import { parseDevicePolicyPatch, policyError, type DevicePolicyMessage } from '../protocol/messages.js';
import type { Connection, Message } from '../protocol/connection/connection.js';
import type { AgentConfig } from './config.js';

/** The policy at start: the zoo's own, with what the configuration overrides. @throws EdgemuxError CONFIG_INVALID */
export function initialPolicy(zoo: Zoo, config: AgentConfig['policy']): DevicePolicy {
  const base = policyFromManifest(zoo);
  return patchPolicy(
    base,
    {
      ...(config.mode === 'zoo' ? {} : { mode: config.mode }),
      thresholds: thresholdsOf(config),
      privacy: config.privacy,
    },
    zoo,
    'CONFIG_INVALID',
  );
}

/** What the configuration sets; the zoo says the rest. */
function thresholdsOf({ threshold, confidence, gain }: AgentConfig['policy']): Thresholds {
  return {
    ...(threshold === null ? {} : { mux: threshold }),
    ...(confidence === null ? {} : { confidence }),
    ...(gain === null ? {} : { gain }),
  };
}

export interface PolicyControlDeps {
  log: Log;
  connection: Connection;
  zoo: Zoo;
  topics: { policy: string; policySet: string };
}

/** Holds the policy in force, takes patches from `policy/set` and publishes what came of them, retained. */
export class PolicyControl {
  readonly #deps: PolicyControlDeps;
  #policy: DevicePolicy;
  #onChange: () => void = () => undefined;

  constructor(deps: PolicyControlDeps, initial: DevicePolicy) {
    this.#deps = deps;
    this.#policy = initial;
  }

  get policy(): DevicePolicy {
    return this.#policy;
  }

  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  async start(): Promise<void> {
    const { connection, topics } = this.#deps;
    connection.onState((state) => {
      if (state === 'online') void this.#publish(policyMessage(this.#policy));
    });
    await connection.subscribe(topics.policySet, { qos: 1 }, (message) => {
      this.receive(message);
    });
  }

  /** Applies a patch whole or not at all. */
  receive(message: Message): void {
    if (message.retain) return;
    try {
      this.#policy = patchPolicy(this.#policy, parseDevicePolicyPatch(message.payload), this.#deps.zoo);
      this.#deps.log.info({ policy: policyMessage(this.#policy) }, 'policy changed');
      void this.#publish(policyMessage(this.#policy));
      this.#onChange();
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, 'policy patch refused');
      void this.#publish(policyError(error));
    }
  }

  async #publish(payload: object): Promise<void> {
    try {
      await this.#deps.connection.publish(this.#deps.topics.policy, JSON.stringify(payload), {
        qos: 1,
        retain: true,
      });
    } catch (error) {
      this.#deps.log.debug(
        { error: messageOf(error) },
        'policy not published; it is with the next connection',
      );
    }
  }
}

/** The policy as its topics carry it: thresholds that are not set are left out. */
export function policyMessage(policy: DevicePolicy): DevicePolicyMessage {
  const set = Object.entries(policy.thresholds).filter(
    (entry): entry is [string, number] => entry[1] !== undefined,
  );
  const { mode, costs, privacy } = policy;
  return { mode, thresholds: Object.fromEntries(set), ...(costs ? { costs } : {}), privacy };
}
