import type { Clock } from '../common/clock.js';
import type { Log } from '../common/log.js';
import { systemRandom } from '../common/random.js';
import type { ServiceManager } from '../common/service-manager.js';
import { packageVersion } from '../common/version.js';
import type { Watchdog } from '../common/watchdog.js';
import { wholePixels } from '../mux/image/decode-cost.js';
import type { Inference, InferenceReady } from '../mux/inference/inference.js';
import type { Zoo } from '../mux/zoo/zoo.js';
import { clientIds, connectionOptions } from '../protocol/config.js';
import { Connection } from '../protocol/connection/connection.js';
import { createFrameIds, DEVICE_OFFLINE, DEVICE_ONLINE, type DeviceState } from '../protocol/messages.js';
import { deviceTopics, type DeviceTopics } from '../protocol/topics/topics.js';
import type { DeviceHttp } from './http.js';
import { Admission } from './frames/admission.js';
import type { AgentConfig } from './config.js';
import { ClockCheck } from './clock-check.js';
import { Counters } from './counters.js';
import { Decider, pictureInputs } from './frames/decider.js';
import { Emitter, type EmitterDeps } from './frames/emitter.js';
import type { EnergyMeter } from '../energy/meter.js';
import type { HostWatch } from '../common/host/systeminformation.js';
import { createJournal } from './delivery/journal.js';
import type { JournalClient } from '../journal/client.js';
import { Balancer } from './offload/balancer.js';
import { Offloader } from './offload/offloader.js';
import { Outbox } from './delivery/outbox.js';
import { Pipeline } from './frames/pipeline.js';
import type { PolicyInForce } from './policy-at-start.js';
import { PolicyControl } from './policy-control.js';
import type { PolicyStore } from './policy-store.js';
import { Reporter } from './reporter.js';
import { Servers, zooOf } from './offload/servers.js';
import { Settler } from './frames/settler.js';
import { ZooFiles } from './zoo-files.js';
import { deviceState } from './state.js';
import { deviceWatchdog } from './device-watchdog.js';

/** What is there before the parts are built: loaded, proved and started. */
export interface Ground {
  config: AgentConfig;
  log: Log;
  clock: Clock;
  manager: ServiceManager;
  zoo: Zoo;
  /** Policy at start. */
  policy: PolicyInForce;
  policyStore: PolicyStore;
  inference: Inference;
  ready: InferenceReady;
  energy: EnergyMeter;
  host: HostWatch;
  http: DeviceHttp | null;
}

/** The parts of the daemon, wired and not yet started. */
export interface Parts {
  topics: DeviceTopics;
  counters: Counters;
  connection: Connection;
  servers: Servers;
  balancer: Balancer;
  offloader: Offloader;
  journal: JournalClient;
  outbox: Outbox;
  control: PolicyControl;
  admission: Admission;
  pipeline: Pipeline;
  watchdog: Watchdog;
  zooFiles: ZooFiles;
  clockCheck: ClockCheck;
  reporter: Reporter;
}

/** Builds every part; constructors do nothing, so nothing runs yet. */
export function buildParts(ground: Ground): Parts {
  const { config, log, clock, zoo } = ground;
  const topics = deviceTopics(config.broker.baseTopic, config.device);
  const counters = new Counters();
  const connection = new Connection({ log, clock }, deviceConnection(config, topics));
  const servers = new Servers({ log }, zooOf(zoo));
  const journal = createJournal({ log, clock, counters }, config.dataDir, config.journal);
  const outbox = new Outbox({ log, clock, counters, connection, journal });
  const control = buildPolicyControl(ground, connection, topics);
  const balancer = buildBalancer(ground, servers);
  const offloader = buildOffloader(ground, { connection, servers, counters, balancer });
  const clockCheck = new ClockCheck(clock);
  const clockTrusted = (): boolean => clockCheck.isTrusted;
  const context = { device: config.device, zoo, ready: ground.ready, clockTrusted };
  const observe: EmitterDeps['observe'] = (...seen) => ground.http?.observe(...seen);
  const emitter = new Emitter({ clock, journal, outbox, context, topicOf: topics.result, observe });
  const pipeline = buildPipeline(ground, { counters, control, offloader, emitter });
  const admission = buildAdmission(ground, counters);
  const watchdog = deviceWatchdog(ground, config.watchdog, { counters, pipeline });
  const zooFiles = new ZooFiles({ log, zoo }, 1000 * Math.max(1, config.report.stateIntervalS));
  const parts = {
    topics,
    counters,
    connection,
    servers,
    balancer,
    offloader,
    journal,
    outbox,
    control,
    admission,
    pipeline,
    watchdog,
    zooFiles,
    clockCheck,
  };
  return { ...parts, reporter: buildReporter(ground, parts) };
}

