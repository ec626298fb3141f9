import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import { patchPolicy, type DevicePolicy } from '../mux/rules/policy-settings.js';
import type { Zoo } from '../mux/zoo/zoo.js';
import { parseDevicePolicyPatch, policyError, type DevicePolicyMessage } from '../protocol/messages.js';
import type { Connection, Message } from '../protocol/connection/connection.js';
import type { AgentConfig } from './config.js';
import {
  ignoredThresholds,
  initialPolicy,
  mergedPatch,
  policyAtStart,
  type PolicyInForce,
} from './policy-at-start.js';
import type { PolicyStore, StoredPolicy } from './policy-store.js';

/** A patch is acknowledged once it is on the disk, or this has passed. */
const SAVE_MS = 2000;

export interface PolicyControlDeps {
  log: Log;
  connection: Connection;
  zoo: Zoo;
  topics: { policy: string; policySet: string };
  store: Pick<PolicyStore, 'save'>;
  /** For the time that a patch was set. */
  wallMs: () => number;
}

/**
 * Holds the policy in force, takes patches from `policy/set`, keeps them for the next start and publishes what came of
 * them, retained.
 */
export class PolicyControl {
  readonly #deps: PolicyControlDeps;
  #inForce: PolicyInForce;
  #stored: StoredPolicy | null = null;
  #unsaved: string | null = null;
  #onChange: () => void = () => undefined;

  constructor(deps: PolicyControlDeps, initial: PolicyInForce) {
    this.#deps = deps;
    this.#inForce = initial;
  }

  get policy(): DevicePolicy {
    return this.#inForce.policy;
  }

  /** What somebody set and that does not count, or will not after the next start; for people. */
  get warnings(): string[] {
    const { problem } = this.#inForce;
    const problems = [problem, this.#unsaved].filter((text) => text !== null);
    return [...ignoredThresholds(this.#inForce), ...problems];
  }

  /** The policy in force as its topics carry it. */
  report(): DevicePolicyMessage {
    const { patch, policy } = this.#inForce;
    const { warnings } = this;
    return {
      ...policyMessage(policy),
      source: Object.keys(patch).length > 0 ? 'mqtt' : 'configuration',
      ...(warnings.length > 0 ? { warnings } : {}),
    };
  }

  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  async start(): Promise<void> {
    const { connection, log, topics } = this.#deps;
    for (const warning of ignoredThresholds(this.#inForce)) log.warn(warning);
    if (this.#inForce.problem === null) await this.#keep();
    connection.onState((state) => {
      if (state === 'online') void this.#publish(this.report());
    });
    await connection.subscribe(topics.policySet, { qos: 1 }, (message) => {
      this.receive(message);
    });
  }

  /** Applies a patch whole or not at all; `null` takes back all that was set over MQTT. */
  receive(message: Message): void {
    if (message.retain) return;
    try {
      this.patch(message.payload);
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, 'policy patch refused');
      void this.#publish(policyError(error));
    }
  }

  /** As `receive`, for whoever wants to know what came of it. @throws EdgemuxError MESSAGE_INVALID, CONFIG_INVALID */
  patch(payload: Uint8Array): DevicePolicyMessage {
    this.#take(this.#patched(payload), 'policy changed');
    return this.report();
  }

  /** Takes the `policy` section of a configuration that was read again. @throws EdgemuxError CONFIG_INVALID */
  reconfigure(configured: AgentConfig['policy']): void {
    if (isDeepStrictEqual(configured, this.#inForce.configured)) return;
    const stored = { ...this.#inForce, at: new Date(this.#deps.wallMs()).toISOString() };
    const next = policyAtStart(this.#deps, configured, () => stored);
    this.#take(next, 'policy changed by the configuration');
  }

  #patched(payload: Uint8Array): PolicyInForce {
    const { zoo } = this.#deps;
    const { configured, patch: before, policy } = this.#inForce;
    const cleared = Buffer.from(payload).toString().trim() === 'null';
    if (cleared) return { configured, policy: initialPolicy(zoo, configured), patch: {}, problem: null };
    const patch = parseDevicePolicyPatch(payload);
    const next = patchPolicy(policy, patch, zoo);
    return { configured, policy: next, patch: mergedPatch(before, patch, next), problem: null };
  }

  #take(next: PolicyInForce, what: string): void {
    const { log } = this.#deps;
    this.#inForce = next;
    log.info({ policy: this.report() }, what);
    for (const warning of ignoredThresholds(next)) log.warn(warning);
    this.#onChange();
    void this.#keep().then(() => this.#publish(this.report()));
  }

  /** Stores what was set over MQTT, where that is something else than is stored. */
  async #keep(): Promise<void> {
    const { log, store, wallMs } = this.#deps;
    const { configured, patch } = this.#inForce;
    const nothing = Object.keys(patch).length === 0;
    const next = nothing
      ? null
      : { configured: { ...configured }, patch, at: new Date(wallMs()).toISOString() };
    if (this.#stored !== null && isDeepStrictEqual({ ...this.#stored, at: '' }, { ...next, at: '' })) return;
    this.#stored = next;
    const saved = store.save(next).then(
      () => (this.#unsaved = null),
      (error: unknown) => {
        this.#unsaved = `what was set over MQTT does not survive a restart: ${messageOf(error)}`;
        log.warn(this.#unsaved);
      },
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, SAVE_MS).unref()));
    await Promise.race([saved, late]);
    clearTimeout(timer);
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
