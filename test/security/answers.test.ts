import t from 'tap';
import type { Connection } from '../../protocol/connection/connection.js';
import { startAedes, startMosquitto, withoutMosquitto } from '../support/broker.js';
import { collect, connected } from '../support/broker-watch.js';
import { until } from '../support/until.js';
import { FakeServer } from '../fuzz/fake-server.js';
import { jpegOf, Outside, shippedZoo, startDevice, startServer } from '../support/system.js';

t.test(
  'a device takes an answer on the topic of the server that it asked, for its own frame in flight, and no other',
  async (t) => {
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    const outside = await Outside.connect(t, broker.url, 'd');
    const { connection } = outside;
    const { zoo } = await shippedZoo();
    const server = new FakeServer(zoo, 'd');
    await connection.publish('edgemux/cloud/fake/status', server.status, { retain: true });
    let answers: (frameId: string) => [topic: string, answer: object][] = () => [];
    await connection.subscribe('edgemux/offload/fake/+/+/+/+', {}, async ({ topic }) => {
      const frameId = topic.split('/')[5] ?? '';
      for (const [to, answer] of answers(frameId)) await connection.publish(to, JSON.stringify(answer));
    });
    const deadlineMs = 1500;
    await startDevice(t, broker.url, {
      device: 'd',
      policy: { mode: 'cloud-only' },
      offload: { deadlineMs },
    });
    t.ok(await outside.untilServed());
    const sound = (frameId: string): object => server.soundAnswer(frameId);
    const ask = async (): Promise<void> => {
      const before = outside.results.length;
      await outside.publishFrame('cam', await jpegOf(0));
      t.ok(await outside.untilResults(before + 1));
    };
    answers = (id) => [
      [`edgemux/answer/fake/other/${id}`, sound(id)],
      [`edgemux/answer/fake/d/01UNKNOWN`, sound(id)],
      [`edgemux/answer/fake/d/${id}/deeper`, sound(id)],
      [`elsewhere/answer/fake/d/${id}`, sound(id)],
      [`edgemux/answer/fake/d/01UNKNOWN`, sound('01UNKNOWN')],
      [`edgemux/answer/d/${id}`, sound(id)],
      [`edgemux/answer/another/d/${id}`, sound(id)],
      [`edgemux/answer/any/d/${id}`, sound(id)],
    ];
    await ask();
    t.match(outside.results[0], { route: 'fallback', reason: 'timeout' }, 'none of them was taken');
    answers = (id) => [[`edgemux/answer/fake/d/${id}`, sound('01ANOTHERFRAME')]];
    await ask();
    t.match(
      outside.results[1],
      { route: 'fallback', reason: 'bad-answer' },
      'nor one that names another frame',
    );
    answers = (id) => [[`edgemux/answer/fake/d/${id}`, sound(id)]];
    await ask();
    t.match(outside.results[2], { route: 'cloud', classIndex: 1 }, 'the right one is');
  },
);

t.test(
  'a server publishes below its own answers to the requesting device only, whatever responseTopic asks',
  { skip: withoutMosquitto() },
  async (t) => {
    const broker = await startMosquitto(); // response topics need MQTT 5
    t.teardown(() => broker.stop());
    const outside = await Outside.connect(t, broker.url, 'd', 5);
    const { connection } = outside;
    await startServer(t, broker.url, 's');
    const statuses = await collect(connection, 'edgemux/cloud/s/status');
    await until('the server', () => statuses.length > 0);
    const watcher = await connected(broker.url);
    t.teardown(() => watcher.stop());
    const seen = await collect(watcher, '#');
    const evil = [
      ...['edgemux/cloud/s/status', 'edgemux/d/policy/set', 'edgemux/answer/s/other/f', 'cameras/door/frame'],
      ...[
        'edgemux/answer/s/d',
        'edgemux/answer/s/d/',
        'edgemux/answer/s/d/a/b',
        'edgemux/answer/s/d/ü',
        'edgemux/answer/s/d/a b',
        'edgemux/answer/d/f',
        'edgemux/answer/t/d/f',
      ],
      ...['edgemux/answer/s/dd/f', 'edgemux/answer/s/d/../other/f'],
      ...['EDGEMUX/answer/s/d/f', '/edgemux/answer/s/d/f'],
    ];
    const asked: string[] = [];
    const ask = async (frameId: string, responseTopic: string): Promise<void> => {
      const topic = `edgemux/offload/s/fashion-mnist/d/${frameId}/20000`;
      asked.push(topic);
      await connection.publish(topic, await jpegOf(0), { qos: 1, properties: { responseTopic } });
    };
    for (const [n, responseTopic] of evil.entries()) await ask(`f${n}`, responseTopic);
    await ask('good', 'edgemux/answer/s/d/my-own');
    const spoken = (): string[] =>
      seen
        .map(({ topic }) => topic)
        .filter((topic) => !asked.includes(topic) && !/^edgemux\/cloud\/s\//.test(topic));
    await until('all answers', () => spoken().length >= evil.length + 1);
    t.same(
      spoken().sort(),
      [...evil.map((_, n) => `edgemux/answer/s/d/f${n}`), 'edgemux/answer/s/d/my-own'].sort(),
    );
    const refusals = seen.filter(({ payload }) => Buffer.from(payload).includes('REQUEST_REFUSED')).length;
    t.ok(refusals >= evil.length, 'each evil one was refused with its code');
    t.equal(online(connection), true);
  },
);

function online({ state }: Connection): boolean {
  return state === 'online';
}
