import { maximum } from '../probabilities.js';
import { scoreExceeds, type RankedRule } from './rule.js';

/** The mux sends the clearly hard at once, the local model's confidence checks the rest. */
export const twoStage: RankedRule = {
  kind: 'ranked',
  help: 'offload at once when the mux score is above `offload`; else run the local model, offload when its largest probability is below `confidence`',
  asksMux: true,
  asksLocal: true,
  offloads: true,
  scoreThreshold: 'offload',
  before: ({ offload }, mux) =>
    scoreExceeds(mux, offload) ? { step: 'offload', reason: 'hard' } : { step: 'local', reason: 'confident' },
  localFirst: true,
  earlier: {
    name: 'offload',
    of: 'score',
    leastQuantile: 0.5,
    plain: { quantile: 0.9, label: 'a tenth of these images goes at once' },
  },
  fuses: false,
  ranking: () => ({
    threshold: 'confidence',
    offloads: 'below',
    label: 'the confidence',
    valueOf: ({ local }) => maximum(local),
  }),
};
