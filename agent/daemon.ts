import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { createBoard } from '../common/activity.js';
import { systemClock, type Clock } from '../common/clock.js';
import { EdgemuxError } from '../common/errors.js';
import { setLevel, type Log } from '../common/log.js';
import { ServiceManager } from '../common/service-manager.js';
import { StopSteps } from '../common/stop-steps.js';
import { Inference } from '../mux/inference/inference.js';
import { loadZoo, type Zoo } from '../mux/zoo/zoo.js';
import type { Message } from '../protocol/connection/connection.js';
import { CameraPatterns, cloudStatusFilter, parseCloudStatusTopic } from '../protocol/topics/topics.js';
import type { AgentConfig } from './config.js';
import { createEnergyMeter } from '../energy/create-meter.js';
import type { EnergyMeterDeps } from '../energy/meter.js';
import { HostWatch } from '../common/host/systeminformation.js';
import { buildParts, type Ground, type Parts } from './parts.js';
import { policyAtStart } from './policy-at-start.js';
import { DeviceHttp } from './http.js';
import type { PolicyControl } from './policy-control.js';
import { PolicyStore } from './policy-store.js';

/** A stop leaves this long to admitted frames, then to results on their way to the broker, then to the worker. */
const STOP_FRAMES_MS = 3500;
/** A broker that does not answer must not keep a stop from coming. */
const STOP_INTAKE_MS = 300;
const STOP_OUTBOX_MS = 500;
const STOP_WORKER_MS = 200;
/** A reading takes some 3 ms of the main thread. */
const LEAST_HOST_MS = 5000;

export interface AgentDeps {
  log: Log;
  clock?: Clock;
  /** Who started the program; nobody unless told. */
  manager?: ServiceManager;
  /** Loads and faults of simulated rails, for tests and benchmarks. */
  simulation?: EnergyMeterDeps['simulation'];
}

/** The device's daemon: builds the parts, starts them in order and stops them in reverse. */
export class AgentDaemon {
  readonly #config: AgentConfig;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #manager: ServiceManager;
  readonly #simulation: AgentDeps['simulation'];
  readonly #stopSteps: StopSteps;
  #control: PolicyControl | null = null;

  constructor(deps: AgentDeps, config: AgentConfig) {
    this.#log = deps.log;
    this.#stopSteps = new StopSteps(deps.log);
    this.#clock = deps.clock ?? systemClock;
    this.#manager = deps.manager ?? new ServiceManager(deps.log);
    this.#simulation = deps.simulation;
    this.#config = config;
  }

