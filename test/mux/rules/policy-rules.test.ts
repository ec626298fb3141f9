import t from 'tap';
import { needsLocal, needsMux, needsServer } from '../../../mux/rules/policies/needs.js';
import fc from 'fast-check';
import { DEVICE_MODES, type DeviceMode } from '../../../common/policy-names.js';
import type { Thresholds } from '../../../common/policy-names.js';
import { afterLocal, beforeLocal } from '../../../mux/rules/policy-rules.js';
import { type DevicePolicy } from '../../../mux/rules/policy-settings.js';

const policy = (
  mode: DeviceMode,
  thresholds: Thresholds = {},
  privacy: 'normal' | 'strict' = 'normal',
): DevicePolicy => ({
  mode,
  thresholds: { mux: 0.5, ...thresholds },
  privacy,
});
const mux = (score: number, top = 0.6) => ({ score, probabilities: [top, 1 - top] });

t.test('pair rule: offloads above the threshold only, so that equality stays', (t) => {
  const p = policy('mux');
  t.same(beforeLocal(p, mux(0.5)), { step: 'local', reason: 'easy' });
  t.same(beforeLocal(p, mux(0.500001)), { step: 'offload', reason: 'hard' });
  const kept = afterLocal(p, mux(0.5), [0.51, 0.49]);
  t.same(kept, { decision: 'local', reason: 'easy', probabilities: [0.51, 0.49] });
  t.end();
});

t.test('mobile-only and cloud-only have no choice and say so', (t) => {
  t.same(beforeLocal(policy('mobile-only'), null), { step: 'local', reason: 'disabled' });
  t.match(afterLocal(policy('mobile-only'), null, [0.34, 0.33]), { decision: 'local', reason: 'disabled' });
  t.same(beforeLocal(policy('cloud-only'), null), { step: 'offload', reason: 'disabled' });
  t.end();
});

t.test('cascade: asks the local model, offloads when it is unsure', (t) => {
  const p = policy('cascade', { confidence: 0.8 });
  t.match(beforeLocal(p, null), { step: 'local' });
  t.match(afterLocal(p, null, [0.8, 0.2]), { decision: 'local', reason: 'confident' });
  t.match(afterLocal(p, null, [0.79, 0.21]), { decision: 'offload', reason: 'unsure' });
  t.end();
});

t.test('two-stage: the clearly hard go at once, the rest must convince', (t) => {
  const p = policy('two-stage', { offload: 0.9, confidence: 0.7 });
  t.same(beforeLocal(p, mux(0.91)), { step: 'offload', reason: 'hard' });
  t.match(beforeLocal(p, mux(0.9)), { step: 'local' });
  t.match(afterLocal(p, mux(0.6), [0.7, 0.3]), { decision: 'local', reason: 'confident' });
  t.match(afterLocal(p, mux(0.6), [0.6, 0.4]), { decision: 'offload', reason: 'unsure' });
  t.end();
});

t.test('three-tier: the mux answers what it is sure of, else local and mux are fused', (t) => {
  const p = policy('three-tier', { answer: 0.95, confidence: 0.85, fuseLocal: 1, fuseMux: 1 });
  t.same(beforeLocal(p, mux(0.99, 0.95)), { step: 'answer', reason: 'easy' });
  t.match(beforeLocal(p, mux(0.01, 0.94)), { step: 'local' });
  const agreeing = afterLocal(p, mux(0.3, 0.8), [0.7, 0.3]);
  t.match(agreeing, { decision: 'local', reason: 'confident' });
  t.ok(Math.abs(agreeing.probabilities[0]! - 0.56 / 0.62) < 1e-6, 'normalised product');
  t.match(afterLocal(p, mux(0.3, 0.3), [0.7, 0.3]), { decision: 'offload', reason: 'unsure' });
  t.end();
});

t.test('three-tier without fusing weights judges the local model alone', (t) => {
  const p = policy('three-tier', { answer: 0.95, confidence: 0.7 });
  const local = [0.7, 0.3];
  t.equal(afterLocal(p, mux(0.3, 0.1), local).probabilities, local);
  t.end();
});

t.test('strict privacy never offloads, whatever the mode and the networks say', (t) => {
  const unit = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom(...DEVICE_MODES), unit, unit, unit, (mode, score, top, local) => {
      const strict = policy(mode, { offload: 0.2, confidence: 0.9, answer: 0.9 }, 'strict');
      const before = beforeLocal(strict, mux(score, top));
      if (before.step === 'answer') return true;
      const after = afterLocal(strict, mux(score, top), [local, 1 - local], before);
      return before.step === 'local' && after.decision === 'local';
    }),
  );
  t.match(beforeLocal(policy('mux', {}, 'strict'), mux(0.9)), { step: 'local', reason: 'disabled' });
  t.match(afterLocal(policy('cascade', { confidence: 0.9 }, 'strict'), null, [0.5, 0.5]), {
    decision: 'local',
    reason: 'disabled',
  });
  t.end();
});

t.test('raising the mux threshold never offloads more', (t) => {
  const unit = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(unit, unit, unit, (score, a, b) => {
      const offloads = (threshold: number) =>
        beforeLocal(policy('mux', { mux: threshold }), mux(score)).step === 'offload';
      return !offloads(Math.max(a, b)) || offloads(Math.min(a, b));
    }),
  );
  t.end();
});

t.test('only the modes that need a network run it', (t) => {
  t.same(
    DEVICE_MODES.filter((mode) => needsMux(policy(mode))),
    ['mux', 'two-stage', 'three-tier'],
  );
  t.notOk(needsLocal(policy('cloud-only')));
  t.ok(needsLocal(policy('cloud-only', {}, 'strict')));
  t.same(
    DEVICE_MODES.filter((mode) => !needsServer(policy(mode))),
    ['mobile-only'],
  );
  t.notOk(needsServer(policy('cloud-only', {}, 'strict')));
  t.end();
});
