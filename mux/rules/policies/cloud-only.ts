import type { FixedRule } from './rule.js';

/** Fig. 2a. */
export const cloudOnly = {
  kind: 'fixed',
  help: 'every frame is offloaded',
  asksMux: false,
  asksLocal: false,
  offloads: true,
  scoreThreshold: null,
  before: () => ({ step: 'offload', reason: 'disabled' }),
} as const satisfies FixedRule;
