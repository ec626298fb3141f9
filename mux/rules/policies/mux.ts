import { scoreExceeds, type RankedRule } from './rule.js';

/** The paper's pair rule (Fig. 2c). */
export const mux: RankedRule = {
  kind: 'ranked',
  help: 'offload when the mux score is above `mux`',
  asksMux: true,
  asksLocal: true,
  offloads: true,
  scoreThreshold: 'mux',
  before: (thresholds, reading) =>
    scoreExceeds(reading, thresholds.mux)
      ? { step: 'offload', reason: 'hard' }
      : { step: 'local', reason: 'easy' },
  localFirst: false,
  earlier: null,
  fuses: false,
  ranking: () => ({
    threshold: 'mux',
    offloads: 'above',
    label: 'the threshold of the mux score',
    valueOf: ({ mux: reading }) => reading?.score ?? 0,
  }),
};
