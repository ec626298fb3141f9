/** The networks of a zoo, each as one function of a batch of images. */
import { percentile } from '../../../common/statistics.js';
import type { Inference } from '../../../mux/inference/inference.js';
import { GROUP_MUX_ID, MUX_ID, type NetworkInput } from '../../../mux/zoo/input.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';

/** One network: a run gives N × width values for each of its outputs. */
export interface Net {
  name: string;
  input: NetworkInput;
  run(pixels: Uint8Array, count: number): Promise<{ outputs: Record<string, Float32Array>; ms: number }>;
}

export function classifier(inference: Inference, zoo: Zoo, model: string): Net {
  return {
    name: model,
    input: zoo.inputOf(model),
    async run(pixels, count) {
      const { probabilities, ms } = await inference.infer({ kind: 'classify', model, pixels, count });
      return { outputs: { probabilities }, ms };
    },
  };
}

export function pairNet(inference: Inference, zoo: Zoo): Net {
  return {
    name: 'mux of the pair',
    input: zoo.inputOf(MUX_ID),
    async run(pixels, count) {
      const { scores, probabilities, ms } = await inference.infer({ kind: 'mux', pixels, count });
      return { outputs: { score: scores, probabilities }, ms };
    },
  };
}

export function groupNet(inference: Inference, zoo: Zoo): Net {
  return {
    name: 'mux of the group',
    input: zoo.inputOf(GROUP_MUX_ID),
    async run(pixels, count) {
      const job = { kind: 'group-mux', pixels, count } as const;
      const { correct, weights, probabilities, ms } = await inference.infer(job);
      return { outputs: { correct, weights, probabilities }, ms };
    },
  };
}

/** Rounds of single-image runs; fewer where networks are slow, but never fewer than the least. */
const ROUNDS = { most: 101, least: 5, budgetMs: 20_000 };

/**
 * Median duration of a single-image run of each network, in ms. They take turns, so that whatever else the machine
 * does hits all of them alike: what matters is how many local runs a mux run costs.
 *
 * @param pixels of the images to take turns on, for each of the networks
 */
export async function timesMs(nets: readonly Net[], pixels: readonly Uint8Array[][]): Promise<number[]> {
  const durations = nets.map((): number[] => []);
  let spentMs = 0;
  for (let round = 0; round < ROUNDS.most; round += 1) {
    if (round >= ROUNDS.least && spentMs > ROUNDS.budgetMs) break;
    for (const [at, net] of nets.entries()) {
      const { ms } = await net.run(pixels[round % pixels.length]?.[at] ?? new Uint8Array(), 1);
      durations[at]?.push(ms);
      spentMs += ms;
    }
  }
  return durations.map((found) => percentile(found, 0.5));
}
