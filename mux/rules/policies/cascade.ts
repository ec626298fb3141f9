import { maximum } from '../probabilities.js';
import type { RankedRule } from './rule.js';

/** The baseline that every engineer knows. */
export const cascade: RankedRule = {
  kind: 'ranked',
  help: 'run the local model, offload when its largest probability is below `confidence`',
  asksMux: false,
  asksLocal: true,
  offloads: true,
  scoreThreshold: null,
  before: () => ({ step: 'local', reason: 'confident' }),
  localFirst: true,
  earlier: null,
  fuses: false,
  ranking: () => ({
    threshold: 'confidence',
    offloads: 'below',
    label: 'the confidence of the local model',
    valueOf: ({ local }) => maximum(local),
  }),
};
