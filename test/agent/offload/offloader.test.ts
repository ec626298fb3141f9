import t from 'tap';
import { EdgemuxError } from '../../../common/errors.js';
import { Counters } from '../../../agent/counters.js';
import { Balancer } from '../../../agent/offload/balancer.js';
import { Offloader, type OffloadRequest } from '../../../agent/offload/offloader.js';
import { Servers } from '../../../agent/offload/servers.js';
import { delivered, FakeConnection } from '../support/fake-connection.js';
import { serverStatus } from '../support/server-status.js';
import { spyLog } from '../support/spy-log.js';

const ZOO = {
  name: 'fashion',
  hash: 'abc',
  classes: 3,
  labels: ['sock', 'shoe', 'hat'],
  models: ['resnet12'],
};
const TIMES = { residence: 4, queue: 1, decode: 1, mux: 0, inference: 2 };
const RULES = {
  breaker: { failures: 9, outcomes: 20, probeMs: 1000, longestProbeMs: 4000 },
  window: { least: 1, most: 4 },
  share: false,
};

function build(rules: Partial<typeof RULES> = {}) {
  const log = spyLog();
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, wallMs: () => 0 };
  const connection = new FakeConnection();
  const servers = new Servers({ log }, ZOO);
  const balancer = new Balancer(
    { log, nowMs: clock.monotonicMs, random: () => 0, servers, device: 'd1' },
    { ...RULES, ...rules },
  );
  const counters = new Counters();
  const offloader = new Offloader(
    { log, clock, connection: connection.asConnection, servers, counters, balancer },
    { base: 'edgemux', device: 'd1', zoo: ZOO, saysPrepared: false },
  );
  servers.receive('s1', serverStatus(ZOO));
  const request = (change: Partial<OffloadRequest> = {}): OffloadRequest => {
    const entry = offloader.enter();
    if (!('ticket' in entry)) throw new Error(entry.reason);
    return {
      frameId: 'f1',
      image: { bytes: Buffer.from('a picture'), type: 'image/png', prepared: null },
      budgetMs: 60_000,
      capturedAtMs: 1234,
      ticket: entry.ticket,
      onSent: () => undefined,
      ...change,
    };
  };
  return { offloader, connection, servers, balancer, counters, clock, request };
}

const answerTo = (frameId: string, change: Record<string, unknown> = {}) => ({
  frameId,
  server: 's1',
  zooHash: 'abc',
  models: ['resnet12'],
  weights: { resnet12: 1 },
  classIndex: 1,
  label: 'shoe',
  probabilities: [0.1, 0.7, 0.2],
  latencyMs: TIMES,
  batchSize: 1,
  ...change,
});
const answerTopic = (frameId: string, device = 'd1', server = 's1') =>
  `edgemux/answer/${server}/${device}/${frameId}`;

t.test('a request carries the image as it is, its media type, where to answer and how long', async (t) => {
  const { offloader, connection, request } = build();
  let sent = 0;
  const asked = offloader.ask(request({ budgetMs: 1500.7, onSent: () => (sent += 1) }));
  const [published] = connection.published;
  t.match(published?.topic, /^edgemux\/offload\/s1\/fashion\/d1\/f1\/1500$/);
  t.same(Buffer.from(published?.payload ?? []).toString(), 'a picture');
  t.match(published?.options, {
    qos: 0,
    properties: {
      responseTopic: 'edgemux/answer/s1/d1/f1',
      contentType: /^image\/png$/,
      messageExpiryS: 2,
      userProperties: { 'captured-at': '1234' },
    },
  });
  offloader.stop();
  await asked;
  t.equal(sent, 0, 'what had ended before it was sent enters no later stage');
});

t.test('an answer settles its request with round trip and bytes; a second one is late', async (t) => {
  const { offloader, clock, counters, request, balancer } = build();
  const asked = offloader.ask(request());
  clock.nowMs = 42;
  const message = delivered(answerTopic('f1'), answerTo('f1'));
  offloader.receive(message);
  const outcome = await asked;
  t.match(outcome, { kind: 'answer', roundTripMs: 42, bytesUp: 9, bytesDown: message.payload.length });
  offloader.receive(message);
  t.equal(counters.lateAnswers, 1);
  t.equal(offloader.inFlight, 0);
  t.equal(balancer.state().breaker, 'closed');
});

