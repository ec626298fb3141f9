/** The seeds of message fuzzing: the examples of docs/protocol.md, by kind. */
import { readFileSync } from 'node:fs';

export const sampleAnswer = {
  frameId: '01JDCP5Z3V8Q0W6T2S9K4N7M1R',
  server: 'gpu1',
  zooHash: '5f1c0a',
  models: ['cloud'],
  weights: { cloud: 1 },
  classIndex: 1,
  label: 'trouser',
  probabilities: [0.1, 0.7, 0.2],
  latencyMs: { residence: 9.4, queue: 0.8, decode: 1.6, mux: 0, inference: 6.7 },
  batchSize: 1,
};

export const samplePatches: readonly object[] = [
  { mode: 'mux', threshold: 0.4 },
  { mode: 'cascade', thresholds: { confidence: 0.8 } },
  { mode: 'three-tier', thresholds: { answer: 0.9, confidence: 0.7, fuseLocal: 1, fuseMux: 0.5 } },
  { mode: 'two-stage', thresholds: { offload: 0.7, confidence: 0.6 } },
  { mode: 'cloud-only', privacy: 'normal', costs: { mux: 0.1, local: 1, upload: 3 } },
  { mode: 'mobile-only', privacy: 'strict' },
];

export const sampleServerPolicies: readonly object[] = [
  { mode: 'escalate', mu: 0.02, T: 0.288, combine: true, confidence: 0.9 },
  { mode: 'ensemble', T: 0.3 },
  { mode: 'single', mu: 0.1 },
  { mode: 'largest' },
];

/** Every ```json <kind>``` block of the contract, and what stands above. */
export function documentedMessages(): Map<string, object[]> {
  const found = new Map<string, object[]>([
    ['answer', [sampleAnswer]],
    ['policy-patch', [...samplePatches]],
    ['server-policy', [...sampleServerPolicies]],
  ]);
  const text = readFileSync('docs/protocol.md', 'utf8');
  for (const [, kind = '', json = ''] of text.matchAll(/```json ([a-z-]+)\n([\s\S]*?)```/g)) {
    found.set(kind, [...(found.get(kind) ?? []), JSON.parse(json) as object]);
  }
  return found;
}
