/** Choosing an execution provider: tried in order, believed only after real runs. */
import { EdgemuxError, isEdgemuxError, messageOf } from '../../common/errors.js';
import { systemClock } from '../../common/clock.js';
import { binding } from './binding.js';
import type { Provider } from '../config.js';
import type { InferencePlan, InferenceReady, ProviderAttempt } from './inference-types.js';
import { proveProvider } from './prove-provider.js';
import { openSession, type Session, type SessionOptions } from './runtime.js';
import { allFinite } from '../rules/probabilities.js';

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
      const ready = { provider, runtime: binding.version, attempts, ...opened.timings };
      return { sessions: opened.sessions, ready };
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
    const [first] = sessions.values();
    if (provider !== 'cpu' && first) await proveProvider(first, options);
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
