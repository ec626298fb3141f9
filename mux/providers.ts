/** Choosing an execution provider: tried in order, believed only after real runs. */
import { EdgemuxError, isEdgemuxError, messageOf } from '../common/errors.js';
import { systemClock } from '../common/clock.js';
import type { Provider } from './config.js';
import type { InferencePlan, InferenceReady, ProviderAttempt, SessionSpec } from './inference-types.js';
import { openSession, profileProviders, type Session, type SessionOptions } from './runtime.js';
import { allFinite } from './probabilities.js';

/** Names that ONNX Runtime gives the providers in its profile. */
const PROFILE_NAME: Record<Provider, string> = {
  tensorrt: 'TensorrtExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  cpu: 'CPUExecutionProvider',
};
const LEAST_WARMUP_RUNS = 3;

export interface OpenedSessions {
  sessions: Map<string, Session>;
  ready: InferenceReady;
}

/**
 * Opens all networks of a plan on the first provider that works.
 *
 * @throws EdgemuxError PROVIDER_UNAVAILABLE (with all attempts), MODEL_UNUSABLE (no provider would help)
 */
export async function openSessions(plan: InferencePlan): Promise<OpenedSessions> {
  const attempts: ProviderAttempt[] = [];
  const candidates = plan.requireProvider ? plan.providers.slice(0, 1) : plan.providers;
  for (const provider of candidates) {
    try {
      const opened = await openOn(provider, plan);
      attempts.push({ provider, ok: true });
      return { sessions: opened.sessions, ready: { provider, attempts, ...opened.timings } };
    } catch (error) {
      if (isEdgemuxError(error, 'MODEL_UNUSABLE')) throw error;
      if (provider === 'cpu') throw unloadable(error);
      attempts.push({ provider, ok: false, error: messageOf(error).replace(/\s+/g, ' ').trim() });
    }
  }
  const tried = attempts.map(({ provider, error }) => `${provider} (${error})`).join('; ');
  throw new EdgemuxError(
    'PROVIDER_UNAVAILABLE',
    `no execution provider works that may be used here: ${tried}. Install its libraries, or allow 'cpu'`,
    { details: { attempts } },
  );
}

/** Where even the CPU provider fails, the file is to blame. */
function unloadable(cause: unknown): EdgemuxError {
  return new EdgemuxError('MODEL_UNUSABLE', `a model cannot be loaded or run: ${messageOf(cause)}`, {
    cause,
  });
}

type Timings = Pick<InferenceReady, 'warmupMs' | 'firstRunMs'>;

async function openOn(
  provider: Provider,
  plan: InferencePlan,
): Promise<{ sessions: Map<string, Session>; timings: Timings }> {
  const options: SessionOptions = { provider, deviceId: plan.deviceId, threads: plan.threads };
  const sessions = new Map<string, Session>();
  const timings: Timings = { warmupMs: {}, firstRunMs: {} };
  try {
    for (const spec of plan.specs) {
      const session = await openSession(spec, options);
      sessions.set(spec.id, session);
      const durationsMs = await warmUp(session, plan);
      timings.firstRunMs[spec.id] = durationsMs[0] ?? 0;
      timings.warmupMs[spec.id] = durationsMs.at(-1) ?? 0;
    }
    if (provider !== 'cpu') await proveByProfile(plan.specs[0], options);
    return { sessions, timings };
  } catch (error) {
    await Promise.allSettled([...sessions.values()].map((session) => session.release()));
    throw error;
  }
}

/**
 * Runs a network on a grey ramp, every batch size at least three times.
 *
 * @returns durations in ms, the batch size 1 last
 */
async function warmUp(session: Session, plan: InferencePlan): Promise<number[]> {
  const { height, width, channels } = session.spec.input;
  const durationsMs: number[] = [];
  const batches = [...new Set([...plan.warmupBatches, 1])].sort((a, b) => b - a);
  for (const count of batches) {
    const pixels = Uint8Array.from({ length: count * height * width * channels }, (_, i) => i % 256);
    for (let i = 0; i < Math.max(LEAST_WARMUP_RUNS, plan.warmupRuns); i += 1) {
      const startMs = systemClock.monotonicMs();
      const { probabilities } = await session.run(pixels, count);
      durationsMs.push(systemClock.monotonicMs() - startMs);
      if (!allFinite(probabilities))
        throw new Error(`${session.spec.id} computed NaN or infinity in its warm-up`);
    }
  }
  return durationsMs;
}

/** A provider may be accepted and ignored (`cuda` in onnxruntime-node 1.11): the profile tells who computed. */
async function proveByProfile(spec: SessionSpec | undefined, options: SessionOptions): Promise<void> {
  if (!spec) return;
  const counts = await profileProviders(spec, options);
  if ((counts[PROFILE_NAME[options.provider]] ?? 0) > 0) return;
  throw new Error(
    `it was accepted but computed nothing: the profile of a run shows ${JSON.stringify(counts)}`,
  );
}
