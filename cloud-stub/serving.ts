import { EdgemuxError, messageOf } from '../common/errors.js';
import type { GroupPolicy } from '../mux/rules/group.js';
import { groupPolicyOf, type GroupPatch } from '../mux/rules/group-settings.js';
import type { InferenceConfig } from '../mux/config.js';
import { loadZoo, type Zoo } from '../mux/zoo/zoo.js';
import type { BatchRule } from './batch-rule.js';
import { LoadedGroup, type LoadedGroupDeps } from './loaded-group.js';

export interface ServingOptions {
  /** Folder of the zoo. */
  zoo: string;
  /** What the configuration changes of the zoo's own policy. */
  policy: GroupPatch;
  inference: InferenceConfig;
  batching: BatchRule;
}

/** The models that answer and the policy by which: both belong to one zoo and change together. */
export interface Served {
  group: LoadedGroup;
  policy: GroupPolicy;
}

/** Holds what is served; changes the policy, and the zoo under way without losing a request. */
export class Serving {
  readonly #deps: LoadedGroupDeps;
  readonly #options: ServingOptions;
  #patch: GroupPatch;
  #served: Served | null = null;
  #reloading: Promise<boolean> | null = null;
  readonly #retiring = new Set<Promise<void>>();

  constructor(deps: LoadedGroupDeps, options: ServingOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#patch = options.policy;
  }

  /** @throws EdgemuxError ZOO_*, CONFIG_INVALID, PROVIDER_UNAVAILABLE, MODEL_UNUSABLE */
  async start(): Promise<void> {
    this.#served ??= await this.#open(await loadZoo(this.#options.zoo));
    const { group } = this.#served;
    const [wanted] = this.#options.inference.providers;
    if (group.provider !== wanted) {
      this.#deps.log.warn(
        { wanted, provider: group.provider },
        `${wanted} DOES NOT WORK HERE: this server answers on ${group.provider}, many times slower. ` +
          'Set inference.requireProvider to refuse instead',
      );
    }
  }

  /** @throws EdgemuxError INFERENCE_STOPPED before `start` */
  get current(): Served {
    if (this.#served) return this.#served;
    throw new EdgemuxError('INFERENCE_STOPPED', 'this server has no models loaded');
  }

  /** Changes the policy from the next request on, whole or not at all. @throws EdgemuxError MESSAGE_INVALID */
  patch(patch: GroupPatch): GroupPolicy {
    const { group } = this.current;
    const merged = { ...this.#patch, ...patch };
    try {
      this.#served = { group, policy: groupPolicyOf(group.zoo, merged) };
    } catch (cause) {
      throw new EdgemuxError('MESSAGE_INVALID', messageOf(cause), { cause });
    }
    this.#patch = merged;
    return this.#served.policy;
  }

  /**
   * Loads the zoo's folder again. What is in work ends with the old models, what comes next gets the new ones.
   *
   * @returns false where the folder holds what is served already
   * @throws EdgemuxError ZOO_*, MODEL_UNUSABLE, PROVIDER_UNAVAILABLE: the old zoo goes on serving
   */
  reload(): Promise<boolean> {
    this.#reloading ??= this.#reload().finally(() => (this.#reloading = null));
    return this.#reloading;
  }

  async stop(): Promise<void> {
    await this.#reloading?.catch(() => undefined);
    const served = this.#served;
    await Promise.all([served?.group.stop(), ...this.#retiring]);
  }

  async #reload(): Promise<boolean> {
    const old = this.current.group;
    const zoo = await loadZoo(this.#options.zoo);
    if (zoo.hash === old.zoo.hash) return false;
    if (zoo.name !== old.zoo.name) {
      throw new EdgemuxError(
        'ZOO_INVALID',
        `the folder holds zoo '${zoo.name}' now, and devices ask for '${old.zoo.name}': start a server of its own for it`,
      );
    }
    this.#served = await this.#open(zoo);
    const retiring = old.retire().finally(() => this.#retiring.delete(retiring));
    this.#retiring.add(retiring);
    return true;
  }

  async #open(zoo: Zoo): Promise<Served> {
    const { inference, batching } = this.#options;
    const before = this.#patch;
    const policy = groupPolicyOf(zoo, before);
    const group = new LoadedGroup(this.#deps, { zoo, inference, batching });
    try {
      await group.start();
    } catch (error) {
      await group.stop();
      throw error;
    }
    // a patch that came while the models were loading counts too
    return { group, policy: this.#patch === before ? policy : groupPolicyOf(zoo, this.#patch) };
  }
}
