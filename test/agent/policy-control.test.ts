import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { agentConfigSchema } from '../../agent/config.js';
import { initialPolicy, mergedPatch, policyAtStart } from '../../agent/policy-at-start.js';
import { PolicyControl, policyMessage } from '../../agent/policy-control.js';
import { PolicyStore, type StoredPolicy } from '../../agent/policy-store.js';
import { SHIPPED_ZOO } from '../../mux/config.js';
import { loadZoo } from '../../mux/zoo/zoo.js';
import { deviceTopics } from '../../protocol/topics/topics.js';
import { delivered, FakeConnection } from './support/fake-connection.js';
import { spyLog } from './support/spy-log.js';

const zoo = await loadZoo(SHIPPED_ZOO);
const shipped = zoo.manifest.policy;
const TOPICS = deviceTopics('edgemux', 'd1');
const configured = (policy: object) => agentConfigSchema.parse({ policy }).policy;
const later = () => new Promise(setImmediate);

/** A control whose store is `stored`: what it holds at the start and what it was told since. */
async function build(
  policy: object = { mode: 'mux', threshold: 0.4 },
  stored: { now: StoredPolicy | null; fails?: string } = { now: null },
) {
  const log = spyLog();
  const store = {
    save: (next: StoredPolicy | null): Promise<void> => {
      if (stored.fails) return Promise.reject(new Error(stored.fails));
      stored.now = next;
      return Promise.resolve();
    },
  };
  const connection = new FakeConnection();
  connection.state = 'offline';
  const control = new PolicyControl(
    { log, connection: connection.asConnection, zoo, topics: TOPICS, store, wallMs: () => 0 },
    policyAtStart({ log, zoo }, configured(policy), () => stored.now),
  );
  let changes = 0;
  control.onChange(() => (changes += 1));
  await control.start();
  const said = () => connection.published.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()));
  const patch = async (payload: unknown, retain = false) => {
    connection.subscriptions.get(TOPICS.policySet)?.handler(delivered(TOPICS.policySet, payload, retain));
    await later();
  };
  return { control, connection, log, said, patch, changes: () => changes };
}

t.test('the zoo’s own policy where the configuration says nothing', async (t) => {
  const policy = initialPolicy(zoo, configured({}));
  t.equal(policy.mode, shipped.mode);
  t.match(policy.thresholds, shipped.thresholds);
  t.equal(policy.privacy, 'normal');
});

t.test('the configuration overrides mode, thresholds and privacy', async (t) => {
  const mux = initialPolicy(zoo, configured({ mode: 'mux', threshold: 0.25, privacy: 'strict' }));
  t.match(mux, { mode: 'mux', thresholds: { mux: 0.25 }, privacy: 'strict' });
  const cascade = initialPolicy(zoo, configured({ mode: 'cascade', confidence: 0.7 }));
  t.match(cascade, { mode: 'cascade', thresholds: { confidence: 0.7 } });
  t.equal(initialPolicy(zoo, configured({ threshold: 0 })).thresholds.mux, 0, '0 is a threshold');
});

t.test('a policy that this zoo cannot serve is an error of the configuration', async (t) => {
  const without = { ...zoo, muxPair: null };
  t.throws(() => initialPolicy(without, configured({ mode: 'mux' })), { code: 'CONFIG_INVALID' });
  const ungated = { ...zoo, manifest: { ...zoo.manifest, policy: { ...shipped, gate: undefined } } };
  t.throws(() => initialPolicy(ungated, configured({ mode: 'three-tier', gain: 0.1 })), {
    code: 'CONFIG_INVALID',
    message: /gain/,
  });
});

t.test('with every connection the policy in force is published, retained', async (t) => {
  const { connection, control, said } = await build();
  t.same(connection.published, [], 'nothing before');
  t.equal(connection.subscriptions.get(TOPICS.policySet)?.qos, 1);
  connection.become('online');
  await later();
  t.match(connection.published[0], { topic: TOPICS.policy, options: { qos: 1, retain: true } });
  t.same(said()[0], { ...policyMessage(control.policy), source: 'configuration' });
  t.match(said()[0], { mode: 'mux', thresholds: { mux: 0.4 }, privacy: 'normal' });
  connection.become('offline');
  connection.become('online');
  await later();
  t.equal(connection.published.length, 2);
});

