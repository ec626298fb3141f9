import {
  HEALTH,
  REASONS,
  ROUTES,
  type DeviceState,
  type LimiterState,
  type RailPower,
} from '../../protocol/messages.js';
import { byLabel, counter, gauge, histogram, info, oneOf, type Family, type Labels } from '../metric.js';
import { processMetrics } from '../process-metrics.js';
import type { CameraView } from './cameras.js';
import { STAGES, type Observer } from './observer.js';
import type { DeviceSubject } from './subject.js';

const BREAKER = ['closed', 'open', 'half-open'] as const;
const JOURNAL_MODES = ['off', 'memory', 'disk'] as const;

/** Everything that Prometheus is told of a device, put together when it asks. */
export function deviceMetrics(subject: DeviceSubject): Family[] {
  const state = subject.state();
  return [
    ...aboutProgram(state),
    ...frames(state, subject.causes),
    ...results(state, subject.observer),
    ...cameras(subject.observer.cameras()),
    ...latencies(subject.observer),
    ...offload(state, subject.observer),
    ...eachServer(state),
    ...delivery(state, subject),
    ...energy(state),
    ...rails(state, subject.power()?.rails ?? []),
    ...host(state),
    ...processMetrics(),
  ];
}

function aboutProgram({
  device,
  health,
  host: machine,
  policy,
  provider,
  uptimeS,
  version,
  zoo,
}: DeviceState): Family[] {
  const { mode, privacy, source = 'configuration' } = policy;
  return [
    info('edgemux_build_info', 'The program.', {
      version,
      node: textOf(machine['node']),
      onnxruntime: textOf(machine['onnxruntime']),
    }),
    info('edgemux_device_info', 'The device, its networks and what they run on.', {
      device,
      zoo: zoo.name,
      zoo_version: zoo.version,
      zoo_hash: zoo.hash.slice(0, 12),
      provider,
    }),
    info(
      'edgemux_policy_info',
      'What frames are decided by, and whether that was set while the device ran.',
      { mode, privacy, source },
    ),
    oneOf('edgemux_health_status', 'Health as in the state: 1 for what it is now.', 'status', {
      all: HEALTH,
      now: health.status,
    }),
    gauge('edgemux_health_warnings', 'Warnings and failures in the state.', health.warnings.length),
    gauge('edgemux_uptime_seconds', 'Since the daemon was ready.', uptimeS),
  ];
}

function frames({ counters, queue }: DeviceState, causes: DeviceSubject['causes']): Family[] {
  return [
    counter('edgemux_camera_messages_total', 'Messages of cameras.', counters.received),
    counter(
      'edgemux_camera_messages_ignored_total',
      'Messages that were retained copies.',
      counters.ignoredRetained,
    ),
    counter(
      'edgemux_camera_bad_timestamps_total',
      'Stamps of cameras that are no time.',
      counters.oddCapturedAt,
    ),
    counter(
      'edgemux_frames_refused_total',
      'Messages that failed the size and type check.',
      byLabel('cause', counters.refused, causes.refused),
    ),
    counter(
      'edgemux_frames_extra_total',
      'Frames beyond the first of a message, by regions.',
      counters.extraFrames,
    ),
    counter(
      'edgemux_frames_admitted_total',
      'Frames admitted: each ends as one result or one drop.',
      counters.admitted,
    ),
    counter(
      'edgemux_frames_dropped_total',
      'Frames admitted and without a result.',
      byLabel('cause', counters.drops, causes.drops),
    ),
    gauge('edgemux_frames_waiting', 'Frames that wait for their turn, one a camera at most.', queue.waiting),
    gauge('edgemux_frames_in_flight', 'Frames between their start and their result.', queue.inFlight),
  ];
}

function results({ counters }: DeviceState, { confidence, reasons }: Observer): Family[] {
  return [
    counter('edgemux_results_total', 'Results by who answered.', byLabel('route', counters.routes, ROUTES)),
    counter(
      'edgemux_results_by_reason_total',
      'Results by why they took their route.',
      byLabel('reason', reasons, REASONS),
    ),
    histogram('edgemux_result_confidence_ratio', 'Confidence of the answers.', [[{}, confidence.counts()]]),
  ];
}

