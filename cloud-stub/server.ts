import { systemClock, type Clock } from '../common/clock.js';
import type { Log } from '../common/log.js';
import { ServiceManager } from '../common/service-manager.js';
import { StopSteps } from '../common/stop-steps.js';
import { packageVersion } from '../common/version.js';
import { Watchdog } from '../common/watchdog.js';
import { clientIds, connectionOptions, shareSecret } from '../protocol/config.js';
import { Connection } from '../protocol/connection/connection.js';
import { PROTOCOL, SERVER_OFFLINE, type LiveServerStatus } from '../protocol/messages.js';
import { deviceStatusFilter, serverTopics, type ServerTopics } from '../protocol/topics/topics.js';
import { Announcer } from './announcer.js';
import { Answerer } from './answerer.js';
import type { CloudConfig } from './config.js';
import { REFUSALS, ServerCounters } from './counters.js';
import { chooseEngine } from './engines/choose.js';
import { configPatch, policyMessage } from './policy-message.js';
import { groupName, Requests } from './requests.js';
import { Serving } from './serving.js';
import { ZooWatch } from './zoo-watch.js';

/** A stop leaves this long to the requests in the queue. */
const DRAIN_MS = 4000;
/** Devices that have not heard yet that this server leaves are still served for so long. */
const FAREWELL_MS = 100;

interface Parts {
  topics: ServerTopics;
  connection: Connection;
  counters: ServerCounters;
  serving: Serving;
  answerer: Answerer;
  requests: Requests;
}

/** The server: builds its parts, starts them in order, stops them in reverse. */
export class CloudServer {
  readonly #config: CloudConfig;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #stopSteps: StopSteps;
  readonly #manager: ServiceManager;
  #state: 'online' | 'draining' = 'online';
  #watch: ZooWatch | null = null;

  constructor(deps: { log: Log; clock?: Clock; manager?: ServiceManager }, config: CloudConfig) {
    this.#log = deps.log;
    this.#manager = deps.manager ?? new ServiceManager(deps.log);
    this.#stopSteps = new StopSteps(deps.log);
    this.#clock = deps.clock ?? systemClock;
    this.#config = config;
  }