t.test('a patch changes what it names, is told and published', async (t) => {
  const { control, connection, patch, said, changes } = await build();
  connection.state = 'online';
  await patch({ threshold: 0.9 });
  t.match(control.policy, { mode: 'mux', thresholds: { mux: 0.9 }, privacy: 'normal' });
  t.equal(changes(), 1);
  t.match(said().at(-1), { mode: 'mux', thresholds: { mux: 0.9 } });
  t.match(connection.published.at(-1), { topic: TOPICS.policy, options: { qos: 1, retain: true } });
  await patch({ privacy: 'strict', costs: { mux: 1, local: 2, upload: 3 } });
  t.match(said().at(-1), {
    thresholds: { mux: 0.9 },
    privacy: 'strict',
    costs: { mux: 1, local: 2, upload: 3 },
  });
  t.equal(control.policy.privacy, 'strict');
  await patch({ mode: 'mobile-only' });
  t.match(control.policy, { mode: 'mobile-only', privacy: 'strict' }, 'strict stays until it is taken back');
  t.equal(changes(), 3);
});

t.test('a retained patch is ignored: it would undo what came later, at each connection', async (t) => {
  const { control, connection, patch, changes } = await build();
  const before = control.policy;
  await patch({ threshold: 0.9 }, true);
  t.equal(control.policy, before);
  t.equal(changes(), 0);
  t.same(connection.published, []);
});

t.test('a bad patch changes nothing, and why is published in the policy’s place', async (t) => {
  const { control, patch, said, changes, log } = await build();
  const before = control.policy;
  const bad: [unknown, RegExp][] = [
    ['', /policy patch/],
    ['{"threshold":', /policy patch/],
    [{ treshold: 0.9 }, /treshold/],
    [{ threshold: 1.5 }, /threshold/],
    [{ mode: 'magic' }, /mode/],
    [{ threshold: 0.9, privacy: 'none' }, /privacy/],
    [{ costs: { mux: 1 } }, /costs/],
    ['x'.repeat(20_000), /policy patch/],
  ];
  for (const [payload, why] of bad) {
    await patch(payload);
    t.match(said().at(-1), { error: { code: 'MESSAGE_INVALID', message: why } });
  }
  t.equal(control.policy, before, 'not even the good half of one');
  t.equal(changes(), 0);
  t.equal(log.said.warn.filter((text) => text === 'policy patch refused').length, bad.length);
  await patch({ threshold: 0.8 });
  t.match(said().at(-1), { thresholds: { mux: 0.8 } }, 'the next good one is taken');
});

t.test('a patch counts though it cannot be published', async (t) => {
  const { control, connection, patch, changes, log } = await build();
  connection.onPublish = () => Promise.reject(new Error('offline'));
  await patch({ threshold: 0.7 });
  t.equal(control.policy.thresholds.mux, 0.7);
  t.equal(changes(), 1);
  t.match(log.said.debug, [/with the next connection/]);
  t.same(log.said.warn, [], 'the patch was not refused');
});

t.test(
  'a policy message names the thresholds that are set, and costs only where there are some',
  async (t) => {
    const message = policyMessage({
      mode: 'cascade',
      thresholds: { mux: 0.5, confidence: 0.8 },
      privacy: 'normal',
    });
    t.same(message, { mode: 'cascade', thresholds: { mux: 0.5, confidence: 0.8 }, privacy: 'normal' });
    t.notOk('costs' in message);
  },
);

t.test('what was set over MQTT is in force again after a restart, and its source is said', async (t) => {
  const stored: { now: StoredPolicy | null } = { now: null };
  const first = await build({ mode: 'mux', threshold: 0.4 }, stored);
  first.connection.state = 'online';
  await first.patch({ privacy: 'strict' });
  await first.patch({ threshold: 0.9 });
  await first.patch({ mode: 'cascade', thresholds: { confidence: 0.6 } });
  t.match(first.said().at(-1), { mode: 'cascade', privacy: 'strict', source: 'mqtt' });
  const second = await build({ mode: 'mux', threshold: 0.4 }, stored);
  t.same(second.control.policy, first.control.policy);
  t.match(second.log.said.info, [/set over MQTT is in force again/]);
  second.connection.become('online');
  await later();
  t.match(second.said().at(-1), { privacy: 'strict', source: 'mqtt' });
  await second.patch(null);
  t.match(second.said().at(-1), {
    mode: 'mux',
    thresholds: { mux: 0.4 },
    privacy: 'normal',
    source: 'configuration',
  });
  t.equal(stored.now, null, 'a null patch takes all of it back');
});