t.test('what another device or frame is told settles nothing', async (t) => {
  const { offloader, counters, request } = build();
  const asked = offloader.ask(request());
  offloader.receive(delivered(answerTopic('f1', 'd2'), answerTo('f1')));
  offloader.receive(delivered(answerTopic('f2'), answerTo('f2')));
  t.equal(offloader.inFlight, 1);
  t.equal(counters.lateAnswers, 2);
  offloader.stop();
  t.match(await asked, { kind: 'failed', bytesDown: 0 });
});

t.test(
  'an answer that says what it must not ends the wait, is counted, and the device answers',
  async (t) => {
    const { offloader, counters, request } = build();
    const asked = offloader.ask(request());
    offloader.receive(delivered(answerTopic('f1'), answerTo('f1', { probabilities: [1, 0] })));
    t.match(await asked, { kind: 'failed', reason: 'bad-answer', bytesUp: 9 });
    t.equal(counters.badAnswers, 1);
  },
);

t.test('a refusal is none of the device’s failures', async (t) => {
  const { offloader, request, balancer } = build();
  const asked = offloader.ask(request());
  const error = { code: 'QUEUE_FULL', message: 'full' };
  offloader.receive(delivered(answerTopic('f1'), { frameId: 'f1', server: 's1', error }));
  t.match(await asked, { kind: 'failed', reason: 'refused' });
  t.equal(balancer.obstacle(), 'backing-off');
});

t.test('no answer within the budget is a timeout', async (t) => {
  const { offloader, request } = build();
  t.match(await offloader.ask(request({ budgetMs: 1 })), { kind: 'failed', reason: 'timeout', bytesUp: 9 });
});

t.test('a request that never left has cost no bytes', async (t) => {
  const { offloader, connection, request } = build();
  connection.onPublish = () => {
    throw new Error('not connected');
  };
  t.match(await offloader.ask(request()), { kind: 'failed', reason: 'server-away', bytesUp: 0 });
});

t.test('a request that the broker does not take for its size is nothing against the server', async (t) => {
  const { offloader, connection, balancer, request } = build();
  connection.onPublish = () => {
    throw new EdgemuxError('MESSAGE_INVALID', 'too large');
  };
  t.match(await offloader.ask(request()), { kind: 'failed', bytesUp: 0 });
  t.match(balancer.stateOf('s1'), { failures: 0, inFlight: 0 });
});

t.test('nobody is asked while the connection or every server is away', async (t) => {
  const { offloader, connection, servers, request } = build();
  const asked = offloader.ask(request());
  servers.receive('s1', delivered('edgemux/cloud/s1/status', { state: 'offline' }));
  t.match(await asked, { kind: 'failed' }, 'who waits for the last server is let go');
  t.same(offloader.enter(), { reason: 'server-away' });
  servers.receive('s1', serverStatus(ZOO));
  t.equal(offloader.obstacle(), null);
  connection.become('connecting' as never);
  t.equal(offloader.obstacle(), 'server-away');
});

t.test('an answer counts on the topic of the server that was asked, and on no other', async (t) => {
  const { offloader, counters, servers, request } = build();
  servers.receive('s2', serverStatus(ZOO, { server: 's2' }));
  const asked = offloader.ask(request({ ticket: { server: 's1', probe: false, enteredMs: 0, aside: null } }));
  for (const foreign of ['s2', 'nobody', 'any'])
    offloader.receive(delivered(answerTopic('f1', 'd1', foreign), answerTo('f1', { server: foreign })));
  offloader.receive(delivered('edgemux/answer/d1/f1', answerTo('f1')));
  t.equal(offloader.inFlight, 1);
  t.match(counters, { foreignAnswers: 3, lateAnswers: 1, badAnswers: 0 }, 'no server may be called any');
  offloader.receive(delivered(answerTopic('f1'), answerTo('f1')));
  t.match(await asked, { kind: 'answer', answer: { server: 's1' } });
  offloader.receive(delivered(answerTopic('f1'), answerTo('f1')));
  t.equal(counters.lateAnswers, 2, 'played again it is late');
});

