/** `edgemux doctor`: every precondition of the daemon, with what to do. */
import { readConfig } from '../../common/doctor/config.js';
import { needing, type Probe } from '../../common/doctor/checks.js';
import { runDoctor, type DoctorDeps, type DoctorOptions } from '../../common/doctor/command.js';
import { clockProbe, diskProbe, folderProbe, nodeProbe, secretsProbe } from '../../common/doctor/machine.js';
import { scanBuses } from '../../drivers/i2c/scan-buses.js';
import { processWithConfig } from '../../common/host/processes.js';
import { JOURNAL_FILES } from '../../journal/journal.js';
import { lockHolder } from '../../journal/lock.js';
import { bindingProbe, inferenceProbe, zooProbe } from '../../mux/doctor.js';
import type { InferenceOptions } from '../../mux/inference/inference.js';
import { needsServer } from '../../mux/rules/policies/needs.js';
import { loadZoo, type Zoo } from '../../mux/zoo/zoo.js';
import { brokerProbe, type BrokerProbeOptions, type ConnectedChecks } from '../../protocol/doctor.js';
import { camerasChecks, rightsChecks } from '../../protocol/rights-checks.js';
import {
  CameraPatterns,
  cloudStatusFilter,
  deviceTopics,
  offloadTopic,
  type OffloadTopic,
} from '../../protocol/topics/topics.js';
import { agentConfig, type AgentConfig } from '../config.js';
import { jetsonProbes } from './jetson.js';
import { modulesProbe } from './modules.js';
import { nameChecks } from './name.js';
import { powerProbes, type PowerProbeDeps } from './power.js';
import { serverChecks } from './servers.js';

export interface AgentDoctorOptions extends DoctorOptions {
  configFile: string | null;
  /** Values from the command line by configuration key. */
  flags: Record<string, unknown>;
}

export interface AgentDoctorDeps extends PowerProbeDeps {
  output?: DoctorDeps;
}

const SYSTEM: AgentDoctorDeps = { sysRoot: '/sys', devRoot: '/dev', scan: scanBuses };

/** Returns the exit code: 1 where a check fails. */
export function runAgentDoctor(options: AgentDoctorOptions, deps: AgentDoctorDeps = SYSTEM): Promise<number> {
  const { config, probe } = readConfig(options.configFile, () =>
    agentConfig(options.configFile, options.flags),
  );
  const always = [probe, nodeProbe(), bindingProbe(), modulesProbe(), clockProbe()];
  if (config === null) return runDoctor({ ...options, skipped: [] }, [always], deps.output);
  return runDoctor(options, deviceWaves(config, always, options, deps), deps.output);
}

/** Inference comes last: it takes every core, and the round trip to the broker is timed. */
function deviceWaves(
  config: AgentConfig,
  always: readonly Probe[],
  options: AgentDoctorOptions,
  deps: AgentDoctorDeps,
): Probe[][] {
  const { broker, dataDir, policy } = config;
  let loading: Promise<Zoo> | null = null;
  const zoo = (): Promise<Zoo> => (loading ??= loadZoo(config.zoo));
  const { mode, privacy } = policy;
  const offloads = mode === 'zoo' ? privacy !== 'strict' : needsServer({ mode, privacy });
  return [
    [
      ...always,
      diskProbe(dataDir, config.journal.maxBytes),
      folderProbe(dataDir, JOURNAL_FILES),
      secretsProbe({ 'broker.passwordFile': broker.passwordFile, 'broker.keyFile': broker.keyFile }),
      zooProbe(zoo),
    ],
    [
      needing(
        ['secrets'],
        brokerProbe(brokerOptions(config, options), [
          ...rightsOf(config),
          serverChecks(broker.baseTopic, zoo, offloads),
          nameChecks(config),
        ]),
      ),
      ...powerProbes(config.power, deps),
      ...jetsonProbes(deps.sysRoot, deps.devRoot),
    ],
    [
      needing(
        ['binding', 'zoo'],
        inferenceProbe(zoo, (loaded) => deviceInference(loaded, config)),
      ),
    ],
  ];
}

function brokerOptions(
  config: AgentConfig,
  { configFile, interrupts = false }: AgentDoctorOptions,
): BrokerProbeOptions {
  const { broker, cameras, device } = config;
  return {
    broker,
    root: `${broker.baseTopic}/${device}/doctor`,
    maxPayloadBytes: cameras.maxBytes,
    maxPayloadKey: 'cameras.maxBytes',
    wantsShared: false,
    occupant: () => (interrupts ? null : daemonOf(config, configFile)),
  };
}

/** The daemon that runs with this configuration, for people: by the lock of its folder, else by its command line. */
function daemonOf({ dataDir, journal }: AgentConfig, configFile: string | null): string | null {
  const holder = journal.mode === 'disk' ? lockHolder(dataDir) : 'unknown';
  if (holder === null) return null;
  if (holder !== 'unknown') return `process ${holder.pid ?? '?'}`;
  const main = { name: 'edgemux', main: '/agent/main.js' };
  const pid = configFile === null ? null : processWithConfig(main, configFile);
  return pid === null ? null : `process ${pid}`;
}

/** No server has a zoo of this name, or is called so. */
const noRequest = (device: string): OffloadTopic => ({
  server: 'edgemux-doctor',
  zoo: 'edgemux-doctor',
  device,
  frameId: 'doctor',
  budgetMs: 1,
  prepared: null,
});

function rightsOf({ broker, cameras, device }: AgentConfig): ConnectedChecks[] {
  const base = broker.baseTopic;
  const { answers, policySet, status } = deviceTopics(base, device);
  const reads = [answers, cloudStatusFilter(base), policySet, status];
  const writes = [offloadTopic(base, noRequest(device))];
  return [
    rightsChecks(() => Promise.resolve({ reads, writes })),
    camerasChecks(new CameraPatterns(cameras.topics).filters),
  ];
}

/** What the daemon loads: the local model and the pair's mux. */
function deviceInference(zoo: Zoo, config: AgentConfig): Omit<InferenceOptions, 'zoo'> {
  if (!zoo.local) throw new Error(`zoo ${zoo.name} has no model with the role "local": a device needs one`);
  return { ...config.inference, models: [zoo.local.id], mux: zoo.muxPair ? 'pair' : null };
}
