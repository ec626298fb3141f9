/**
 * Proof that a provider computes. It may be accepted and ignored (`cuda` in onnxruntime-node 1.11 as it comes from
 * npm), so neither creation nor an answer is believed: the profile of a run is, or, where the binding writes none
 * (1.11), its library in this process together with a GPU that becomes busy when we run.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock, type Clock } from '../../common/clock.js';
import type { Provider } from '../config.js';
import { jetsonGpuLoad } from '../../common/host/gpu-load.js';
import { profileProviders, type Session, type SessionOptions } from './runtime.js';

/** Names that ONNX Runtime gives the providers in its profile. */
const PROFILE_NAME: Record<Provider, string> = {
  tensorrt: 'TensorrtExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  cpu: 'CPUExecutionProvider',
};
const IDLE_MS = 400;
const BUSY_MS = 1500;
const LOOK_MS = 50;
/** How much more of its time the GPU must be busy: small networks on a fast GPU keep it busy for a small share. */
const LEAST_RISE = 0.03;

/** What of the machine is looked at. */
export interface Machine {
  clock: Pick<Clock, 'monotonicMs'>;
  /** Share in [0, 1]; null where the machine does not say. */
  gpuLoad: () => number | null;
  /** Files mapped into this process. */
  maps: () => string;
  sleep: (ms: number) => Promise<unknown>;
}

const THIS_MACHINE: Machine = {
  clock: systemClock,
  gpuLoad: () => jetsonGpuLoad(),
  maps: () => readFileSync('/proc/self/maps', 'utf8'),
  sleep,
};

/** @throws Error saying what was seen instead of the provider at work */
export async function proveProvider(session: Session, options: SessionOptions): Promise<void> {
  const counts = await profileProviders(session.spec, options);
  if (Object.keys(counts).length === 0) return proveByLoad(session, options.provider);
  if ((counts[PROFILE_NAME[options.provider]] ?? 0) > 0) return;
  throw new Error(
    `it was accepted but computed nothing: the profile of a run shows ${JSON.stringify(counts)}`,
  );
}

/** For a binding without profiles. @throws Error */
export async function proveByLoad(
  session: Session,
  provider: Provider,
  machine: Machine = THIS_MACHINE,
): Promise<void> {
  const library = `libonnxruntime_providers_${provider}.so`;
  if (!machine.maps().includes(library)) {
    throw new Error(
      `it was accepted and ignored: ${library} is not loaded (does this binding know ${provider}?)`,
    );
  }
  const idle = await meanLoad(machine, IDLE_MS, () => machine.sleep(LOOK_MS));
  const { height, width, channels } = session.spec.input;
  const pixels = new Uint8Array(height * width * channels);
  const busy = await meanLoad(machine, BUSY_MS, () => session.run(pixels, 1));
  if (idle === null || busy === null) {
    throw new Error('this binding writes no profile and the machine shows no GPU load: it cannot be proved');
  }
  if (busy - idle >= LEAST_RISE) return;
  const [before, during] = [idle, busy].map((share) => `${(100 * share).toFixed(1)} %`);
  throw new Error(
    `the GPU was busy ${during} of the time while it ran and ${before} before: it cannot be proved`,
  );
}

/** Mean of the load while `work` is done again and again for a time. */
async function meanLoad(
  { clock, gpuLoad }: Machine,
  durationMs: number,
  work: () => Promise<unknown>,
): Promise<number | null> {
  const loads: number[] = [];
  const endMs = clock.monotonicMs() + durationMs;
  for (let lookMs = 0; clock.monotonicMs() < endMs;) {
    await work();
    if (clock.monotonicMs() < lookMs) continue;
    lookMs = clock.monotonicMs() + LOOK_MS;
    const load = gpuLoad();
    if (load === null) return null;
    loads.push(load);
  }
  return loads.length === 0 ? null : loads.reduce((sum, load) => sum + load, 0) / loads.length;
}