t.test('a changed policy section wins over what was set over MQTT, but for privacy: strict', async (t) => {
  const stored: { now: StoredPolicy | null } = { now: null };
  const first = await build({ mode: 'mux', threshold: 0.4 }, stored);
  await first.patch({ mode: 'cascade', privacy: 'strict' });
  const second = await build({ mode: 'mux', threshold: 0.3 }, stored);
  t.match(second.control.policy, { mode: 'mux', thresholds: { mux: 0.3 }, privacy: 'strict' });
  t.match(second.log.said.warn, [/section of the configuration was changed: it wins/]);
  t.same(stored.now?.patch, { privacy: 'strict' });
  second.control.reconfigure(configured({ mode: 'mux', threshold: 0.2 }));
  t.match(
    second.control.policy,
    { thresholds: { mux: 0.2 }, privacy: 'strict' },
    'nor does a reload take it back',
  );
  await second.patch({ privacy: 'normal' });
  const third = await build({ mode: 'mux', threshold: 0.2 }, stored);
  t.equal(third.control.policy.privacy, 'normal', 'only who sets it can');
});

t.test('a section that a later version extended is not a changed one', async (t) => {
  const older = Object.fromEntries(
    Object.entries(configured({ mode: 'mux' })).filter(([key]) => key !== 'gain'),
  );
  const now = { configured: older, patch: { threshold: 0.7 }, at: 'then' };
  const { control } = await build({ mode: 'mux' }, { now });
  t.equal(control.policy.thresholds.mux, 0.7);
});

t.test('what this zoo cannot serve any more is said and kept, and strict stays strict', async (t) => {
  const config = configured({});
  const patch = { thresholds: { gain: 0.1 }, privacy: 'strict' } as const;
  const now = { configured: { ...config }, patch, at: 'then' };
  const ungated = {
    ...zoo,
    manifest: {
      ...zoo.manifest,
      policy: { ...shipped, thresholds: { answer: 0.9, confidence: 0.8 }, gate: undefined },
    },
  };
  const log = spyLog();
  const { policy, problem } = policyAtStart({ log, zoo: ungated }, config, () => now);
  t.equal(policy.privacy, 'strict');
  t.match(problem, /not in force: .*gain/);
});

t.test('two patches are one: laid over a policy it does what both did', async (t) => {
  const patches = [
    { threshold: 0.9 },
    { mode: 'cascade', thresholds: { confidence: 0.6 } },
    { thresholds: { confidence: 0.7, mux: 0.2 }, costs: { mux: 1, local: 2, upload: 3 } },
    { mode: 'three-tier', thresholds: { gain: 0.1 } },
    { mode: 'three-tier', thresholds: { confidence: 0.5 } },
    { costs: { upload: 4 }, privacy: 'strict' },
    { mode: 'mux' },
  ] as const;
  const { control, patch } = await build({ mode: 'mux' });
  let merged = {};
  for (const next of patches) {
    await patch(next);
    merged = mergedPatch(merged, next, control.policy);
    const once = await build({ mode: 'mux' });
    await once.patch(merged);
    t.same(once.control.policy, control.policy, JSON.stringify(next));
  }
});

t.test('a threshold that the policy does not look at is warned of in log, reply and health', async (t) => {
  const started = await build({ mode: 'mobile-only', threshold: 0.4 });
  t.match(started.log.said.warn, [/threshold mux that was set has no effect under policy mobile-only/]);
  t.match(started.control.warnings, [/threshold mux/]);
  const { connection, control, log, patch, said } = await build({ mode: 'three-tier' });
  connection.state = 'online';
  t.same(control.warnings, []);
  await patch({ threshold: 0 });
  t.match(said().at(-1).warnings, [
    /threshold mux that was set has no effect under policy three-tier, which compares/,
  ]);
  t.match(log.said.warn, [/threshold mux/]);
  await patch({ mode: 'mux' });
  t.notOk('warnings' in said().at(-1), 'where it counts nothing is said');
});

t.test('a policy that cannot be stored counts, and that it will be gone is said', async (t) => {
  const { control, connection, patch, said } = await build({}, { now: null, fails: 'ENOSPC' });
  connection.state = 'online';
  await patch({ privacy: 'strict' });
  t.equal(control.policy.privacy, 'strict');
  t.match(said().at(-1).warnings, [/does not survive a restart: ENOSPC/]);
});

t.test('the store keeps a patch in a file of its owner; a damaged one means strict', async (t) => {
  const dir = join(t.testdir(), 'data');
  const store = new PolicyStore(dir);
  t.equal(store.load(), null);
  const stored = { configured: { ...configured({}) }, patch: { privacy: 'normal' as const }, at: 'now' };
  await store.save(stored);
  t.same(new PolicyStore(dir).load(), stored);
  t.equal(statSync(store.path).mode & 0o777, 0o600);
  writeFileSync(store.path, '{"version":1,"patch":{"priv');
  const log = spyLog();
  const { policy, problem } = policyAtStart({ log, zoo }, configured({}), () => store.load());
  t.equal(policy.privacy, 'strict');
  t.match(problem, /damaged: no frame leaves the device/);
  await store.save(null);
  t.equal(store.load(), null);
});
