import type { Connection } from '../protocol/connection/connection.js';
import type { DeviceState } from '../protocol/messages.js';
import type { Inference, InferenceReady } from '../mux/inference/inference.js';
import { needsServer } from '../mux/rules/policies/needs.js';
import type { DevicePolicy } from '../mux/rules/policy-settings.js';
import type { Zoo } from '../mux/zoo/zoo.js';
import type { ClockCheck } from './clock-check.js';
import type { Counters } from './counters.js';
import type { EnergyMeter, RailState, EnergyTotals } from '../energy/meter.js';
import type { HostWatch } from '../common/host/systeminformation.js';
import type { Balancer } from './offload/balancer.js';
import type { Offloader } from './offload/offloader.js';
import type { JournalClient } from '../journal/client.js';
import type { Outbox } from './delivery/outbox.js';
import type { Pipeline } from './frames/pipeline.js';
import type { PolicyControl } from './policy-control.js';
import type { Servers } from './offload/servers.js';
import { twinWarning } from './twins.js';
import type { ZooFiles } from './zoo-files.js';

export interface StateParts {
  device: string;
  version: string;
  zoo: Zoo;
  ready: InferenceReady;
  policy: DevicePolicy;
  control: Pick<PolicyControl, 'report' | 'warnings'>;
  counters: Counters;
  pipeline: Pipeline;
  offloader: Offloader;
  balancer: Balancer;
  outbox: Outbox;
  journal: JournalClient;
  connection: Pick<Connection, 'health' | 'recentHangUps'>;
  clockCheck: Pick<ClockCheck, 'problem'>;
  servers: Servers;
  energy: EnergyMeter;
  host: HostWatch;
  zooFiles: ZooFiles;
  /** Why the watchdog is unhappy, or null. */
  stalled: string | null;
  workerTrouble: Inference['trouble'];
  /** Why HTTP does not listen where it should, or null. */
  httpProblem: string | null;
  uptimeS: number;
}

/** An unclean restart is a warning for so long; `counters.uncleanRestarts` keeps it. */
const UNCLEAN_WARNING_S = 3600;

/** The `state` message: what a person or a dashboard wants to know of the device now. */
export function deviceState(parts: StateParts): DeviceState {
  const failures = healthFailures(parts);
  const warnings = [...failures, ...healthWarnings(parts)].map((warning) => warning.slice(0, 1024));
  const rails = parts.energy.rails();
  return {
    device: parts.device,
    version: parts.version,
    zoo: { name: parts.zoo.name, version: parts.zoo.version, hash: parts.zoo.hash },
    provider: parts.ready.provider,
    policy: parts.control.report(),
    counters: parts.counters.snapshot(),
    queue: {
      waiting: parts.pipeline.waiting,
      inFlight: parts.pipeline.active,
      offloaded: parts.offloader.inFlight,
      outbox: parts.outbox.backlog,
    },
    offload: parts.balancer.state(),
    servers: parts.servers.list().map((one) => withOffload(one, parts.balancer.stateOf(one.server))),
    rails: rails.map(railState),
    power: powerOf(rails, parts.energy.totals()),
    health: {
      status: failures.length > 0 ? 'failed' : warnings.length > 0 ? 'warning' : 'ok',
      warnings,
    },
    uptimeS: parts.uptimeS,
    host: { ...parts.host.facts, onnxruntime: parts.ready.runtime },
  };
}

function withOffload(
  server: ReturnType<Servers['list']>[number],
  offload: ReturnType<Balancer['stateOf']>,
): DeviceState['servers'][number] {
  return offload === undefined ? server : { ...server, offload };
}

/** Power of the whole device, and how many frames its energies are of; null while a counted rail measures nothing. */
function powerOf(rails: readonly RailState[], totals: EnergyTotals): DeviceState['power'] {
  const whole = rails.filter((rail) => rail.counted);
  if (whole.length === 0 || whole.some(({ powerW }) => powerW === null)) return null;
  return {
    meanW: whole.reduce((sum, rail) => sum + (rail.powerW?.mean ?? 0), 0),
    energyJ: totals.energyJ,
    simulated: totals.simulated,
    frames: {
      measured: totals.framesMeasured,
      bridged: totals.framesBridged,
      unmeasured: totals.framesUnmeasured,
    },
  };
}

function railState(rail: RailState): DeviceState['rails'][number] {
  const { name, kind, simulated, problem, rateHz, within, counted } = rail;
  const health = problem === null ? 'ok' : 'warning';
  return { rail: name, sensor: kind, simulated, health, rateHz, within, counted };
}

/** What keeps frames from being answered. */
function healthFailures({ stalled, workerTrouble }: StateParts): string[] {
  return [...(stalled === null ? [] : [stalled]), ...(workerTrouble?.down ? [workerTrouble.text] : [])];
}

function healthWarnings(parts: StateParts): string[] {
  const { ready, servers, policy, journal, balancer } = parts;
  const fellBack = ready.attempts.filter((attempt) => !attempt.ok);
  const offloads = needsServer(policy);
  const twins = twinWarning(parts.connection.recentHangUps, parts.device);
  return [
    ...parts.energy.health(),
    ...parts.host.health(),
    ...parts.connection.health(),
    ...(parts.pipeline.problem === null ? [] : [parts.pipeline.problem]),
    ...(parts.zooFiles.problem === null ? [] : [parts.zooFiles.problem]),
    ...(parts.clockCheck.problem === null ? [] : [parts.clockCheck.problem]),
    ...(twins === null ? [] : [twins]),
    ...(parts.workerTrouble?.down === false ? [parts.workerTrouble.text] : []),
    ...fellBack.map(
      (attempt) => `execution provider ${attempt.provider} does not work: ${attempt.error ?? ''}`,
    ),
    ...parts.control.warnings,
    ...(offloads && !servers.available
      ? [`no server for zoo ${parts.zoo.name} is online: hard frames fall back`]
      : []),
    ...(offloads && servers.problem !== null ? [servers.problem] : []),
    ...balancer.problems(),
    ...(journal.problem === null ? [] : [journal.problem]),
    ...(journal.notice === null ? [] : [journal.notice]),
    ...(parts.httpProblem === null ? [] : [parts.httpProblem]),
    ...(journal.lastStop === 'unclean' && parts.uptimeS < UNCLEAN_WARNING_S
      ? ['the last run did not stop: the frames it had not finished have no result']
      : []),
  ];
}
