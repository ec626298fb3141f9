import t from 'tap';
import { compileFilter, Subscriptions } from '../../../protocol/connection/subscriptions.js';
import { assertFilter, assertTopic } from '../../../protocol/topics/topic-syntax.js';

const message = (topic: string) => ({ topic, payload: new Uint8Array(), retain: false, qos: 0 as const });

t.test('filters select as MQTT 4.7 says', async (t) => {
  const table: [filter: string, topic: string, selected: boolean][] = [
    ['a/b', 'a/b', true],
    ['a/b', 'a/b/c', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a', false],
    ['a/+', 'a/', true],
    ['a/+/c', 'a/b/c', true],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'ab', false],
    ['#', 'a/b', true],
    ['+/+', '/a', true],
    ['#', '$SYS/uptime', false],
    ['+/uptime', '$SYS/uptime', false],
    ['$SYS/#', '$SYS/uptime', true],
    ['$share/g/a/+', 'a/b', true],
    ['$share/g/a/b', 'a/b', true],
    ['$share/g/a/b', '$share/g/a/b', false],
  ];
  for (const [filter, topic, selected] of table)
    t.equal(compileFilter(filter)(topic), selected, `${filter} ${topic}`);
});

t.test('a handler that throws or rejects is reported, and the others are still called', async (t) => {
  const subscriptions = new Subscriptions();
  const seen: string[] = [];
  const failed: [string, string][] = [];
  subscriptions.add('a/#', 0, () => {
    throw new Error('sync');
  });
  subscriptions.add('a/+', 0, () => Promise.reject(new Error('async')));
  subscriptions.add('a/b', 0, ({ topic }) => void seen.push(topic));
  subscriptions.dispatch(message('a/b'), (error, filter) => failed.push([(error as Error).message, filter]));
  await new Promise((resolve) => setImmediate(resolve));
  t.same(seen, ['a/b']);
  t.same(failed, [
    ['sync', 'a/#'],
    ['async', 'a/+'],
  ]);
});

t.test('a filter has one handler: the last', async (t) => {
  const subscriptions = new Subscriptions();
  const seen: number[] = [];
  subscriptions.add('a', 0, () => void seen.push(1));
  subscriptions.add('a', 1, () => void seen.push(2));
  subscriptions.dispatch(message('a'), () => t.fail());
  t.same(seen, [2]);
  t.equal(subscriptions.all().length, 1);
  t.ok(subscriptions.remove('a'));
  t.notOk(subscriptions.remove('a'));
});

t.test('what MQTT forbids to publish or subscribe to never reaches the broker', async (t) => {
  const bad = { code: 'TOPIC_INVALID' };
  for (const topic of ['', 'a/+', 'a/#', 'a+', 'a\0', 'x'.repeat(65_536)]) {
    t.throws(() => assertTopic(topic), bad);
  }
  for (const filter of ['', 'a/b+', 'a/#/b', '#/a', 'a\0', '$share', '$share/g', '$share//a', '$share/+/a']) {
    t.throws(() => assertFilter(filter), bad, filter);
  }
  for (const filter of ['a', '+', '#', 'a/+/#', '$share/g/a/#', '/'])
    t.doesNotThrow(() => assertFilter(filter));
});
