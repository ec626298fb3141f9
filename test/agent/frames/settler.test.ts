import t from 'tap';
import { Counters } from '../../../agent/counters.js';
import type { DecidedFrame } from '../../../agent/frames/decider.js';
import { noLatencies } from '../../../agent/frames/frame.js';
import { Settler } from '../../../agent/frames/settler.js';
import { Balancer } from '../../../agent/offload/balancer.js';
import { Offloader } from '../../../agent/offload/offloader.js';
import { Servers, zooOf } from '../../../agent/offload/servers.js';
import { seededRandom } from '../../../common/random.js';
import { silentLog } from '../../../common/log.js';
import { SHIPPED_ZOO } from '../../../mux/config.js';
import { systemClock } from '../../../common/clock.js';
import { pictureOf } from '../../../mux/image/prepare.js';
import { PictureViews } from '../../../mux/zoo/views.js';
import { encodePng } from '../../../mux/image/image.js';
import type { ClassifyOutcome, DecideOutcome, Inference } from '../../../mux/inference/inference.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { answerTopic, parseOffloadTopic } from '../../../protocol/topics/topics.js';
import { delivered, FakeConnection, type Published } from '../support/fake-connection.js';
import { meteredFrame } from '../support/metered-frame.js';
import { serverStatus } from '../support/server-status.js';

const zoo = await loadZoo(SHIPPED_ZOO);
const LOCAL = zoo.local?.id ?? '';
const random = seededRandom(3);
const PIXELS = Uint8Array.from({ length: 28 * 28 }, () => Math.floor(random() * 256));
const PNG = await encodePng(PIXELS, zoo.input);
const WIDE = new Float32Array(10).fill(0.1);
/** Certain of one class. */
const sure = (classIndex: number): Float32Array =>
  Float32Array.from(WIDE, (_, i) => (i === classIndex ? 1 : 0));

const DEADLINE_MS = 60_000; // real timers wait for it: nobody does who is answered

interface Options {
  deadlineMs?: number;
  localMs?: number;
  window?: number;
  failures?: number;
  online?: boolean;
}

/** A settler on a clock that stands until it is moved, before real offloading over a connection of the test's. */
function build(options: Options = {}) {
  const { deadlineMs = DEADLINE_MS, localMs = 10, window = 4, failures = 3, online = true } = options;
  const now = { ms: 1000 };
  const clock = { monotonicMs: () => now.ms, wallMs: () => now.ms };
  const connection = new FakeConnection();
  const counters = new Counters();
  const log = silentLog();
  const servers = new Servers({ log }, zooOf(zoo));
  const balancer = new Balancer(
    { log, nowMs: () => now.ms, random: () => 0, servers, device: 'd1' },
    {
      breaker: { failures, outcomes: failures, probeMs: 1000, longestProbeMs: 4000 },
      window: { least: 1, most: window },
      share: false,
    },
  );
  const offloader = new Offloader(
    { log, clock, connection: connection.asConnection, servers, counters, balancer },
    { base: 'edgemux', device: 'd1', zoo, saysPrepared: false },
  );
  const runs: { model: string; pixels: Uint8Array }[] = [];
  const local = { probabilities: sure(7), ms: 8, queueMs: 2 };
  const inference = {
    classify: async (model: string, pixels: Uint8Array): Promise<ClassifyOutcome> => {
      runs.push({ model, pixels });
      const span = { stage: 'local', startMs: now.ms, endMs: now.ms + local.ms } as const;
      return { kind: 'classify', ...local, spans: [span] };
    },
  } as unknown as Inference; // the native worker is the seam
  const settler = new Settler({ clock, inference, zoo, offloader }, { deadlineMs, localMs });
  if (online) servers.receive('s1', serverStatus(zoo));
  return { settler, now, connection, counters, balancer, local, offloader, runs, servers };
}

const frame = (id?: string) => meteredFrame(PNG, id);