t.test('names, models and times that its server cannot say are refused, at its own cost', async (t) => {
  const { offloader, counters, servers, balancer, request } = build();
  servers.receive('s2', serverStatus(ZOO, { server: 's2' }));
  const lies = [
    { server: 's2' },
    { server: 's1<img src=x onerror=alert(1)>' },
    { models: ['=HYPERLINK("http://evil")'] },
    { weights: { other: 1 } },
    { label: 'x' },
    { latencyMs: { ...TIMES, residence: 1e300 } },
    { latencyMs: { ...TIMES, residence: 60 } },
    { latencyMs: { ...TIMES, inference: 60 } },
  ];
  for (const [n, lie] of lies.entries()) {
    const frameId = `f${n}`;
    const ticket = { server: 's1', probe: false, enteredMs: 0, aside: null };
    const asked = offloader.ask(request({ frameId, ticket }));
    offloader.receive(delivered(answerTopic(frameId), answerTo(frameId, lie)));
    t.match(await asked, { kind: 'failed', reason: 'bad-answer' }, JSON.stringify(lie));
  }
  t.equal(counters.badAnswers, lies.length);
  t.equal(balancer.stateOf('s1')?.failures, lies.length);
  t.equal(balancer.stateOf('s2')?.failures ?? 0, 0);
});

t.test('a server that leaves takes what it was asked with it, and nothing else', async (t) => {
  const { offloader, servers, request } = build();
  servers.receive('s2', serverStatus(ZOO, { server: 's2' }));
  const to = (server: string) => ({ server, probe: false, enteredMs: 0, aside: null });
  const lost = offloader.ask(request({ frameId: 'f1', ticket: to('s1') }));
  const kept = offloader.ask(request({ frameId: 'f2', ticket: to('s2') }));
  servers.receive('s1', delivered('edgemux/cloud/s1/status', { state: 'offline' }));
  t.match(await lost, { kind: 'failed', reason: 'server-away' });
  t.equal(offloader.inFlight, 1);
  offloader.receive(delivered(answerTopic('f2', 'd1', 's2'), answerTo('f2', { server: 's2' })));
  t.match(await kept, { kind: 'answer' });
});

t.test('a server that failed is asked aside: its answer counts for it alone', async (t) => {
  const { offloader, connection, servers, balancer, request } = build();
  servers.receive('s2', serverStatus(ZOO, { server: 's2' }));
  const aside = { server: 's1', probe: false, enteredMs: 0, aside: null };
  const asked = offloader.ask(request({ ticket: { ...aside, server: 's2', aside } }));
  t.same(
    connection.published.map(({ topic }) => topic.split('/')[2]),
    ['s1', 's2'],
  );
  offloader.receive(delivered(answerTopic('f1'), answerTo('f1')));
  t.equal(balancer.stateOf('s1')?.answers, 1);
  t.equal(offloader.inFlight, 1, 'the frame waits for the other');
  offloader.receive(delivered(answerTopic('f1', 'd1', 's2'), answerTo('f1', { server: 's2' })));
  t.match(await asked, { kind: 'answer', answer: { server: 's2' } });
});

t.test('of a group, who has announced itself as a part of it answers, and who lies is known', async (t) => {
  const { offloader, connection, counters, servers, balancer, request } = build({ share: true });
  for (const server of ['s1', 's2']) servers.receive(server, serverStatus(ZOO, { server, shared: {} }));
  const first = offloader.ask(request());
  t.match(connection.published[0], { topic: 'edgemux/offload/any/fashion/d1/f1/60000' });
  t.notOk(connection.published[0]?.options.properties?.responseTopic, 'who answers is not known yet');
  offloader.receive(delivered(answerTopic('f1', 'd1', 'stranger'), answerTo('f1', { server: 'stranger' })));
  t.equal(counters.foreignAnswers, 1);
  offloader.receive(delivered(answerTopic('f1', 'd1', 's2'), answerTo('f1', { server: 's2' })));
  t.match(await first, { kind: 'answer', answer: { server: 's2' } });
  const second = offloader.ask(request({ frameId: 'f2' }));
  offloader.receive(delivered(answerTopic('f2', 'd1', 's2'), answerTo('f2', { server: 's1' })));
  t.match(await second, { kind: 'failed', reason: 'bad-answer' });
  t.match(balancer.stateOf('s2'), { failures: 1 });
  t.match(balancer.stateOf('any'), { failures: 0 });
  void offloader.ask(request({ frameId: 'f3' }));
  t.match(connection.published.at(-1)?.topic, /offload\/s1\//, 'the others are asked by name');
  offloader.stop();
});
