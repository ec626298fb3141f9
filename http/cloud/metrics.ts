import type { HistogramCounts } from '../../common/histogram.js';
import type { LiveServerStatus } from '../../protocol/messages.js';
import { byLabel, counter, gauge, histogram, info, oneOf, type Family } from '../metric.js';
import { processMetrics } from '../process-metrics.js';

/** Sizes and durations that the server has observed. */
export interface ServerHistograms {
  /** From a request's arrival to its answer. */
  residence: HistogramCounts;
  /** By stage of the answers. */
  stages: Readonly<Record<string, HistogramCounts>>;
  /** Images of a batch, by model. */
  batches: Readonly<Record<string, HistogramCounts>>;
}

/** What the server shows of itself over HTTP, and the one thing that can be changed. */
export interface ServerSubject {
  status: () => LiveServerStatus;
  connected: () => boolean;
  histograms: () => ServerHistograms;
  /** Codes with which requests are refused, all of them. */
  refusals: readonly string[];
  /** Takes a patch as `policy/set` does, whole or not at all. @throws EdgemuxError MESSAGE_INVALID */
  patchPolicy: (payload: Uint8Array) => LiveServerStatus['policy'];
}

const MODES_OF_BEING = ['online', 'draining'] as const;

/** Everything that Prometheus is told of a server, put together when it asks. */
export function serverMetrics(subject: ServerSubject): Family[] {
  const status = subject.status();
  return [
    ...aboutProgram(status, subject.connected()),
    ...requests(status, subject.refusals),
    ...models(status),
    ...distributions(subject.histograms()),
    ...processMetrics(),
  ];
}

function aboutProgram(status: LiveServerStatus, connected: boolean): Family[] {
  const { policy, provider, queue, server, startedAt, state, version, zoo, zooHash } = status;
  return [
    info('edgemux_cloud_build_info', 'The program.', { version, node: process.version }),
    info('edgemux_cloud_server_info', 'The server, its networks and what they run on.', {
      server,
      zoo,
      zoo_hash: zooHash.slice(0, 12),
      provider,
    }),
    info('edgemux_cloud_policy_info', 'Which networks answer.', { mode: policy.mode }),
    oneOf('edgemux_cloud_state', 'draining: finishes what it has and takes nothing new.', 'state', {
      all: MODES_OF_BEING,
      now: state,
    }),
    gauge(
      'edgemux_cloud_start_time_seconds',
      'When the server started, since the epoch.',
      Date.parse(startedAt) / 1000,
    ),
    gauge('edgemux_cloud_broker_connected', 'Whether the broker is connected.', connected),
    gauge('edgemux_cloud_queue_requests', 'Requests that wait.', queue.length),
    gauge('edgemux_cloud_queue_limit_requests', 'Requests that may wait.', queue.limit),
    gauge('edgemux_cloud_queue_bytes', 'Bytes of the requests that wait.', queue.bytes),
  ];
}

function requests({ counters }: LiveServerStatus, refusals: readonly string[]): Family[] {
  const count = (name: string): number => counters[name] ?? 0;
  const refused = Object.entries(counters).flatMap(([name, n]) =>
    name.startsWith('refused_') ? [[name.slice('refused_'.length), n] as const] : [],
  );
  const codes = refusals.map((code) => code.toLowerCase());
  return [
    counter('edgemux_cloud_requests_total', 'Requests of devices.', count('requests')),
    counter('edgemux_cloud_answers_total', 'Requests answered with a class.', count('answers')),
    counter(
      'edgemux_cloud_requests_expired_total',
      'Requests whose time was over before work on them began.',
      count('expired'),
    ),
    counter(
      'edgemux_cloud_requests_unanswerable_total',
      'Requests without a usable topic to answer to.',
      count('unanswerable'),
    ),
    counter(
      'edgemux_cloud_requests_refused_total',
      'Requests answered with an error.',
      byLabel('code', Object.fromEntries(refused), codes),
    ),
    counter('edgemux_cloud_zoo_reloads_total', 'Changes of the zoo.', [
      [{ outcome: 'taken' }, count('zoo_reloads')],
      [{ outcome: 'failed' }, count('zoo_reloads_failed')],
    ]),
  ];
}

function models({ metrics = {}, models: all }: LiveServerStatus): Family[] {
  const values = (name: string): Record<string, number> => {
    const found = metrics[name];
    return typeof found === 'object' ? found : {};
  };
  return [
    counter(
      'edgemux_cloud_model_answers_total',
      'Answers that a network took part in.',
      byLabel('model', values('answers_by_model_total'), all),
    ),
    counter(
      'edgemux_cloud_model_runs_total',
      'Batches that a network ran; (mux) is the multiplexer.',
      byLabel('model', values('runs_total'), all),
    ),
    counter(
      'edgemux_cloud_model_images_total',
      'Images in those batches.',
      byLabel('model', values('run_images_total'), all),
    ),
    counter(
      'edgemux_cloud_model_run_seconds_total',
      'Time that the batches took.',
      byLabel('model', values('run_seconds_total'), all),
    ),
  ];
}

function distributions({ batches, residence, stages }: ServerHistograms): Family[] {
  return [
    histogram(
      'edgemux_cloud_batch_images',
      'Images of a batch.',
      Object.entries(batches).map(([model, counts]) => [{ model }, counts]),
    ),
    histogram(
      'edgemux_cloud_stage_seconds',
      'Time of answers by stage.',
      Object.entries(stages).map(([stage, counts]) => [{ stage }, counts]),
    ),
    histogram('edgemux_cloud_residence_seconds', "From a request's arrival to its answer.", [
      [{}, residence],
    ]),
  ];
}
