import fc from 'fast-check';
import t from 'tap';
import * as m from '../../../protocol/messages.js';

const invalid = { code: 'MESSAGE_INVALID' };
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

const policy: m.DevicePolicyMessage = {
  mode: 'mux',
  thresholds: { mux: 0.5 },
  costs: { mux: 0.1, local: 1, upload: 3 },
  privacy: 'normal',
};

const result = {
  device: 'tx2-01',
  camera: 'door',
  frameId: '01J',
  capturedAt: '2026-11-23T10:00:00.123Z',
  zoo: 'fashion-mnist',
  imageSha256: 'ab'.repeat(32),
  route: 'local',
  reason: 'easy',
  label: 'sneaker',
  classIndex: 7,
  confidence: 0.98,
  top: [{ label: 'sneaker', classIndex: 7, probability: 0.98 }],
  muxScore: 0.12,
  threshold: 0.5,
  models: ['local'],
  provider: 'cuda',
  latencyMs: { total: 6.1, queue: 0.3, decode: 1.9, mux: 0.4, local: 2.9, encode: 0, network: 0, cloud: 0 },
  energyJ: { gross: 0.021, net: 0.012, simulated: true },
  bytesUp: 0,
  bytesDown: 0,
};

t.test('the example of a result is read back as it is; energy may be null', async (t) => {
  t.same(m.parseResult(bytes(result)), result);
  t.equal(m.parseResult(bytes({ ...result, energyJ: null })).energyJ, null);
  t.equal(m.parseResult(bytes({ ...result, muxScore: null, threshold: null })).muxScore, null);
  t.notOk('later' in m.parseResult(bytes({ ...result, later: 1 })));
});

t.test(
  'a result with a field missing or of the wrong kind is refused by the name of the field',
  async (t) => {
    for (const key of Object.keys(result)) {
      const without = { ...result, [key]: undefined };
      t.throws(() => m.parseResult(bytes(without)), { ...invalid, message: new RegExp(key) }, key);
    }
    t.throws(() => m.parseResult(bytes({ ...result, route: 'server' })), { ...invalid, message: /route/ });
  },
);

t.test('a policy patch may name any part of the policy', async (t) => {
  for (const patch of [
    {},
    { mode: 'cascade', costs: { upload: 9 } },
    { threshold: 0.3 },
    { thresholds: { mux: 1, confidence: 0, answer: 0.5, offload: 0.5, fuseLocal: 10, fuseMux: 0 } },
    { privacy: 'strict' },
  ]) {
    t.same(m.parseDevicePolicyPatch(bytes(patch)), patch);
  }
});

t.test('a policy patch with a slip is refused, not ignored', async (t) => {
  for (const patch of [
    { thresold: 0.4 },
    { threshold: 1.5 },
    { threshold: '0.4' },
    { mode: 'muxed' },
    { costs: { upload: -1 } },
    { costs: { download: 1 } },
    { thresholds: { mux: 2 } },
    { thresholds: { muxed: 0.2 } },
    { privacy: 'none' },
    [],
    null,
    7,
  ]) {
    t.throws(() => m.parseDevicePolicyPatch(bytes(patch)), invalid, JSON.stringify(patch));
  }
  t.throws(() => m.parseDevicePolicyPatch(bytes({ thresold: 0.4 })), { message: /thresold/ });
  t.throws(() => m.parseDevicePolicyPatch(Buffer.from('')), { ...invalid, message: /not JSON/ });
  t.throws(() => m.parseDevicePolicyPatch(Buffer.alloc(20_000, ' ')), { ...invalid, message: /bytes/ });
});

t.test('a server policy is patched the same way', async (t) => {
  t.same(m.parseServerPolicyPatch(bytes({ mode: 'ensemble', T: 0.3 })), { mode: 'ensemble', T: 0.3 });
  t.throws(() => m.parseServerPolicyPatch(bytes({ t: 0.3 })), invalid);
  t.throws(() => m.parseServerPolicyPatch(bytes({ T: 1.3 })), invalid);
});

t.test('a policy topic says the policy, or why the last patch was refused', async (t) => {
  t.same(m.parseDevicePolicyReport(bytes(policy)), policy);
  let thrown: unknown;
  try {
    m.parseDevicePolicyPatch(bytes({ mode: 'x' }));
  } catch (error) {
    thrown = error;
  }
  const report = m.parseDevicePolicyReport(m.encodeMessage(m.policyError(thrown)));
  t.match(report, { error: { code: 'MESSAGE_INVALID', message: /mode/ } });
  t.throws(() => m.parseServerPolicyReport(bytes(policy)), invalid);
});

t.test('a server is online or draining with all it says of itself, or just offline', async (t) => {
  const status = {
    state: 'online',
    server: 'gpu1',
    zoo: 'fashion-mnist',
    zooHash: 'abc',
    models: ['cloud'],
    policy: { mode: 'largest', mu: 0.02, T: 0.288, combine: true },
    queue: { length: 0, limit: 64, bytes: 0 },
    provider: 'cpu',
    counters: { answered: 3 },
    latencyMs: { p50: 1, p95: 2, p99: 3 },
    startedAt: '2026-11-23T10:00:00.123Z',
    version: '0.1.0',
  };
  t.same(m.parseServerStatus(bytes(status)), status);
  t.same(m.parseServerStatus(Buffer.from(m.SERVER_OFFLINE)), { state: 'offline' });
  t.throws(() => m.parseServerStatus(bytes({ state: 'online' })), invalid);
  t.throws(() => m.parseServerStatus(bytes({ ...status, state: 'asleep' })), invalid);
});

t.test('no JSON whatever ends otherwise than in a checked message or MESSAGE_INVALID', async (t) => {
  const readers = [
    m.parseResult,
    m.parseServerStatus,
    m.parseDeviceState,
    m.parsePowerMessage,
    m.parseDevicePolicyPatch,
    m.parseServerPolicyPatch,
    m.parseDevicePolicyReport,
    m.parseServerPolicyReport,
  ];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json().map((text) => Buffer.from(text)),
        fc.uint8Array(),
      ),
      (payload) =>
        readers.every((reader) => {
          try {
            return typeof reader(payload) === 'object';
          } catch (error) {
            return (error as { code?: string }).code === 'MESSAGE_INVALID';
          }
        }),
    ),
    { numRuns: 1000 },
  );
  t.pass();
});

t.test('a patch never reaches the prototype', async (t) => {
  for (const patch of [
    '{"thresholds":{"__proto__":0.1}}',
    '{"__proto__":{"mode":"mux"}}',
    '{"constructor":1}',
  ]) {
    t.throws(() => m.parseDevicePolicyPatch(Buffer.from(patch)), invalid, patch);
  }
  const report = m.parseDevicePolicyReport(
    Buffer.from(JSON.stringify(policy).replace('"mux":0.5', '"__proto__":0.5')),
  );
  t.equal(Object.getPrototypeOf((report as m.DevicePolicyMessage).thresholds), Object.prototype);
});

t.test('frame ids are names, rise strictly, and survive a clock that is set back', async (t) => {
  let wallMs = 1_795_424_000_000;
  const next = m.createFrameIds({ wallMs: () => wallMs, monotonicMs: () => 0 });
  const ids = Array.from({ length: 1000 }, () => next());
  wallMs -= 3_600_000;
  ids.push(...Array.from({ length: 1000 }, () => next()));
  wallMs += 7_200_000;
  ids.push(next());
  t.ok(ids.every((id) => /^[0-9A-Z]{26}$/.test(id)));
  t.same([...ids].sort(), ids);
  t.equal(new Set(ids).size, ids.length);
});
