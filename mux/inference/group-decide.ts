/** One image of a group inside the inference worker: mux, rule and the models that it asks for, in one hop. */
import type { StageSpan } from '../../common/activity.js';
import { EdgemuxError } from '../../common/errors.js';
import { durationMs, timedRun, type DecideDeps } from './decide.js';
import { needsGroupMux, nextStep, type GroupReading } from '../rules/group.js';
import type { GroupJob, GroupOutcome } from './inference-types.js';
import type { Vector } from '../rules/probabilities.js';
import type { Session } from './runtime.js';

/**
 * @param deps with the group's mux as `mux`
 * @param modelById null where a model is not loaded
 * @throws EdgemuxError INFERENCE_FAILED
 */
export async function decideGroup(
  deps: DecideDeps,
  modelById: (id: string) => Session | null,
  { group, pixels, policy }: GroupJob,
): Promise<Omit<GroupOutcome, 'queueMs'>> {
  const spans: StageSpan[] = [];
  const reading = needsGroupMux(policy) ? await read(deps, pixels, spans) : null;
  const outputs = new Map<string, Vector>();
  let step = nextStep(group, policy, reading, outputs);
  while (step.kind === 'run') {
    for (const id of step.models) {
      const local = modelById(id);
      if (!local) throw new EdgemuxError('INFERENCE_FAILED', `model '${id}' is not loaded`);
      outputs.set(id, (await timedRun({ ...deps, local }, 'local', pixels, 1, spans)).probabilities);
    }
    step = nextStep(group, policy, reading, outputs);
  }
  return {
    kind: 'group',
    probabilities: Float32Array.from(step.probabilities),
    weights: Object.fromEntries(step.weights),
    models: [...outputs.keys()],
    muxMs: durationMs(spans, 'mux'),
    ms: durationMs(spans, 'local'),
    spans,
  };
}

async function read(deps: DecideDeps, pixels: Uint8Array, spans: StageSpan[]): Promise<GroupReading> {
  const { correct, weights } = await timedRun(deps, 'mux', pixels, 1, spans);
  return { correct: correct ?? new Float32Array(), weights: weights ?? new Float32Array() };
}
