import fc from 'fast-check';
import t from 'tap';
import * as topics from '../../../protocol/topics/topics.js';
import { compileFilter } from '../../../protocol/connection/subscriptions.js';

const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const device = name.filter((value) => !(topics.RESERVED_DEVICE_NAMES as readonly string[]).includes(value));
const base = fc.array(name, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const budgetMs = fc.integer({ min: 1, max: topics.MAX_BUDGET_MS });
const side = fc.integer({ min: 1, max: 9999 });
const prepared = fc.option(
  fc.record(
    { fit: fc.constantFrom('stretch', 'crop', 'letterbox'), width: side, height: side },
    { noNullPrototype: true },
  ),
);
const invalid = { code: 'TOPIC_INVALID' };
const server = fc.option(name.filter((value) => value !== topics.ANY_SERVER));
const REQUEST = { server: 's', zoo: 'z', device: 'd', frameId: 'f', budgetMs: 100, prepared: null };

t.test('the topics of a device are those of the contract', async (t) => {
  const d = topics.deviceTopics('edgemux', 'tx2-01');
  t.equal(d.result('door'), 'edgemux/tx2-01/result/door');
  t.equal(d.status, 'edgemux/tx2-01/status');
  t.equal(d.state, 'edgemux/tx2-01/state');
  t.equal(d.power, 'edgemux/tx2-01/power');
  t.equal(d.policy, 'edgemux/tx2-01/policy');
  t.equal(d.policySet, 'edgemux/tx2-01/policy/set');
  t.equal(d.answers, 'edgemux/answer/+/tx2-01/+');
});

t.test('the topics of a server are those of the contract', async (t) => {
  t.same(topics.serverTopics('edgemux', 'gpu1'), {
    status: 'edgemux/cloud/gpu1/status',
    policy: 'edgemux/cloud/gpu1/policy',
    policySet: 'edgemux/cloud/gpu1/policy/set',
  });
  t.equal(topics.cloudStatusFilter('edgemux'), 'edgemux/cloud/+/status');
  t.equal(topics.parseCloudStatusTopic('edgemux', 'edgemux/cloud/gpu1/status'), 'gpu1');
  t.equal(topics.parseCloudStatusTopic('edgemux', 'edgemux/cloud/gpu1/policy'), null);
  t.equal(topics.parseCloudStatusTopic('edgemux', 'edgemux/cloud/gpu 1/status'), null);
});

t.test(
  'a server has a topic of its own for requests; any server of a group, and protocol 1, have others',
  async (t) => {
    t.equal(
      topics.offloadFilter('edgemux', 'gpu1', 'fashion-mnist'),
      'edgemux/offload/gpu1/fashion-mnist/+/+/+',
    );
    t.equal(topics.offloadFilter('edgemux', null, 'fashion-mnist'), 'edgemux/offload/fashion-mnist/+/+/+');
    const filter = topics.offloadFilter('edgemux', topics.ANY_SERVER, 'fashion-mnist');
    t.equal(topics.sharedFilter('gpus', filter), '$share/gpus/edgemux/offload/any/fashion-mnist/+/+/+');
    t.throws(() => topics.serverTopics('edgemux', 'any'), { ...invalid, message: /keeps for itself/ });
    t.equal(topics.parseCloudStatusTopic('edgemux', 'edgemux/cloud/any/status'), null);
    t.equal(topics.parseAnswerTopic('edgemux', 'edgemux/answer/any/d/f'), null);
    t.throws(() => topics.sharedFilter('a/b', filter), invalid);
  },
);

t.test('a name that cannot stand in a topic is refused by its key and value', async (t) => {
  const bad = ['', ' ', 'a b', 'a/b', '+', '#', 'ü', 'a\n', 'a\0', '$SYS', 'x'.repeat(65), 'x'.repeat(2048)];
  for (const value of [...bad, undefined, null, 7, {}]) {
    t.throws(() => topics.assertName('camera', value), { ...invalid, message: /^camera / });
  }
  t.equal(topics.assertName('camera', 'x'.repeat(64)), 'x'.repeat(64));
  t.throws(() => topics.deviceTopics('edgemux', 'd1').result('front door'), {
    ...invalid,
    message: /camera "front door"/,
  });
  t.throws(() => topics.deviceTopics('a//b', 'd1'), invalid);
  t.throws(() => topics.deviceTopics('/a', 'd1'), invalid);
});

t.test('a device may not take a name that the contract uses itself', async (t) => {
  for (const reserved of topics.RESERVED_DEVICE_NAMES) {
    t.throws(() => topics.deviceTopics('edgemux', reserved), { ...invalid, message: /keeps for itself/ });
  }
});

t.test('a budget is a whole number of milliseconds, from 1 to an hour', async (t) => {
  t.equal(topics.offloadTopic('edgemux', { ...REQUEST, budgetMs: 499.9 }), 'edgemux/offload/s/z/d/f/499');
  for (const budget of [0, 0.9, -1, NaN, Infinity, topics.MAX_BUDGET_MS + 1]) {
    t.throws(() => topics.offloadTopic('edgemux', { ...REQUEST, budgetMs: budget }), invalid);
  }
  for (const level of ['0', '01', '-1', '1.5', '1e3', ' 1', '+', '', 'x', '3600001', '99999999']) {
    t.equal(topics.parseOffloadTopic('edgemux', `edgemux/offload/s/z/d/f/${level}`), null);
  }
});

t.test('how a picture was prepared stands behind the budget, or not at all', async (t) => {
  const read = (level: string) => topics.parseOffloadTopic('edgemux', `edgemux/offload/s/z/d/f/${level}`);
  t.match(read('500'), { budgetMs: 500, prepared: null }, 'as devices before version 2 of the zoos say it');
  t.match(read('500-crop-320x240'), { budgetMs: 500, prepared: { fit: 'crop', width: 320, height: 240 } });
  for (const said of [
    'crop',
    'crop-0x9',
    'crop-9',
    'crop-9x',
    'zoom-9x9',
    'crop-10000x9',
    'crop-9x9-',
    'CROP-9x9',
  ])
    t.equal(read(`500-${said}`), null, said);
});

t.test('what is built is read back the same, and selected by its filter', async (t) => {
  fc.assert(
    fc.property(
      base,
      server,
      name,
      device,
      name,
      budgetMs,
      prepared,
      (base, server, zoo, device, frameId, budgetMs, prepared) => {
        const request = topics.offloadTopic(base, { server, zoo, device, frameId, budgetMs, prepared });
        const answer = topics.answerTopic(base, { server, device, frameId });
        t.strictSame(topics.parseOffloadTopic(base, request), {
          server,
          zoo,
          device,
          frameId,
          budgetMs,
          prepared,
        });
        t.strictSame(topics.parseAnswerTopic(base, answer), { server, device, frameId });
        return (
          compileFilter(topics.offloadFilter(base, server, zoo))(request) &&
          compileFilter(topics.sharedFilter('g', topics.offloadFilter(base, server, zoo)))(request) &&
          compileFilter(topics.deviceTopics(base, device).answers)(answer) === (server !== null) &&
          !compileFilter(topics.deviceTopics(base, device).answers)(request)
        );
      },
    ),
    { numRuns: 50 },
  );
});

t.test('no topic whatever makes a parser throw or return what is not a name', async (t) => {
  const level = fc.oneof(
    fc.string(),
    name,
    fc.constantFrom('+', '#', '', '$share', 'offload', 'answer', '500'),
  );
  const topic = fc
    .tuple(
      fc.constantFrom('edgemux/offload/', 'edgemux/answer/', 'edgemux/cloud/', ''),
      fc.array(level, { maxLength: 6 }),
    )
    .map(([start, levels]) => start + levels.join('/'));
  fc.assert(
    fc.property(topic, (topic) => {
      const request = topics.parseOffloadTopic('edgemux', topic);
      const answer = topics.parseAnswerTopic('edgemux', topic);
      const server = topics.parseCloudStatusTopic('edgemux', topic);
      if (request !== null) {
        if (topic !== topics.offloadTopic('edgemux', request)) return false;
      }
      const names = [
        request?.device,
        request?.frameId,
        request?.zoo,
        request?.server,
        answer?.server,
        answer?.device,
        answer?.frameId,
        server,
      ];
      return names.every((one) => one === undefined || one === null || topics.isName(one));
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

t.test(
  'a device of a name that the contract keeps for itself asks nothing and is answered nothing',
  async (t) => {
    for (const device of ['answer', 'cloud', 'offload', 'probe']) {
      t.equal(topics.parseOffloadTopic('edgemux', `edgemux/offload/s/zoo/${device}/f/100`), null);
      t.equal(topics.parseAnswerTopic('edgemux', `edgemux/answer/s/${device}/f`), null);
    }
  },
);