  /** @throws EdgemuxError ZOO_*, CONFIG_INVALID, PROVIDER_UNAVAILABLE, MODEL_UNUSABLE */
  async start(): Promise<void> {
    const parts = this.#build();
    const { serving } = parts;
    const { report, server, reload, zoo } = this.#config;
    const status = this.#statusOf(parts);
    const devicesFilter = deviceStatusFilter(this.#config.broker.baseTopic);
    const announcer = new Announcer(
      { log: this.#log, ...parts, status, devicesFilter },
      report.statusIntervalS * 1000,
    );
    const onReload = (): void => announcer.announce();
    const watch = new ZooWatch(
      { log: this.#log, ...parts, reload: () => serving.reload(), onReload },
      zoo,
      reload.checkS * 1000,
    );
    this.#stopSteps.add(() => serving.stop());
    this.#stopSteps.add(() => watch.stop());
    await watch.start();
    await serving.start();
    this.#watch = watch;
    await this.#serve(parts, announcer);
    this.#watchOver(parts);
    await this.#listen(parts, announcer, status);
    const { group, policy } = serving.current;
    this.#log.info(
      {
        server,
        zoo: group.zoo.name,
        models: group.models,
        policy: policy.mode,
        provider: group.provider,
      },
      'edgemux-cloud is ready',
    );
  }

  /** Loads the zoo's folder again; a bad one leaves the old one serving. Never rejects. */
  async reload(): Promise<void> {
    await this.#watch?.reload();
  }

  /** Answers what is queued, says `offline` and releases everything. Safe to call twice. */
  stop(): Promise<void> {
    return this.#stopSteps.run();
  }

  #build(): Parts {
    const { batching, broker, images, inference, policy, queue, server, zoo } = this.#config;
    const [log, clock] = [this.#log, this.#clock];
    const topics = serverTopics(broker.baseTopic, server);
    const connection = new Connection(
      { log, clock },
      {
        ...connectionOptions(broker, images.maxBytes),
        clientId: clientIds.server(server, broker),
        will: { topic: topics.status, payload: SERVER_OFFLINE },
      },
    );
    const counters = new ServerCounters();
    const serving = new Serving(
      { log, clock, onBatch: (...batch) => counters.metrics.ran(...batch), createEngine: chooseEngine },
      { zoo, policy: configPatch(policy), inference, batching },
    );
    const answerer = new Answerer(
      { log, clock, connection, served: () => serving.current, counters },
      { base: broker.baseTopic, server, images, queue },
    );
    return { topics, connection, counters, serving, answerer, requests: this.#requests(connection, serving) };
  }

  #requests(connection: Connection, serving: Serving): Requests {
    const { broker, group, legacy, server, share } = this.#config;
    const secret = shareSecret(share.secretFile);
    if (share.enabled && secret === undefined)
      this.#log.warn(
        { group },
        'share.enabled without share.secretFile: whoever guesses the group takes its requests',
      );
    return new Requests(
      { log: this.#log, connection },
      {
        base: broker.baseTopic,
        server,
        zoo: () => serving.current.group.zoo.name,
        sharedGroup: share.enabled ? groupName(group, secret) : null,
        legacyGroup: legacy ? group : null,
      },
    );
  }

  #statusOf({ answerer, counters, requests, serving }: Parts): () => LiveServerStatus {
    const startedAt = new Date(this.#clock.wallMs()).toISOString();
    return () => {
      const { group, policy } = serving.current;
      return {
        state: this.#state,
        protocol: PROTOCOL,
        server: this.#config.server,
        zoo: group.zoo.name,
        zooHash: group.zoo.hash,
        models: [...group.models],
        policy: policyMessage(policy),
        queue: answerer.queue(),
        provider: group.provider,
        counters: counters.snapshot(),
        metrics: counters.metrics.snapshot(),
        latencyMs: counters.latencyMs(),
        startedAt,
        version: packageVersion(),
        ...(requests.shares ? { shared: counters.shared() } : {}),
      };
    };
  }

  /** Health, metrics and API over HTTP; what serves them is loaded only where it is wanted. */
  async #listen(
    { connection, counters }: Parts,
    announcer: Announcer,
    status: () => LiveServerStatus,
  ): Promise<void> {
    const { http: config } = this.#config;
    if (config.listen === 'off') return;
    const { cloudHttp } = await import('../http/cloud/main.js');
    const http = cloudHttp(
      { log: this.#log, config },
      {
        status,
        connected: () => connection.state === 'online',
        histograms: () => counters.metrics.histograms(),
        refusals: REFUSALS,
        patchPolicy: (payload) => announcer.patch(payload),
      },
    );
    this.#stopSteps.add(() => http.stop());
    await http.start();
  }

  #watchOver({ answerer, counters }: Parts): void {
    const [log, clock, manager] = [this.#log, this.#clock, this.#manager];
    const watchdog = new Watchdog(
      {
        log,
        clock,
        manager,
        progress: () => ({ pending: answerer.pending, ...counters.progress() }),
        status: () => counters.statusLine(answerer.pending),
      },
      { stallMs: 1000 * this.#config.watchdog.stallS },
    );
    watchdog.start();
    this.#stopSteps.add(() => watchdog.stop());
  }

  async #serve({ answerer, connection, requests }: Parts, announcer: Announcer): Promise<void> {
    this.#stopSteps.add(() => connection.stop());
    this.#stopSteps.add(async () => {
      announcer.stop();
      this.#state = 'draining';
      await announcer.sayStatus();
      if (connection.state === 'online') await new Promise((resolve) => setTimeout(resolve, FAREWELL_MS));
      await requests.leave();
      await answerer.drain(DRAIN_MS);
    });
    await announcer.start();
    requests.start(
      (message) => answerer.receive(message),
      () => announcer.announce(),
    );
    connection.start();
  }
}
