/**
 * Entry of the inference thread: opens the sessions of its plan, then answers jobs one after the other in the order
 * in which they came. Two jobs never run at once: `run()` blocks this thread anyway, and a model's threads are its own.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { openBoard, type StageSpan } from '../../common/activity.js';
import { systemClock } from '../../common/clock.js';
import { EdgemuxError } from '../../common/errors.js';
import { decide, durationMs, timedRun, type DecideDeps } from './decide.js';
import { decideGroup } from './group-decide.js';
import {
  GROUP_MUX_ID,
  MUX_ID,
  toWireError,
  type ClassifyJob,
  type FromWorker,
  type GroupJob,
  type GroupMuxJob,
  type InferenceJob,
  type InferenceOutcome,
  type InferencePlan,
  type MuxJob,
  type SameGroupJob,
  type ToWorker,
  type WorkerStart,
} from './inference-types.js';
import { openSessions } from './providers.js';
import { RunLock } from './run-lock.js';
import type { Session } from './runtime.js';

/** An outcome before its wait in the queue is known. */
type Unqueued<O = InferenceOutcome> = O extends InferenceOutcome ? Omit<O, 'queueMs'> : never;

/** Runs one job on the sessions. @throws EdgemuxError INFERENCE_FAILED */
async function perform(
  sessions: Map<string, Session>,
  deps: DecideDeps,
  job: InferenceJob,
): Promise<Unqueued> {
  switch (job.kind) {
    case 'decide':
      return decide(deps, job.pixels, job.policy, job.alone);
    case 'classify':
      return classify(sessions, deps, job);
    case 'mux':
      return scoreBatch(deps, job);
    case 'group-mux':
      return weighBatch(groupDeps(sessions, deps), job);
    case 'group':
      return decideGroup(groupDeps(sessions, deps), (id) => sessions.get(id) ?? null, job);
  }
}

/** The group's mux takes the place of the pair's. */
function groupDeps(sessions: Map<string, Session>, deps: DecideDeps): DecideDeps {
  return { ...deps, mux: sessions.get(GROUP_MUX_ID) ?? null };
}

async function classify(
  sessions: Map<string, Session>,
  deps: DecideDeps,
  { model, pixels, count }: ClassifyJob,
): Promise<Unqueued> {
  const local = sessions.get(model);
  if (!local) throw new EdgemuxError('INFERENCE_FAILED', `model '${model}' is not loaded`);
  const spans: StageSpan[] = [];
  const { probabilities } = await timedRun({ ...deps, local }, 'local', pixels, count, spans);
  return { kind: 'classify', probabilities, ms: durationMs(spans, 'local'), spans };
}

async function scoreBatch(deps: DecideDeps, { pixels, count }: MuxJob): Promise<Unqueued> {
  const spans: StageSpan[] = [];
  const { score, probabilities } = await timedRun(deps, 'mux', pixels, count, spans);
  return {
    kind: 'mux',
    scores: score ?? new Float32Array(),
    probabilities,
    ms: durationMs(spans, 'mux'),
    spans,
  };
}

/** @param deps with the group's mux as `mux`: it counts as that stage */
async function weighBatch(deps: DecideDeps, { pixels, count }: GroupMuxJob): Promise<Unqueued> {
  const spans: StageSpan[] = [];
  const { correct, weights, probabilities } = await timedRun(deps, 'mux', pixels, count, spans);
  return {
    kind: 'group-mux',
    correct: correct ?? new Float32Array(),
    weights: weights ?? new Float32Array(),
    probabilities,
    ms: durationMs(spans, 'mux'),
    spans,
  };
}

type Port = NonNullable<typeof parentPort>;

function post(port: Port, message: FromWorker): void {
  port.postMessage(message);
}

/** Adds to a job what it leaves out because the one before it said it. @throws EdgemuxError INFERENCE_FAILED */
function completion(): (job: InferenceJob | SameGroupJob) => InferenceJob {
  let last: GroupJob | null = null;
  return (job) => {
    if (job.kind === 'group') last = job;
    if (job.kind !== 'same-group') return job;
    if (!last) throw new EdgemuxError('INFERENCE_FAILED', 'the first group job must name its group');
    return { ...last, pixels: job.pixels };
  };
}

/** Answers messages in their order. */
function serve(port: Port, plan: InferencePlan, lock: RunLock, sessions: Map<string, Session>): void {
  const deps: DecideDeps = {
    clock: systemClock,
    mux: sessions.get(MUX_ID) ?? null,
    local: plan.local === null ? null : (sessions.get(plan.local) ?? null),
    board: plan.board ? openBoard(plan.board) : null,
  };
  const whole = completion();
  const locked = async (job: InferenceJob): Promise<Unqueued> => {
    if (!lock.enter())
      throw new EdgemuxError('INFERENCE_STOPPED', 'inference stopped before this job was run');
    try {
      return await perform(sessions, deps, job);
    } finally {
      lock.leave();
    }
  };
  const handle = async (message: ToWorker): Promise<void> => {
    if (message.type === 'stop') {
      await Promise.allSettled([...sessions.values()].map((session) => session.release()));
      port.close();
      return;
    }
    const { sequence, sentMs, job } = message;
    const queueMs = systemClock.monotonicMs() - sentMs;
    try {
      post(port, { type: 'done', sequence, outcome: { ...(await locked(whole(job))), queueMs } });
    } catch (error) {
      post(port, { type: 'failed', sequence, error: toWireError(error, 'INFERENCE_FAILED') });
    }
  };
  let last = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    last = last.then(() => handle(message));
  });
}

/** Messages that come while the sessions open wait in the port. */
async function main(port: Port, { plan, lock: buffer }: WorkerStart): Promise<void> {
  const lock = new RunLock(buffer);
  if (!lock.enter()) return;
  try {
    const { sessions, ready } = await openSessions(plan);
    serve(port, plan, lock, sessions);
    post(port, { type: 'ready', ready });
  } catch (error) {
    post(port, { type: 'unable', error: toWireError(error, 'MODEL_UNUSABLE') });
    port.close();
  } finally {
    lock.leave();
  }
}

if (parentPort) await main(parentPort, workerData as WorkerStart);