  /**
   * Loads the zoo, proves the execution provider, opens the journal and connects. A broker that is away is waited
   * for in the background, a journal that fails costs durability only.
   * @throws EdgemuxError ZOO_*, PROVIDER_UNAVAILABLE, CONFIG_INVALID, DATA_DIR_IN_USE
   */
  async start(): Promise<void> {
    const config = this.#config;
    const patterns = new CameraPatterns(config.cameras.topics);
    patterns.assertApartFrom(config.broker.baseTopic, config.device);
    const zoo = await loadZoo(config.zoo);
    const ground = await this.#prepare(zoo);
    const parts = buildParts(ground);
    await parts.journal.start();
    this.#stopSteps.add(() => parts.journal.stop());
    await this.#connect(parts, patterns);
    await parts.zooFiles.start();
    this.#stopSteps.add(() => parts.zooFiles.stop());
    this.#control = parts.control;
    parts.watchdog.start();
    this.#stopSteps.add(() => parts.watchdog.stop());
    this.#stopSteps.add(() => ground.http?.stop());
    await ground.http?.start(parts);
    this.#log.info(
      {
        device: config.device,
        zoo: zoo.name,
        policy: ground.policy.policy.mode,
        privacy: ground.policy.policy.privacy,
        provider: ground.ready.provider,
        onnxruntime: ground.ready.runtime,
      },
      'edgemux is ready',
    );
  }

  /**
   * Takes what can be taken of a configuration that was read again: the policy and the log level. Says which other
   * sections differ, since they count from the next start on.
   * @throws EdgemuxError CONFIG_INVALID; nothing has changed then
   */
  reload(next: AgentConfig): void {
    const { policy, log, ...rest } = next;
    this.#control?.reconfigure(policy);
    setLevel(this.#log, log.level);
    const before: Record<string, unknown> = this.#config;
    const waiting = Object.entries(rest).filter(([name, value]) => !isDeepStrictEqual(value, before[name]));
    const sections = waiting.map(([name]) => name);
    if (log.format !== this.#config.log.format) sections.push('log.format');
    if (sections.length === 0) this.#log.info('configuration read again');
    else
      this.#log.warn(
        { sections },
        'configuration read again; what these sections say counts after a restart',
      );
  }

  /** Finishes what is admitted within 5 s, says `offline` and releases everything. Safe to call twice. */
  stop(): Promise<void> {
    return this.#stopSteps.run();
  }

  /** The models, proved by real runs, and the energy meter. */
  async #prepare(zoo: Zoo): Promise<Ground> {
    const { log, clock } = { log: this.#log, clock: this.#clock };
    const config = this.#config;
    const policyStore = new PolicyStore(config.dataDir);
    const policy = policyAtStart({ log, zoo }, config.policy, () => policyStore.load());
    if (!zoo.local) {
      throw new EdgemuxError(
        'ZOO_INVALID',
        `zoo ${zoo.name} has no model with the role "local": a device needs one`,
      );
    }
    const board = createBoard();
    const inference = new Inference(
      { log, onRestart: (event) => Object.assign(ready, event.ready) },
      {
        drainMs: STOP_WORKER_MS,
        zoo,
        models: [zoo.local.id],
        mux: zoo.muxPair ? 'pair' : null,
        board: board.buffer,
        ...config.inference,
      },
    );
    this.#stopSteps.add(() => inference.stop());
    const host = new HostWatch({ log }, Math.max(LEAST_HOST_MS, 1000 * config.report.stateIntervalS));
    this.#stopSteps.add(() => {
      host.stop();
    });
    const [ready] = await Promise.all([inference.start(), host.start()]);
    const energy = createEnergyMeter(
      { log, clock, board, ...(this.#simulation ? { simulation: this.#simulation } : {}) },
      config.power,
    );
    this.#stopSteps.add(() => energy.stop());
    await energy.start();
    const manager = this.#manager;
    const http = await DeviceHttp.load({ log, config, wallMs: () => clock.wallMs() });
    return { http, config, log, clock, manager, zoo, policy, policyStore, inference, ready, energy, host };
  }

  async #connect(parts: Parts, patterns: CameraPatterns): Promise<void> {
    const { balancer, connection, control, offloader, outbox, pipeline, reporter, servers, topics } = parts;
    const base = this.#config.broker.baseTopic;
    connection.onState((state) => {
      if (state !== 'online') servers.clear();
    });
    this.#stopSteps.add(() => connection.stop());
    this.#stopSteps.add(() => outbox.stop(STOP_OUTBOX_MS));
    this.#stopSteps.add(() => reporter.publishState());
    this.#stopSteps.add(async () => {
      await pipeline.stop(STOP_FRAMES_MS);
      offloader.stop();
    });
    this.#stopSteps.add(() => {
      reporter.stop();
    });
    await connection.subscribe(topics.answers, { qos: 0 }, (message) => {
      offloader.receive(message);
    });
    await connection.subscribe(cloudStatusFilter(base), { qos: 1 }, (message) => {
      const server = parseCloudStatusTopic(base, message.topic);
      if (server !== null) servers.receive(server, message);
    });
    await control.start();
    await this.#watchCameras(parts, patterns);
    control.onChange(() => void reporter.publishState());
    balancer.onChange(() => void reporter.publishState());
    reporter.start(); // first: a broker that hangs up on the state must not be thought to hang up on a result
    outbox.start();
    connection.start();
  }

  async #watchCameras({ admission, connection, pipeline }: Parts, patterns: CameraPatterns): Promise<void> {
    const receive = (message: Message): void => {
      const frames = admission.admit(patterns.match(message.topic), message);
      for (const frame of frames) pipeline.submit(frame);
    };
    for (const filter of patterns.filters)
      await connection.subscribe(filter, { qos: 0, retained: false }, receive);
    this.#stopSteps.add(() =>
      Promise.race([
        Promise.all(patterns.filters.map((filter) => connection.unsubscribe(filter))),
        sleep(STOP_INTAKE_MS),
      ]),
    );
  }
}