function decided(
  outcome: Partial<DecideOutcome>,
  policy: Partial<DecidedFrame['policy']> = {},
): DecidedFrame {
  return {
    views: new PictureViews({ clock: systemClock }, pictureOf(PIXELS, zoo.input)),
    policy: { mode: 'mux', thresholds: { mux: 0.5 }, privacy: 'normal', ...policy },
    latencyMs: noLatencies(),
    outcome: {
      kind: 'decide',
      muxScore: 0.9,
      muxProbabilities: WIDE,
      decision: 'offload',
      reason: 'hard',
      probabilities: null,
      localProbabilities: null,
      fallbackProbabilities: null,
      muxMs: 1,
      localMs: 0,
      queueMs: 0,
      spans: [],
      ...outcome,
    },
  };
}

const budgetOf = ({ topic }: Published): number | undefined => parseOffloadTopic('edgemux', topic)?.budgetMs;

/** What a server answers: class 4, 4 ms of residence. */
function answer(id = 'f1', extra: object = {}): object {
  return {
    frameId: id,
    server: 's1',
    zooHash: zoo.hash,
    models: ['resnet12'],
    classIndex: 4,
    label: 'coat',
    probabilities: [...sure(4)],
    latencyMs: { residence: 4, queue: 0, decode: 1, mux: 0, inference: 2 },
    ...extra,
  };
}

const answered = (payload: object, id = 'f1') =>
  delivered(answerTopic('edgemux', { server: 's1', device: 'd1', frameId: id }), payload);

t.test('a kept frame has its answer: no request, no further run', async (t) => {
  const { settler, now, connection, runs } = build();
  now.ms += 12;
  const kept = {
    decision: 'local',
    reason: 'easy',
    probabilities: sure(2),
    localMs: 5,
    muxScore: 0.2,
  } as const;
  t.match(await settler.settle(frame().frame, decided(kept)), {
    route: 'local',
    reason: 'easy',
    probabilities: sure(2),
    models: [LOCAL],
    muxScore: 0.2,
    threshold: 0.5,
    latencyMs: { total: 12, network: 0, cloud: 0, encode: 0 },
    bytesUp: 0,
    bytesDown: 0,
    server: null,
  });
  const byMux = { ...kept, decision: 'mux', localMs: 0, reason: 'confident' } as const;
  const confident = await settler.settle(frame().frame, decided(byMux));
  t.match(confident, { route: 'mux', reason: 'confident' });
  t.same(confident.models, []);
  const unasked = decided(
    { ...kept, muxScore: null },
    { mode: 'cascade', thresholds: { mux: 0.5, confidence: 0.8 } },
  );
  t.match(await settler.settle(frame().frame, unasked), { muxScore: null, threshold: null });
  const silent = await settler.settle(frame().frame, decided({ ...kept, muxScore: null }));
  t.match(silent, { muxScore: null, threshold: null }, 'a mux that was not asked is held against nothing');
  t.same([connection.published, runs], [[], []]);
});

t.test('a kept frame without an answer is a failure, not an empty result', async (t) => {
  const { settler } = build();
  await t.rejects(settler.settle(frame().frame, decided({ decision: 'local', reason: 'easy' })), {
    code: 'INFERENCE_FAILED',
    message: /f1/,
  });
});

t.test('strict privacy: a frame that the rule kept is never sent, though a server is there', async (t) => {
  const { settler, connection } = build();
  const kept = decided(
    { decision: 'local', reason: 'disabled', probabilities: sure(1) },
    { privacy: 'strict' },
  );
  t.match(await settler.settle(frame().frame, kept), { route: 'local', reason: 'disabled' });
  t.same(connection.published, []);
});

