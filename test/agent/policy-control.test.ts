import t from 'tap';
import { agentConfigSchema } from '../../agent/config.js';
import { initialPolicy, PolicyControl, policyMessage } from '../../agent/policy-control.js';
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

async function build(policy: object = { mode: 'mux', threshold: 0.4 }) {
  const log = spyLog();
  const connection = new FakeConnection();
  connection.state = 'offline';
  const control = new PolicyControl(
    { log, connection: connection.asConnection, zoo, topics: TOPICS },
    initialPolicy(zoo, configured(policy)),
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
  t.same(said()[0], policyMessage(control.policy));
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
