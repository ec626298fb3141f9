import { gainOf } from '../gate.js';
import { maximum } from '../probabilities.js';
import type { RankedRule } from './rule.js';

/** The mux answers what its class head is sure of; else local fused with mux; else the server. */
export const threeTier: RankedRule = {
  kind: 'ranked',
  help: "the mux answers when its largest class probability is at least `answer`; else run the local model, fuse both (`fuseLocal`, `fuseMux`), offload when the largest fused probability is below `confidence`, or with a zoo's gate when need − harm is above `gain`",
  asksMux: true,
  asksLocal: true,
  offloads: true,
  scoreThreshold: null,
  before: ({ answer = Infinity }, mux) =>
    mux !== null && maximum(mux.probabilities) >= answer
      ? { step: 'answer', reason: 'easy' }
      : { step: 'local', reason: 'confident' },
  localFirst: true,
  earlier: {
    name: 'answer',
    of: 'confidence',
    leastQuantile: 0,
    plain: { quantile: 0.5, label: 'half of these images is answered by the mux' },
  },
  fuses: true,
  ranking: ({ gain }, gate) =>
    gate !== null && gain !== undefined
      ? {
          threshold: 'gain',
          offloads: 'above',
          label: 'need − harm',
          valueOf: ({ mux, local, fused }) =>
            mux === null ? 0 : gainOf(gate, { fused, local, mux: mux.probabilities, score: mux.score }),
        }
      : {
          threshold: 'confidence',
          offloads: 'below',
          label: 'the confidence',
          valueOf: ({ fused }) => maximum(fused),
        },
};
