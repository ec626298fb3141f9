/** The networks of a zoo, each as one function of a batch of images. */
import type { Inference } from '../../mux/inference.js';

/** One network: a run gives N × width values for each of its outputs. */
export interface Net {
  name: string;
  run(pixels: Uint8Array, count: number): Promise<{ outputs: Record<string, Float32Array>; ms: number }>;
}

export function classifier(inference: Inference, model: string): Net {
  return {
    name: model,
    async run(pixels, count) {
      const { probabilities, ms } = await inference.infer({ kind: 'classify', model, pixels, count });
      return { outputs: { probabilities }, ms };
    },
  };
}

export function pairNet(inference: Inference): Net {
  return {
    name: 'mux of the pair',
    async run(pixels, count) {
      const { scores, probabilities, ms } = await inference.infer({ kind: 'mux', pixels, count });
      return { outputs: { score: scores, probabilities }, ms };
    },
  };
}

export function groupNet(inference: Inference): Net {
  return {
    name: 'mux of the group',
    async run(pixels, count) {
      const job = { kind: 'group-mux', pixels, count } as const;
      const { correct, weights, probabilities, ms } = await inference.infer(job);
      return { outputs: { correct, weights, probabilities }, ms };
    },
  };
}
