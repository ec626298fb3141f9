import { systemClock, type Clock } from '../common/clock.js';
import { messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import { StopSteps } from '../common/stop-steps.js';
import { packageVersion } from '../common/version.js';
import { Inference, type InferenceReady } from '../mux/inference.js';
import { loadZoo, type Zoo } from '../mux/zoo.js';
import { connectionOptions } from '../protocol/config.js';
import { Connection } from '../protocol/connection.js';
import { SERVER_OFFLINE, type LiveServerStatus } from '../protocol/messages.js';
import { offloadFilter, serverTopics, sharedFilter } from '../protocol/topics.js';
import { Announcer, POLICY } from './announcer.js';
import { Answerer } from './answerer.js';
import type { CloudConfig } from './config.js';
import { ServerCounters } from './counters.js';

/** A stop leaves this long to the requests in the queue. */
const DRAIN_MS = 4000;
/** The server: builds its parts, starts them in order, stops them in reverse. */
export class CloudServer {
  readonly #config: CloudConfig;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #stopSteps: StopSteps;
  #state: 'online' | 'draining' = 'online';

  constructor(deps: { log: Log; clock?: Clock }, config: CloudConfig) {
    this.#log = deps.log;
    this.#stopSteps = new StopSteps(deps.log);
    this.#clock = deps.clock ?? systemClock;
    this.#config = config;
  }

  /** @throws EdgemuxError ZOO_*, PROVIDER_UNAVAILABLE, MODEL_UNUSABLE */
  async start(): Promise<void> {
    const { images, inference: wanted, queue, server, broker, report } = this.#config;
    const [log, clock] = [this.#log, this.#clock];
    const zoo = await loadZoo(this.#config.zoo);
    const inference = new Inference({ log }, { ...wanted, zoo, models: [zoo.largest.id], mux: null });
    this.#stopSteps.add(() => inference.stop());
    const ready = await inference.start();
    const topics = serverTopics(broker.baseTopic, server);
    const connection = new Connection(
      { log, clock },
      {
        ...connectionOptions(broker),
        clientId: `edgemux-cloud-${server}`,
        will: { topic: topics.status, payload: SERVER_OFFLINE },
      },
    );
    const counters = new ServerCounters();
    const answerer = new Answerer(
      { log, clock, connection, inference, zoo, counters },
      { base: broker.baseTopic, server, images, queue },
    );
    const status = this.#statusOf(zoo, ready, answerer, counters);
    const announcer = new Announcer({ log, connection, topics, status }, report.statusIntervalS * 1000);
    await this.#serve({ connection, answerer, zoo, announcer });
    log.info(
      { server, zoo: zoo.name, model: zoo.largest.id, provider: ready.provider },
      'edgemux-cloud is ready',
    );
  }

  /** Answers what is queued, says `offline` and releases everything. Safe to call twice. */
  stop(): Promise<void> {
    return this.#stopSteps.run();
  }

  #statusOf(
    zoo: Zoo,
    ready: InferenceReady,
    answerer: Answerer,
    counters: ServerCounters,
  ): () => LiveServerStatus {
    const startedAt = new Date(this.#clock.wallMs()).toISOString();
    return () => ({
      state: this.#state,
      server: this.#config.server,
      zoo: zoo.name,
      zooHash: zoo.hash,
      models: [zoo.largest.id],
      policy: POLICY,
      queue: answerer.queue(),
      provider: ready.provider,
      counters: counters.snapshot(),
      latencyMs: counters.latencyMs(),
      startedAt,
      version: packageVersion(),
    });
  }

  async #serve(parts: {
    connection: Connection;
    answerer: Answerer;
    zoo: Zoo;
    announcer: Announcer;
  }): Promise<void> {
    const { connection, answerer, announcer } = parts;
    this.#stopSteps.add(() => connection.stop());
    this.#stopSteps.add(async () => {
      announcer.stop();
      this.#state = 'draining';
      announcer.sayStatus();
      await answerer.drain(DRAIN_MS);
    });
    await announcer.start();
    const subscription = { made: false };
    connection.onState((state) => {
      if (state !== 'online') return;
      this.#subscribeRequests(parts, subscription)
        .then(() => {
          announcer.sayPolicy();
          announcer.sayStatus();
        })
        .catch((error: unknown) => {
          const why = { error: messageOf(error) };
          this.#log.warn(why, 'requests not subscribed; the next connection tries again');
        });
    });
    connection.start();
  }

  /** Shares the requests with the servers of the group where the broker really delivers shared subscriptions. */
  async #subscribeRequests(
    parts: { connection: Connection; answerer: Answerer; zoo: Zoo },
    subscription: { made: boolean },
  ): Promise<void> {
    if (subscription.made) return;
    const { connection, answerer, zoo } = parts;
    const plain = offloadFilter(this.#config.broker.baseTopic, zoo.name);
    const shared = await connection.probeShared({ root: `${this.#config.broker.baseTopic}/probe` });
    const filter = shared ? sharedFilter(this.#config.group, plain) : plain;
    this.#log.info(
      { filter, shared },
      shared ? 'sharing requests with the group' : 'broker shares no requests',
    );
    await connection.subscribe(filter, { qos: 0 }, (message) => {
      answerer.receive(message);
    });
    subscription.made = true;
  }
}