function cameras(views: readonly CameraView[]): Family[] {
  const of = (view: CameraView): Labels => ({ camera: view.camera, region: view.region ?? '' });
  const each = (read: (view: CameraView) => number | null) =>
    views.map((view) => [of(view), read(view)] as const);
  return [
    counter(
      'edgemux_camera_results_total',
      'Results by camera; the 65th and further ones together.',
      each(({ results: n }) => n),
    ),
    gauge(
      'edgemux_camera_last_result_timestamp_seconds',
      'When a camera had its last result, since the epoch.',
      each(({ lastMs }) => lastMs / 1000),
    ),
    counter(
      'edgemux_camera_energy_joules_total',
      'Gross energy of the frames of a camera.',
      each(({ energyJ }) => energyJ),
    ),
  ];
}

function latencies({ routes, stages }: Observer): Family[] {
  return [
    histogram(
      'edgemux_stage_seconds',
      'Time of frames in the stages that they pass; total is all of it.',
      STAGES.map((stage) => [{ stage }, stages[stage].counts()]),
    ),
    histogram(
      'edgemux_result_latency_seconds',
      'From admission to result.',
      ROUTES.map((route) => [{ route }, routes[route].counts()]),
    ),
  ];
}

function offload({ counters, offload: state, queue, servers }: DeviceState, observer: Observer): Family[] {
  return [
    oneOf('edgemux_breaker_state', 'Circuit breaker before the servers: 1 for what it is now.', 'state', {
      all: BREAKER,
      now: state?.breaker ?? 'closed',
    }),
    counter('edgemux_breaker_opened_total', 'Times that requests kept failing.', state?.opened ?? 0),
    counter(
      'edgemux_breaker_probes_total',
      'Requests sent to see whether servers are back.',
      state?.probes ?? 0,
    ),
    gauge('edgemux_offload_window_requests', 'Requests that may be in flight.', state?.window ?? 0),
    gauge('edgemux_offload_requests_in_flight', 'Requests sent and not answered.', queue.offloaded),
    gauge(
      'edgemux_offload_pause_seconds',
      'Left of the pause that a refusal imposed.',
      (state?.pauseMs ?? 0) / 1000,
    ),
    counter('edgemux_offload_sent_bytes_total', 'Bytes of pictures sent for results.', observer.sentBytes),
    counter(
      'edgemux_offload_received_bytes_total',
      'Bytes of answers received for results.',
      observer.receivedBytes,
    ),
    counter('edgemux_answers_late_total', 'Answers that nobody waited for any more.', counters.lateAnswers),
    counter('edgemux_answers_bad_total', 'Answers that are none.', counters.badAnswers),
    counter('edgemux_answers_foreign_total', 'Answers of servers not asked.', counters.foreignAnswers),
    gauge(
      'edgemux_servers_usable',
      'Servers online with the zoo of this device.',
      servers.filter(({ usable }) => usable).length,
    ),
  ];
}

function eachServer({ servers }: DeviceState): Family[] {
  const each = (read: (asked: LimiterState) => number): [Labels, number][] =>
    servers.flatMap(({ server, offload: asked }) => (asked ? [[{ server }, read(asked)]] : []));
  return [
    counter(
      'edgemux_server_answers_total',
      'Requests that a server answered.',
      each(({ answers }) => answers),
    ),
    counter(
      'edgemux_server_failures_total',
      'Requests that a server left unanswered or answered wrongly.',
      each(({ failures }) => failures),
    ),
    gauge(
      'edgemux_server_requests_in_flight',
      'Requests sent to a server and not answered.',
      each(({ inFlight }) => inFlight),
    ),
    gauge(
      'edgemux_server_breaker_closed',
      'Whether a server is asked as usual.',
      each(({ breaker }) => (breaker === 'closed' ? 1 : 0)),
    ),
  ];
}

