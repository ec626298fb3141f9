import type { FixedRule } from './rule.js';

/** Fig. 2b. */
export const mobileOnly = {
  kind: 'fixed',
  help: 'the local model answers every frame',
  asksMux: false,
  asksLocal: true,
  offloads: false,
  scoreThreshold: null,
  before: () => ({ step: 'local', reason: 'disabled' }),
} as const satisfies FixedRule;
