import t from 'tap';
import { startAedes } from '../support/broker.js';
import { jpegOf, Outside, shippedZoo, startDevice, startServer } from '../support/system.js';
import { PROTOCOL } from '../../protocol/messages.js';

const DEADLINE_MS = 2000;

t.test('a device without a server answers every frame itself and says why', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'alone');
  await startDevice(t, broker.url, { device: 'alone', policy: { mode: 'cloud-only' } });
  await outside.publishFrame('cam', await jpegOf(0));
  t.ok(await outside.untilResults(1));
  t.match(outside.results[0], { route: 'fallback', reason: 'server-away', bytesUp: 0, energyJ: null });
});

t.test('a server that goes mid-stream costs no frame, and is used again when it is back', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  const first = await startServer(t, broker.url, 's');
  await startDevice(t, broker.url, {
    device: 'd',
    policy: { mode: 'cloud-only' },
    offload: { deadlineMs: DEADLINE_MS },
  });
  t.ok(await outside.untilServed());
  const jpeg = await jpegOf(0);
  await outside.publishFrame('cam', jpeg);
  t.ok(await outside.untilResults(1));
  t.equal(outside.results[0]?.route, 'cloud');
  await first.stop();
  await outside.untilState((state) => state.servers.every((server) => !server.usable));
  await outside.publishFrame('cam', jpeg);
  t.ok(await outside.untilResults(2));
  t.match(outside.results[1], { route: 'fallback', reason: 'server-away' });
  await startServer(t, broker.url, 's');
  t.ok(await outside.untilServed());
  await outside.publishFrame('cam', jpeg);
  t.ok(await outside.untilResults(3));
  t.equal(outside.results[2]?.route, 'cloud');
});

t.test('a server that is silent is waited for until the deadline, then the device answers', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  const { zoo } = await shippedZoo();
  await outside.connection.publish('edgemux/cloud/mute/status', JSON.stringify(muteServer(zoo, 'mute')), {
    retain: true,
  });
  await startDevice(t, broker.url, {
    device: 'd',
    policy: { mode: 'cloud-only' },
    offload: { deadlineMs: 300 },
  });
  t.ok(await outside.untilServed());
  await outside.publishFrame('cam', await jpegOf(0));
  t.ok(await outside.untilResults(1));
  t.match(outside.results[0], { route: 'fallback', reason: 'timeout' });
  t.ok((outside.results[0]?.bytesUp ?? 0) > 0, 'what was sent in vain is accounted for');
});

t.test('answers that are wrong, for another frame or too late are counted and never shown', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  const { zoo } = await shippedZoo();
  await outside.connection.publish('edgemux/cloud/liar/status', JSON.stringify(muteServer(zoo, 'liar')), {
    retain: true,
  });
  await outside.connection.subscribe('edgemux/offload/+/+/+/+/+', {}, async ({ topic }) => {
    const [, , server, , device, frameId] = topic.split('/');
    const answer = JSON.stringify({
      frameId,
      models: ['x'],
      classIndex: 0,
      label: 'x',
      probabilities: [0.5, null],
    });
    await outside.connection.publish(`edgemux/answer/${server}/${device}/${frameId}`, answer);
    await outside.connection.publish(`edgemux/answer/${server}/${device}/${frameId}`, answer);
    await outside.connection.publish(`edgemux/answer/${server}/${device}/01UNKNOWN`, answer);
  });
  await startDevice(t, broker.url, { device: 'd', policy: { mode: 'cloud-only' } });
  t.ok(await outside.untilServed());
  await outside.publishFrame('cam', await jpegOf(0));
  t.ok(await outside.untilResults(1));
  t.match(outside.results[0], { route: 'fallback', reason: 'bad-answer' });
  t.ok(await outside.untilState(({ counters }) => counters.badAnswers === 1 && counters.lateAnswers === 2));
});

t.test('a server that has too much to do is left alone for a moment, and tried again', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  const { zoo } = await shippedZoo();
  await outside.connection.publish('edgemux/cloud/busy/status', JSON.stringify(muteServer(zoo, 'busy')), {
    retain: true,
  });
  let requests = 0;
  await outside.connection.subscribe('edgemux/offload/+/+/+/+/+', {}, async ({ topic }) => {
    requests += 1;
    const [, , server, , device, frameId] = topic.split('/');
    const refusal = { frameId, error: { code: 'QUEUE_FULL', message: 'full' } };
    await outside.connection.publish(
      `edgemux/answer/${server}/${device}/${frameId}`,
      JSON.stringify(refusal),
    );
  });
  await startDevice(t, broker.url, { device: 'd', policy: { mode: 'cloud-only' } });
  t.ok(await outside.untilServed());
  const jpeg = await jpegOf(0);
  const until = async (reason: string): Promise<void> => {
    const first = outside.results.length;
    while (!outside.results.slice(first).some((result) => result.reason === reason)) {
      const frames = outside.results.length + 1;
      await outside.publishFrame('cam', jpeg);
      if (!(await outside.untilResults(frames))) return t.fail(`no frame was ${reason}`) as never;
    }
  };
  // a frame just after a refusal falls into the pause, one after the pause does not
  for (const reason of ['refused', 'backing-off', 'refused']) await until(reason);
  t.equal(outside.results.filter(({ reason }) => reason === 'refused').length, requests);
  t.ok(outside.results.every(({ route }) => route === 'fallback'));
  t.ok(await outside.untilState(({ offload }) => offload?.breaker === 'closed' && offload.window < 8));
});

function muteServer(zoo: { name: string; hash: string; largest: { id: string } }, server: string): object {
  return {
    state: 'online',
    protocol: PROTOCOL,
    server,
    zoo: zoo.name,
    zooHash: zoo.hash,
    models: [zoo.largest.id],
    policy: { mode: 'largest', mu: 0, T: 0.288, combine: false },
    queue: { length: 0, limit: 1, bytes: 0 },
    provider: 'cpu',
    counters: {},
    startedAt: new Date(0).toISOString(),
    version: '0',
  };
}