t.test('without a server the local model answers, and its run counts', async (t) => {
  const { settler, now, runs, connection } = build({ online: false });
  const { frame: one, meter } = frame();
  now.ms += 3;
  const settled = await settler.settle(one, decided({}));
  t.match(settled, {
    route: 'fallback',
    reason: 'server-away',
    probabilities: sure(7),
    models: [LOCAL],
    latencyMs: { total: 3, local: 8, queue: 2, network: 0 },
    bytesUp: 0,
    server: null,
  });
  t.equal(runs.length, 1);
  t.match(runs[0], { model: LOCAL, pixels: PIXELS });
  t.same(meter, ['local']);
  t.same(connection.published, []);
});

t.test('a fallback that is known already costs no run', async (t) => {
  const { settler, runs } = build({ online: false });
  const settled = await settler.settle(
    frame().frame,
    decided({ fallbackProbabilities: sure(3), localMs: 5 }),
  );
  t.match(settled, { route: 'fallback', probabilities: sure(3), models: [LOCAL], latencyMs: { local: 0 } });
  t.same(runs, []);
});

t.test('a fallback of three-tier is fused with the mux, where there is a reading of it', async (t) => {
  const { settler, local } = build({ online: false });
  local.probabilities = Float32Array.from(WIDE, (_, i) => (i === 0 ? 0.5 : i === 1 ? 0.4 : 0.0125));
  const muxProbabilities = Float32Array.from(WIDE, (_, i) => (i === 1 ? 0.9 : 0.1 / 9));
  const policy = {
    mode: 'three-tier',
    thresholds: { mux: 0.5, answer: 0.99, confidence: 0.9, fuseLocal: 1, fuseMux: 1 },
  } as const;
  const settled = await settler.settle(frame().frame, decided({ muxScore: 0.6, muxProbabilities }, policy));
  t.ok((settled.probabilities[1] ?? 0) > 0.9, 'the mux turns 0.4 into the answer');
  const alone = decided({ muxScore: null, muxProbabilities: null }, policy);
  t.same((await settler.settle(frame().frame, alone)).probabilities, local.probabilities);
});

t.test('an answer in time is the result, with what the way and the server took', async (t) => {
  const { settler, now, connection, offloader, runs, balancer } = build({ localMs: 10 });
  connection.onPublish = () => {
    now.ms += 5;
  };
  const { frame: one, meter, moved } = frame();
  const { enter } = one.meter;
  one.meter.enter = (stage) => {
    enter(stage);
    if (stage === 'encode') now.ms += 4;
  };
  now.ms += 20;
  const settling = settler.settle(one, decided({ reason: 'hard' }));
  while (!meter.includes('+wait')) await new Promise(setImmediate);
  t.equal(offloader.inFlight, 1);
  now.ms += 45;
  offloader.receive(answered(answer()));
  const bytesUp = connection.published[0]?.payload.length;
  const settled = await settling;
  t.same(moved, [{ up: settled.bytesUp }, { down: settled.bytesDown }]);
  t.match(settled, {
    route: 'cloud',
    reason: 'hard',
    probabilities: [...sure(4)],
    models: ['resnet12'],
    latencyMs: { encode: 4, cloud: 4, network: 46, total: 74, local: 0 },
    bytesUp,
    bytesDown: Buffer.byteLength(JSON.stringify(answer())),
    server: 's1',
  });
  t.equal(settled.bytesUp, bytesUp);
  t.same(runs, [], 'the local model is not asked');
  t.same(meter, ['+encode', '-encode', '+upload', '-upload', '+wait', '-wait']);
  t.match(connection.published[0]?.options, {
    qos: 0,
    properties: {
      responseTopic: answerTopic('edgemux', { server: 's1', device: 'd1', frameId: 'f1' }),
      userProperties: { 'captured-at': '5' },
    },
  });
  t.match(balancer.state(), { breaker: 'closed', window: 4 });
});

