import t, { type Test } from 'tap';
import { isEdgemuxError } from '../../../common/errors.js';
import { patchPolicy, policyFromManifest, type PolicyZoo } from '../../../mux/rules/policy-settings.js';

const zoo: PolicyZoo = {
  manifest: {
    policy: {
      mode: 'mux',
      thresholds: { mux: 0.4 },
      calibration: { modes: { cascade: { thresholds: { confidence: 0.9 } } } },
    },
  },
  muxPair: {},
  local: {},
};
const bare: PolicyZoo = { ...zoo, muxPair: null };
const shipped = policyFromManifest(zoo);

function refusal(t: Test, run: () => unknown, code: string, ...words: string[]): void {
  try {
    run();
  } catch (error) {
    if (!isEdgemuxError(error)) throw error;
    t.equal(error.code, code);
    for (const word of words) t.ok(error.message.includes(word), `${error.message} names ${word}`);
    return;
  }
  t.fail('it should have been refused');
}

t.test('a zoo ships its policy, and 0.5 where it names no mux threshold', (t) => {
  t.same(shipped, { mode: 'mux', thresholds: { mux: 0.4 }, privacy: 'normal' });
  const silent: PolicyZoo = { ...zoo, manifest: { policy: { mode: 'mobile-only', thresholds: {} } } };
  t.equal(policyFromManifest(silent).thresholds.mux, 0.5);
  refusal(t, () => policyFromManifest(bare), 'CONFIG_INVALID', 'mux');
  t.end();
});

t.test('a patch changes what it names and leaves the policy in force alone', (t) => {
  const patched = patchPolicy(
    shipped,
    { thresholds: { mux: 0.7 }, costs: { mux: 1, local: 4, upload: 16 } },
    zoo,
  );
  t.same(patched, {
    mode: 'mux',
    thresholds: { mux: 0.7 },
    costs: { mux: 1, local: 4, upload: 16 },
    privacy: 'normal',
  });
  t.equal(shipped.thresholds.mux, 0.4);
  t.equal(patchPolicy(shipped, { threshold: 0.6 }, zoo).thresholds.mux, 0.6);
  t.same(patchPolicy(patched, { costs: { upload: 2 } }, zoo).costs, { mux: 1, local: 4, upload: 2 });
  t.same(patchPolicy(patched, { privacy: 'strict' }, zoo).costs, patched.costs);
  t.end();
});

t.test('a change of mode takes the thresholds calibrated for it, never those of the old mode', (t) => {
  const cascade = patchPolicy(shipped, { mode: 'cascade' }, zoo);
  t.same(cascade.thresholds, { mux: 0.4, confidence: 0.9 });
  const tiers = { mode: 'three-tier', thresholds: { answer: 0.99 } };
  refusal(t, () => patchPolicy(cascade, tiers, zoo), 'MESSAGE_INVALID', 'policy.thresholds.confidence');
  const given = patchPolicy(cascade, { ...tiers, thresholds: { answer: 0.99, confidence: 0.8 } }, zoo);
  t.same(given.thresholds, { mux: 0.4, answer: 0.99, confidence: 0.8 });
  t.equal(
    patchPolicy(given, { mode: 'cascade', thresholds: { confidence: 0.5 } }, zoo).thresholds.confidence,
    0.5,
  );
  t.end();
});

t.test('modes without their thresholds or networks are refused, the key named', (t) => {
  refusal(t, () => patchPolicy(shipped, { mode: 'two-stage' }, zoo), 'MESSAGE_INVALID', 'thresholds.offload');
  refusal(t, () => patchPolicy(shipped, { mode: 'mux' }, bare), 'MESSAGE_INVALID', 'mux');
  const serverOnly: PolicyZoo = { ...zoo, local: null };
  refusal(t, () => patchPolicy(shipped, { mode: 'cascade' }, serverOnly), 'MESSAGE_INVALID', 'local model');
  t.equal(patchPolicy(shipped, { mode: 'cloud-only' }, serverOnly).mode, 'cloud-only');
  t.end();
});

t.test('nonsense is refused with the key named, as message or as configuration', (t) => {
  refusal(
    t,
    () => patchPolicy(shipped, { thresholds: { mux: 1.5 } }, zoo),
    'MESSAGE_INVALID',
    'policy.thresholds.mux',
  );
  refusal(
    t,
    () => patchPolicy(shipped, { treshold: 1 }, zoo, 'CONFIG_INVALID'),
    'CONFIG_INVALID',
    'treshold',
  );
  refusal(
    t,
    () => patchPolicy(shipped, { costs: { mux: 1 } }, zoo),
    'MESSAGE_INVALID',
    'policy.costs',
    'local',
  );
  for (const patch of [null, 'mux', 3, []]) {
    refusal(t, () => patchPolicy(shipped, patch, zoo), 'MESSAGE_INVALID', 'policy');
  }
  t.end();
});

t.test('absent flags (undefined) change nothing', (t) => {
  t.same(patchPolicy(shipped, { mode: undefined, thresholds: { mux: undefined } }, zoo), shipped);
  t.end();
});
