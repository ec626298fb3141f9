import t from 'tap';
import { Counters } from '../../../agent/counters.js';
import { Limiter } from '../../../agent/offload/limiter.js';
import { Offloader, type OffloadRequest } from '../../../agent/offload/offloader.js';
import { Servers } from '../../../agent/offload/servers.js';
import { delivered, FakeConnection } from '../support/fake-connection.js';
import { serverStatus } from '../support/server-status.js';
import { spyLog } from '../support/spy-log.js';

const ZOO = { name: 'fashion', hash: 'abc', classes: 3 };
const TIMES = { residence: 9, queue: 1, decode: 2, mux: 0, inference: 6 };
const RULES = {
  breaker: { failures: 9, outcomes: 20, probeMs: 1000, longestProbeMs: 4000 },
  window: { least: 1, most: 4 },
};

function build() {
  const log = spyLog();
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, wallMs: () => 0 };
  const connection = new FakeConnection();
  const servers = new Servers({ log }, ZOO);
  servers.receive('s1', serverStatus(ZOO));
  const limiter = new Limiter({ log, nowMs: clock.monotonicMs, random: () => 0 }, RULES);
  const counters = new Counters();
  const offloader = new Offloader(
    { log, clock, connection: connection.asConnection, servers, counters, limiter },
    { base: 'edgemux', device: 'd1', zoo: ZOO, saysPrepared: false },
  );
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
  return { offloader, connection, servers, limiter, counters, clock, request };
}

const answerTo = (frameId: string, change: Record<string, unknown> = {}) => ({
  frameId,
  server: 's1',
  zooHash: 'abc',
  models: ['cloud'],
  weights: { cloud: 1 },
  classIndex: 1,
  label: 'shoe',
  probabilities: [0.1, 0.7, 0.2],
  latencyMs: TIMES,
  batchSize: 1,
  ...change,
});
const answerTopic = (frameId: string, device = 'd1') => `edgemux/answer/${device}/${frameId}`;

t.test('a request carries the image as it is, its media type, where to answer and how long', async (t) => {
  const { offloader, connection, request } = build();
  let sent = 0;
  const asked = offloader.ask(request({ budgetMs: 1500.7, onSent: () => (sent += 1) }));
  const [published] = connection.published;
  t.match(published?.topic, /^edgemux\/offload\/fashion\/d1\/f1\/1500/);
  t.same(Buffer.from(published?.payload ?? []).toString(), 'a picture');
  t.match(published?.options, {
    qos: 0,
    properties: {
      responseTopic: 'edgemux/answer/d1/f1',
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
  const { offloader, clock, counters, request, limiter } = build();
  const asked = offloader.ask(request());
  clock.nowMs = 42;
  const message = delivered(answerTopic('f1'), answerTo('f1'));
  offloader.receive(message);
  const outcome = await asked;
  t.match(outcome, { kind: 'answer', roundTripMs: 42, bytesUp: 9, bytesDown: message.payload.length });
  offloader.receive(message);
  t.equal(counters.lateAnswers, 1);
  t.equal(offloader.inFlight, 0);
  t.equal(limiter.state().breaker, 'closed');
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
  const { offloader, request, limiter } = build();
  const asked = offloader.ask(request());
  const error = { code: 'QUEUE_FULL', message: 'full' };
  offloader.receive(delivered(answerTopic('f1'), { frameId: 'f1', server: 's1', error }));
  t.match(await asked, { kind: 'failed', reason: 'refused' });
  t.equal(limiter.obstacle(), 'backing-off');
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