function buildAdmission({ clock, config, energy, log, zoo }: Ground, counters: Counters): Admission {
  const nextFrameId = createFrameIds(clock);
  const maxWholePixels = wholePixels(pictureInputs(zoo), config.cameras.maxWholePixels);
  return new Admission({ log, clock, counters, energy, nextFrameId }, { ...config.cameras, maxWholePixels });
}

function buildPolicyControl(ground: Ground, connection: Connection, topics: DeviceTopics): PolicyControl {
  const { clock, log, policy, policyStore: store, zoo } = ground;
  return new PolicyControl({ log, connection, zoo, topics, store, wallMs: () => clock.wallMs() }, policy);
}

function buildReporter(ground: Ground, parts: Omit<Parts, 'reporter'>): Reporter {
  const { config, log, clock, energy } = ground;
  const startedMs = clock.monotonicMs();
  const state = (): DeviceState =>
    deviceState({
      ...parts,
      device: config.device,
      version: packageVersion(),
      zoo: ground.zoo,
      ready: ground.ready,
      host: ground.host,
      energy,
      stalled: parts.watchdog.stalled,
      workerTrouble: ground.inference.trouble,
      httpProblem: ground.http?.problem ?? null,
      policy: parts.control.policy,
      uptimeS: (clock.monotonicMs() - startedMs) / 1000,
    });
  return new Reporter(
    { log, clock, connection: parts.connection, energy, topics: parts.topics, device: config.device, state },
    { stateMs: config.report.stateIntervalS * 1000, powerMs: config.report.powerIntervalS * 1000 },
  );
}

function deviceConnection(
  config: AgentConfig,
  topics: DeviceTopics,
): ConstructorParameters<typeof Connection>[1] {
  return {
    ...connectionOptions(config.broker, config.cameras.maxBytes),
    clientId: clientIds.device(config.device, config.broker),
    tellsWaiting: true,
    will: { topic: topics.status, payload: DEVICE_OFFLINE },
    online: { topic: topics.status, payload: DEVICE_ONLINE },
  };
}

function buildBalancer({ clock, config, log }: Ground, servers: Servers): Balancer {
  const { breaker, leastWindow, share, window } = config.offload;
  return new Balancer(
    { log, nowMs: () => clock.monotonicMs(), random: systemRandom, servers, device: config.device },
    { breaker, window: { least: leastWindow, most: window }, share },
  );
}

function buildOffloader(
  ground: Ground,
  parts: Pick<Parts, 'connection' | 'servers' | 'counters' | 'balancer'>,
): Offloader {
  const { config, log, clock, zoo } = ground;
  return new Offloader(
    { log, clock, ...parts },
    {
      base: config.broker.baseTopic,
      device: config.device,
      zoo,
      saysPrepared: zoo.manifest.schema > 1,
    },
  );
}

function buildPipeline(
  ground: Ground,
  parts: Pick<Parts, 'counters' | 'control' | 'offloader'> & { emitter: Emitter },
): Pipeline {
  const { config, log, clock, zoo, inference } = ground;
  const { counters, control, offloader, emitter } = parts;
  const decider = new Decider(
    { clock, inference, zoo, policy: () => control.policy, alone: () => offloader.obstacle() !== null },
    config.cameras,
  );
  const localMs = zoo.local ? (ground.ready.warmupMs[zoo.local.id] ?? 0) : 0;
  const settler = new Settler(
    { clock, inference, zoo, offloader },
    { deadlineMs: config.offload.deadlineMs, localMs },
  );
  return new Pipeline(
    {
      log,
      clock,
      counters,
      decider,
      settle: (frame, decided) => settler.settle(frame, decided),
      emit: (frame, settled) => emitter.emit(frame, settled),
    },
    {
      depth: config.inference.pipelineDepth,
      maxWaitingBytes: config.cameras.maxWaitingBytes,
      maxAgeMs: config.cameras.maxAgeMs,
      deadlineMs: config.offload.deadlineMs,
    },
  );
}