t.test('a model that ran before the server was asked is named first', async (t) => {
  const { settler, connection, offloader } = build();
  connection.onPublish = () => offloader.receive(answered(answer()));
  const { frame: one, meter } = frame();
  const settled = await settler.settle(one, decided({ localProbabilities: sure(1), localMs: 4 }));
  t.same(settled.models, [LOCAL, 'resnet12']);
  t.same(meter, ['+encode', '-encode', '+upload', '-upload'], 'answered before the upload was seen to end');
  t.equal(settled.latencyMs.network, 0, 'never negative, however clocks differ');
});

t.test('the budget is what is left of the deadline, less three local runs and a margin', async (t) => {
  const { settler, now, connection, offloader, local } = build({ deadlineMs: 500, localMs: 10 });
  connection.onPublish = () => offloader.receive(answered(answer()));
  now.ms += 20;
  await settler.settle(frame().frame, decided({}));
  t.equal(budgetOf(connection.published[0]!), 500 - 20 - (5 + 3 * 10));

  // a run before the decision teaches with its wait: 10 + 0.1 · (60 + 50 − 10) = 20
  await settler.settle(frame().frame, decided({ localMs: 60, queueMs: 50, localProbabilities: sure(1) }));
  t.equal(budgetOf(connection.published[1]!), 500 - 20 - (5 + 3 * 20));

  // so does one for a fallback: 20 + 0.1 · (100 + 20 − 20) = 30
  Object.assign(local, { ms: 100, queueMs: 20 });
  connection.onPublish = () =>
    offloader.receive(answered({ frameId: 'f1', error: { code: 'QUEUE_FULL', message: '' } }));
  await settler.settle(frame().frame, decided({}));
  now.ms += 10_000; // the pause after a busy server
  connection.onPublish = () => offloader.receive(answered(answer()));
  const later = { ...frame().frame, admittedMs: now.ms };
  await settler.settle(later, decided({}));
  t.equal(budgetOf(connection.published.at(-1)!), 500 - (5 + 3 * 30));
});

t.test('the reserve is at most half of the deadline', async (t) => {
  const { settler, connection, offloader } = build({ deadlineMs: 500, localMs: 1000 });
  connection.onPublish = () => offloader.receive(answered(answer()));
  await settler.settle(frame().frame, decided({}));
  t.equal(budgetOf(connection.published[0]!), 250);
});

t.test(
  'a frame without time left for a server is not sent, and its place in flight is free again',
  async (t) => {
    const { settler, now, connection, balancer } = build({ deadlineMs: 500, localMs: 10, window: 1 });
    now.ms += 500 - 35;
    t.match(await settler.settle(frame().frame, decided({})), {
      route: 'fallback',
      reason: 'timeout',
      bytesUp: 0,
      latencyMs: { network: 0 },
    });
    t.same(connection.published, []);
    t.equal(balancer.obstacle(), null);
    t.match(balancer.state(), { breaker: 'closed', window: 1 });
  },
);

t.test('no answer in time: the device answers, and what comes later is only counted', async (t) => {
  const { settler, now, connection, offloader, counters, local, balancer } = build({
    deadlineMs: 60,
    localMs: 1,
  });
  connection.onPublish = () => {
    now.ms += 50;
  };
  const { frame: one, meter } = frame();
  local.probabilities = sure(6);
  const settled = await settler.settle(one, decided({}));
  t.match(settled, {
    route: 'fallback',
    reason: 'timeout',
    probabilities: sure(6),
    models: [LOCAL],
    server: null,
    latencyMs: { network: 50, cloud: 0, local: 8 },
  });
  t.equal(settled.bytesUp, connection.published[0]?.payload.length, 'sent it was');
  t.equal(settled.bytesDown, 0);
  t.same(meter.slice(2), ['+upload', '-upload', '+wait', '-wait', 'local']);
  offloader.receive(answered(answer()));
  t.match(counters, { lateAnswers: 1, badAnswers: 0 });
  t.equal(balancer.state().window, 2, 'a lost request halves the window');
});

