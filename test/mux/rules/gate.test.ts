import { readFileSync } from 'node:fs';
import t from 'tap';
import { GATE_FEATURES, gainOf, gateFeatures, type Gate } from '../../../mux/rules/gate.js';
import { afterLocal } from '../../../mux/rules/policy-rules.js';
import { patchPolicy, policyFromManifest, type DevicePolicy } from '../../../mux/rules/policy-settings.js';
import { fuse } from '../../../mux/rules/probabilities.js';

interface Fixture {
  weights: { fuseLocal: number; fuseMux: number };
  gate: Gate;
  frames: { score: number; mux: number[]; local: number[]; features: number[]; gain: number }[];
}
const { weights, gate, frames } = JSON.parse(
  readFileSync(new URL('../../../../test/fixtures/gate.json', import.meta.url), 'utf8'),
) as Fixture;
const inputOf = ({ score, mux, local }: Fixture['frames'][number]) => ({
  score,
  mux,
  local,
  fused: fuse([
    { probabilities: local, weight: weights.fuseLocal },
    { probabilities: mux, weight: weights.fuseMux },
  ]),
});

t.test('the gate sees and says what the trainer does, certain answers and extreme scores included', (t) => {
  for (const frame of frames) {
    const found = gateFeatures(inputOf(frame));
    t.equal(found.length, GATE_FEATURES);
    found.forEach((value, at) => {
      const wanted = frame.features[at] ?? NaN;
      t.ok(Math.abs(value - wanted) < 2e-3 * Math.max(1, Math.abs(wanted)), `${at}: ${value} ~ ${wanted}`);
    });
    t.ok(Math.abs(gainOf(gate, inputOf(frame)) - frame.gain) < 1e-3);
  }
  t.end();
});

const zoo = {
  manifest: {
    policy: {
      mode: 'three-tier' as const,
      thresholds: { answer: 0.999, gain: 0.1, ...weights },
      gate,
      calibration: { modes: { cascade: { thresholds: { confidence: 0.8 } } } },
    },
  },
  muxPair: {},
  local: {},
};

t.test('three-tier with a gain threshold offloads by need − harm, and says unsure', (t) => {
  const policy = policyFromManifest(zoo);
  const decided = frames.map((frame) => {
    const after = afterLocal(policy, { score: frame.score, probabilities: frame.mux }, frame.local);
    return after.decision === 'offload' && after.reason === 'unsure';
  });
  t.same(
    decided,
    frames.map(({ gain }) => gain > 0.1),
  );
  t.ok(decided.includes(true) && decided.includes(false), 'both happen in this fixture');
  t.end();
});

t.test(
  'a patch of confidence takes the gate out of force, a change of mode and back puts it in again',
  (t) => {
    const policy = policyFromManifest(zoo);
    const byConfidence = patchPolicy(policy, { thresholds: { confidence: 0.7 } }, zoo);
    t.equal(byConfidence.thresholds.gain, undefined);
    t.equal(byConfidence.thresholds.confidence, 0.7);
    const cascade = patchPolicy(policy, { mode: 'cascade' }, zoo);
    t.equal(cascade.thresholds.gain, undefined);
    t.equal(patchPolicy(cascade, { mode: 'three-tier' }, zoo).thresholds.gain, 0.1);
    t.equal(patchPolicy(policy, { privacy: 'strict' }, zoo).thresholds.gain, 0.1);
    t.end();
  },
);

t.test('a gain threshold needs a gate, and one is needed where there is no confidence', (t) => {
  const { mode, thresholds } = zoo.manifest.policy;
  const without = { ...zoo, manifest: { policy: { mode, thresholds } } };
  t.throws(() => policyFromManifest(without), {
    code: 'CONFIG_INVALID',
    message: /gain: this zoo has no gate/,
  });
  const policy: DevicePolicy = {
    mode: 'cascade',
    thresholds: { mux: 0.5, confidence: 0.5 },
    privacy: 'normal',
  };
  t.throws(() => patchPolicy(policy, { thresholds: { gain: 0.2 } }, without), { code: 'MESSAGE_INVALID' });
  const empty = {
    ...without,
    manifest: { policy: { mode: 'three-tier' as const, thresholds: { answer: 0.9 } } },
  };
  t.throws(() => policyFromManifest(empty), { message: /policy\.thresholds\.confidence/ });
  t.end();
});
