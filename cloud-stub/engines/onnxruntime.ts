import type { Group, GroupPolicy } from '../../mux/rules/group.js';
import {
  GROUP_MUX_ID,
  Inference,
  type InferenceOptions,
  type InferenceReady,
} from '../../mux/inference/inference.js';
import type {
  CreateEngine,
  Engine,
  EngineBatch,
  EngineDeps,
  EngineFacts,
  EngineOptions,
  EngineOutput,
  GroupOutput,
} from './engine.js';

/** ONNX Runtime in a worker thread of this program. A run that has begun is not ended for its time. */
export class OnnxRuntimeEngine implements Engine {
  readonly #inference: Inference;

  constructor({ log, onFacts }: EngineDeps, options: EngineOptions) {
    this.#inference = new Inference(
      { log, onRestart: ({ ready }) => onFacts(factsOf(ready)) },
      onnxRuntimeOptions(options),
    );
  }

  async start(): Promise<EngineFacts> {
    return factsOf(await this.#inference.start());
  }

  stop(): Promise<void> {
    return this.#inference.stop();
  }

  async infer({ network, pixels, count }: EngineBatch): Promise<EngineOutput> {
    if (network === GROUP_MUX_ID) {
      const run = await this.#inference.infer({ kind: 'group-mux', pixels, count, handOver: true });
      const { correct, ms: runMs, probabilities, queueMs, weights } = run;
      return { probabilities, correct, weights, queueMs, runMs };
    }
    const run = await this.#inference.infer({
      kind: 'classify',
      model: network,
      pixels,
      count,
      handOver: true,
    });
    const { ms: runMs, probabilities, queueMs } = run;
    return { probabilities, correct: null, weights: null, queueMs, runMs };
  }

  async inferGroup(pixels: Uint8Array, group: Group, policy: GroupPolicy): Promise<GroupOutput> {
    const run = await this.#inference.infer({ kind: 'group', pixels, group, policy });
    const { models, ms: runMs, muxMs, probabilities, weights } = run;
    return { probabilities, weights, models, muxMs, runMs };
  }
}

/** What ONNX Runtime has to load; `doctor` proves the same. */
export function onnxRuntimeOptions({ zoo, models, inference, batchSizes }: EngineOptions): InferenceOptions {
  return {
    ...inference,
    zoo,
    models,
    mux: null,
    groupMux: zoo.manifest.mux?.group !== undefined,
    warmupBatches: batchSizes,
  };
}

/** A GPU tunes itself anew for each size, a CPU does not. */
function factsOf({ provider, warmupMs }: InferenceReady): EngineFacts {
  return { provider, anyBatchSize: provider === 'cpu', warmupMs };
}

export const createOnnxRuntime: CreateEngine = (deps, options) => new OnnxRuntimeEngine(deps, options);