function delivery({ counters, queue }: DeviceState, { connected, journal }: DeviceSubject): Family[] {
  const { mode, problem } = journal();
  return [
    gauge('edgemux_broker_connected', 'Whether the broker is connected.', connected()),
    gauge('edgemux_outbox_results', 'Results not delivered yet.', queue.outbox),
    counter(
      'edgemux_results_parked_total',
      'Results that the broker does not take, left to the next run.',
      counters.parked,
    ),
    gauge(
      'edgemux_results_given_up',
      'Results that will not be delivered; one that arrives after all counts no more.',
      byLabel('cause', counters.givenUp, ['too-old', 'journal-full', 'memory-full', 'unjournaled-at-stop']),
    ),
    oneOf('edgemux_journal_mode', 'Where results wait: 1 for the mode in force.', 'mode', {
      all: JOURNAL_MODES,
      now: mode,
    }),
    gauge('edgemux_journal_healthy', 'Whether the journal does what its mode says.', problem === null),
    counter('edgemux_journal_errors_total', 'Times that the journal failed.', counters.journalErrors),
    counter(
      'edgemux_journal_set_aside_total',
      'Damaged journals kept under another name.',
      counters.journalsSetAside,
    ),
    counter(
      'edgemux_journal_torn_records_total',
      'Records that the last death left torn.',
      counters.tornRecords,
    ),
    counter(
      'edgemux_unclean_restarts_total',
      'Runs of this journal that did not stop.',
      counters.uncleanRestarts,
    ),
  ];
}

function energy({ power }: DeviceState): Family[] {
  const whole = (value: number | undefined): [Labels, number | null][] =>
    power === null ? [] : [[{ simulated: String(power.simulated) }, value ?? null]];
  const { bridged = 0, measured = 0, unmeasured = 0 } = power?.frames ?? {};
  return [
    gauge('edgemux_power_watts', 'Power of the whole device, mean of the last second.', whole(power?.meanW)),
    counter('edgemux_energy_joules_total', 'Energy of the whole device.', whole(power?.energyJ)),
    counter(
      'edgemux_frames_measured_total',
      'Frames by whether their energy is known.',
      byLabel('energy', { measured: measured - bridged, bridged, unmeasured }),
    ),
  ];
}

function rails({ rails: states }: DeviceState, measured: readonly RailPower[]): Family[] {
  const labels = ({ rail, simulated }: RailPower): Labels => ({ rail, simulated: String(simulated) });
  const each = (read: (rail: RailPower) => number | null) =>
    measured.map((rail) => [labels(rail), read(rail)] as const);
  return [
    gauge(
      'edgemux_rail_power_watts',
      'Power of a rail, mean of the last second.',
      each(({ powerW }) => powerW?.mean ?? null),
    ),
    counter(
      'edgemux_rail_energy_joules_total',
      'Energy of a rail.',
      each(({ energyJ }) => energyJ),
    ),
    gauge(
      'edgemux_rail_voltage_volts',
      'Newest voltage of a rail.',
      each(({ voltageV }) => voltageV),
    ),
    gauge(
      'edgemux_rail_current_amperes',
      'Newest current of a rail.',
      each(({ currentA }) => currentA),
    ),
    gauge(
      'edgemux_rail_healthy',
      'Whether a rail measures.',
      states.map(({ health, rail }) => [{ rail }, Number(health === 'ok')]),
    ),
    gauge(
      'edgemux_rail_sample_rate_hertz',
      'Samples a second of a rail.',
      states.map(({ rail, rateHz }) => [{ rail }, rateHz]),
    ),
  ];
}

function host({ host: machine }: DeviceState): Family[] {
  const number = (key: string): number | null => {
    const value = machine[key];
    return typeof value === 'number' ? value : null;
  };
  const throttled = machine['throttled'];
  const zones = Object.entries((machine['temperaturesC'] ?? {}) as Record<string, number>);
  return [
    gauge(
      'edgemux_host_throttled',
      'Whether the machine throttles itself.',
      Array.isArray(throttled) && throttled.length > 0,
    ),
    gauge('edgemux_host_cpu_ratio', "Share of the cores' time that is in use.", number('cpuLoad')),
    gauge('edgemux_host_gpu_ratio', 'Share of the time that the GPU is in use.', number('gpuLoad')),
    gauge('edgemux_host_memory_free_bytes', 'Memory that can be had.', number('memoryFreeBytes')),
    gauge(
      'edgemux_host_temperature_celsius',
      'Temperature of a thermal zone.',
      zones.map(([zone, celsius]) => [{ zone }, celsius]),
    ),
  ];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