t.test('a refusal and a wrong answer end in the device’s own, each by its name', async (t) => {
  const { settler, connection, offloader, counters } = build();
  const refusal = { frameId: 'f1', error: { code: 'IMAGE_UNDECODABLE', message: 'no image' } };
  connection.onPublish = () => offloader.receive(answered(refusal));
  const refused = await settler.settle(frame().frame, decided({}));
  t.match(refused, { route: 'fallback', reason: 'refused', probabilities: sure(7) });
  t.equal(refused.bytesDown, Buffer.byteLength(JSON.stringify(refusal)));
  t.ok(refused.bytesUp > 0);
  connection.onPublish = () => offloader.receive(answered(answer('f1', { zooHash: 'another' })));
  t.match(await settler.settle(frame().frame, decided({})), { route: 'fallback', reason: 'bad-answer' });
  t.match(counters, { badAnswers: 1, lateAnswers: 0 });
});

t.test('a request that cannot be sent costs no bytes and names the server as away', async (t) => {
  const { settler, connection } = build();
  connection.onPublish = () => Promise.reject(new Error('the socket is closed'));
  const { frame: one, meter } = frame();
  t.match(await settler.settle(one, decided({})), { route: 'fallback', reason: 'server-away', bytesUp: 0 });
  t.same(meter, ['+encode', '-encode', '+upload', '-upload', 'local']);
});

t.test('the last server leaves while a frame waits for it', async (t) => {
  const { settler, connection, servers } = build();
  connection.onPublish = () => servers.receive('s1', delivered('', { state: 'offline' }));
  t.match(await settler.settle(frame().frame, decided({})), { route: 'fallback', reason: 'server-away' });
});

t.test('no more requests in flight than the window holds', async (t) => {
  const { settler, connection, offloader } = build({ window: 1 });
  const { frame: one, meter } = frame('f1');
  const first = settler.settle(one, decided({}));
  while (!meter.includes('+wait')) await new Promise(setImmediate);
  t.match(await settler.settle(frame('f2').frame, decided({})), { route: 'fallback', reason: 'window-full' });
  t.equal(connection.published.length, 1);
  offloader.receive(answered(answer()));
  t.match(await first, { route: 'cloud' });
});

t.test('a probe costs its frame no time: the device answers, and the server is asked besides', async (t) => {
  const { settler, now, connection, offloader, balancer } = build({ failures: 1, deadlineMs: 5000 });
  connection.onPublish = () =>
    offloader.receive(answered({ frameId: 'f1', error: { code: 'INTERNAL', message: '' } }));
  await settler.settle(frame('f1').frame, decided({}));
  t.equal(balancer.state().breaker, 'open');
  t.match(await settler.settle(frame('f2').frame, decided({})), { reason: 'breaker-open' });
  t.equal(connection.published.length, 1, 'it is not time to try');
  connection.onPublish = () => undefined;
  now.ms += 60_000;
  t.match(await settler.settle(frame('f3').frame, decided({})), {
    route: 'fallback',
    reason: 'breaker-open',
    bytesUp: 0,
    latencyMs: { network: 0 },
  });
  while (connection.published.length < 2) await new Promise(setImmediate);
  t.equal(budgetOf(connection.published[1]!), 5000, 'nobody waits for it, so it has the whole deadline');
  offloader.receive(answered(answer('f3'), 'f3'));
  t.match(balancer.state(), { breaker: 'closed', probes: 1 });
});

t.test('an image that cannot be encoded fails its frame and gives its place back', async (t) => {
  const { settler, connection, balancer } = build({ window: 1 });
  const half = pictureOf(PIXELS.subarray(0, 100), zoo.input);
  const broken = { ...decided({}), views: new PictureViews({ clock: systemClock }, half) };
  const { frame: one, meter } = frame();
  await t.rejects(settler.settle(one, broken));
  t.same(meter, ['+encode', '-encode']);
  t.equal(balancer.obstacle(), null);
  t.same(connection.published, []);
});
