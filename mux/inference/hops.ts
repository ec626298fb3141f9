/** A frame whose mux and local model take different pixels: the second are prepared only where the rule asks for them. */
import type { StageSpan } from '../../common/activity.js';
import { EdgemuxError } from '../../common/errors.js';
import type { DevicePolicy } from '../rules/policy-settings.js';
import { decided, follow } from './decide.js';
import type { ClassifyJob, DecideOutcome, MuxJob, OutcomeOf, Timed } from './inference-types.js';

/** Pixels of one picture for each network of a device, made when they are asked for. */
export interface DevicePixels {
  mux: () => Promise<Uint8Array>;
  local: () => Promise<Uint8Array>;
}

/**
 * As a decide job, with a hop to the worker for each network.
 *
 * @param local id of the local model
 * @throws EdgemuxError as `decide`, and what making the pixels throws
 */
export async function decideInHops(
  infer: <J extends MuxJob | ClassifyJob>(job: J) => Promise<OutcomeOf<J>>,
  local: string | null,
  pixels: DevicePixels,
  policy: DevicePolicy,
  alone: boolean,
): Promise<DecideOutcome> {
  const spans: StageSpan[] = [];
  let queueMs = 0;
  const noted = <O extends Timed>(outcome: O): O => {
    spans.push(...outcome.spans);
    queueMs += outcome.queueMs;
    return outcome;
  };
  const networks = {
    mux: async () => {
      const job: MuxJob = { kind: 'mux', pixels: await pixels.mux(), count: 1 };
      const { scores, probabilities } = noted(await infer(job));
      return { score: scores[0] ?? Number.NaN, probabilities };
    },
    local: async () => {
      if (local === null)
        throw new EdgemuxError('INFERENCE_FAILED', 'no local network is loaded, and the job needs it');
      const job: ClassifyJob = { kind: 'classify', model: local, pixels: await pixels.local(), count: 1 };
      return noted(await infer(job)).probabilities;
    },
  };
  const choice = await follow(networks, policy, alone);
  return { ...decided(choice, spans), queueMs };
}
