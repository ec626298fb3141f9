import { systemClock, type Clock } from '../common/clock.js';
import { EdgemuxError, messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import { packageVersion } from '../common/version.js';
import { Inference, type InferenceReady } from '../mux/inference.js';
import { loadZoo, type Zoo } from '../mux/zoo.js';
import { connectionOptions } from '../protocol/config.js';
import { Connection } from '../protocol/connection.js';
import {
  encodeMessage,
  parseServerPolicyPatch,
  policyError,
  SERVER_OFFLINE,
  type LiveServerStatus,
  type ServerPolicy,
} from '../protocol/messages.js';
import { offloadFilter, serverTopics, sharedFilter } from '../protocol/topics.js';
import type { Message } from '../protocol/message.js';
import { Answerer } from './answerer.js';
import type { CloudConfig } from './config.js';
import { ServerCounters } from './counters.js';

/** A stop leaves this long to the requests in the queue. */
const DRAIN_MS = 4000;
/** The only policy so far: the zoo's largest model answers everything. */
const POLICY: ServerPolicy = { mode: 'largest', mu: 0, T: 0.288, combine: false };

/** The server: builds its parts, starts them in order, stops them in reverse. */
export class CloudServer {
  readonly #config: CloudConfig;
  readonly #log: Log;
  readonly #clock: Clock;
  #stopSteps: (() => void | Promise<void>)[] = [];
  #stopped: Promise<void> | null = null;
  #state: 'online' | 'draining' = 'online';

  constructor(deps: { log: Log; clock?: Clock }, config: CloudConfig) {
    this.#log = deps.log;
    this.#clock = deps.clock ?? systemClock;
    this.#config = config;
  }

  /** @throws EdgemuxError ZOO_*, PROVIDER_UNAVAILABLE, MODEL_UNUSABLE */
  async start(): Promise<void> {
    const { images, inference: wanted, queue, server, broker } = this.#config;
    const [log, clock] = [this.#log, this.#clock];
    const zoo = await loadZoo(this.#config.zoo);
    const inference = new Inference({ log }, { ...wanted, zoo, models: [zoo.largest.id], mux: null });
    this.#stopSteps.unshift(() => inference.stop());
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
    await this.#serve({ connection, answerer, zoo, topics, status });
    log.info(
      { server, zoo: zoo.name, model: zoo.largest.id, provider: ready.provider },
      'edgemux-cloud is ready',
    );
  }

  /** Answers what is queued, says `offline` and releases everything. Safe to call twice. */
  stop(): Promise<void> {
    this.#stopped ??= this.#release();
    return this.#stopped;
  }

  async #release(): Promise<void> {
    for (const step of this.#stopSteps) {
      try {
        await step();
      } catch (error) {
        this.#log.error({ error: messageOf(error) }, 'a part did not stop cleanly');
      }
    }
    this.#stopSteps = [];
    this.#log.info('stopped');
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
    topics: ReturnType<typeof serverTopics>;
    status: () => LiveServerStatus;
  }): Promise<void> {
    const { connection, answerer, topics } = parts;
    const say = (topic: string, message: object): void => {
      if (connection.state !== 'online') return;
      connection.publish(topic, encodeMessage(message), { qos: 1, retain: true }).catch((error: unknown) => {
        this.#log.debug({ topic, error: messageOf(error) }, 'not published');
      });
    };
    this.#stopSteps.unshift(() => connection.stop());
    const timer = setInterval(() => {
      say(topics.status, parts.status());
    }, this.#config.report.statusIntervalS * 1000);
    this.#stopSteps.unshift(async () => {
      clearInterval(timer);
      this.#state = 'draining';
      say(topics.status, parts.status());
      await answerer.drain(DRAIN_MS);
    });
    await connection.subscribe(topics.policySet, { qos: 1 }, (message) => {
      say(topics.policy, patchedPolicy(message));
    });
    let subscribed = false;
    connection.onState((state) => {
      if (state !== 'online') return;
      void this.#subscribeRequests(parts, subscribed).then(() => {
        subscribed = true;
        say(topics.policy, POLICY);
        say(topics.status, parts.status());
      });
    });
    connection.start();
  }

  /** Shares the requests with the servers of the group where the broker really delivers shared subscriptions. */
  async #subscribeRequests(
    parts: { connection: Connection; answerer: Answerer; zoo: Zoo },
    again: boolean,
  ): Promise<void> {
    if (again) return;
    const { connection, answerer, zoo } = parts;
    const plain = offloadFilter(this.#config.broker.baseTopic, zoo.name);
    const shared = await connection.probeShared();
    const filter = shared ? sharedFilter(this.#config.group, plain) : plain;
    this.#log.info(
      { filter, shared },
      shared ? 'sharing requests with the group' : 'broker shares no requests',
    );
    await connection.subscribe(filter, { qos: 0 }, (message) => {
      answerer.receive(message);
    });
  }
}

/** The outcome of a patch: this server knows one policy, so a patch can only confirm it. */
function patchedPolicy(message: Message): object {
  try {
    const patch = parseServerPolicyPatch(message.payload);
    if (patch.mode === undefined || patch.mode === POLICY.mode) return POLICY;
    throw new EdgemuxError(
      'MESSAGE_INVALID',
      `mode ${patch.mode} is not offered by this server; it answers with ${POLICY.mode}`,
    );
  } catch (error) {
    return policyError(error);
  }
}
