import t from 'tap';
import { compileFilter, Subscriptions } from '../../../protocol/connection/subscriptions.js';
import type { Message } from '../../../protocol/messages/message.js';
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
  const subscriptions = new Subscriptions(() => 0);
  const seen: string[] = [];
  const failed: [string, string][] = [];
  subscriptions.add('a/#', { qos: 0 }, () => {
    throw new Error('sync');
  });
  subscriptions.add('a/+', { qos: 0 }, () => Promise.reject(new Error('async')));
  subscriptions.add('a/b', { qos: 0 }, ({ topic }) => void seen.push(topic));
  subscriptions.dispatch(message('a/b'), (error, filter) => failed.push([(error as Error).message, filter]));
  await new Promise((resolve) => setImmediate(resolve));
  t.same(seen, ['a/b']);
  t.same(failed, [
    ['sync', 'a/#'],
    ['async', 'a/+'],
  ]);
});

t.test('a filter has one handler: the last', async (t) => {
  const subscriptions = new Subscriptions(() => 0);
  const seen: number[] = [];
  subscriptions.add('a', { qos: 0 }, () => void seen.push(1));
  subscriptions.add('a', { qos: 1 }, () => void seen.push(2));
  subscriptions.dispatch(message('a'), () => t.fail());
  t.same(seen, [2]);
  t.equal(subscriptions.all().length, 1);
  t.ok(subscriptions.remove('a'));
  t.notOk(subscriptions.remove('a'));
});

/** Counts what a handler of two overlapping filters gets. */
function overlapping() {
  let nowMs = 0;
  const seen: string[] = [];
  const subscriptions = new Subscriptions(() => nowMs);
  const handler = ({ payload }: Message): void => void seen.push(Buffer.from(payload).toString());
  for (const filter of ['a/+/c', 'a/b/+']) subscriptions.add(filter, { retained: false }, handler);
  const receive = (topic: string, text: string, ids?: number[]): void =>
    subscriptions.dispatch(
      { ...message(topic), payload: Buffer.from(text), ...(ids ? { subscriptions: ids } : {}) },
      () => undefined,
    );
  return { seen, subscriptions, receive, wait: (ms: number) => (nowMs += ms) };
}

t.test('of the copies of a message that a broker tells apart, one counts', async (t) => {
  const { seen, subscriptions, receive } = overlapping();
  const [first, second] = subscriptions.all().map(({ id }) => id ?? 0);
  if (first === undefined || second === undefined) return t.fail('overlapping filters have identifiers');
  receive('a/b/c', '1', [first]);
  receive('a/b/c', '1', [second]);
  receive('a/b/c', '1', [second, first]);
  receive('a/x/c', '2', [first]);
  receive('a/b/x', '3', [second]);
  t.same(seen, ['1', '1', '2', '3'], 'the same picture again is no copy');
  subscriptions.hears('a/+/c', false);
  receive('a/b/c', '4', [second]);
  t.same(seen.at(-1), '4', 'a filter that was refused has no copy');
});

t.test('where the broker tells no copies apart, the same bytes at once are one', async (t) => {
  const { seen, subscriptions, receive, wait } = overlapping();
  subscriptions.all();
  receive('a/b/c', '1');
  receive('a/b/c', '1');
  receive('a/b/c', '2');
  wait(150);
  receive('a/b/c', '2');
  receive('a/x/c', '3');
  receive('a/x/c', '3');
  t.same(seen, ['1', '2', '2', '3', '3'], 'a topic that one filter selects comes once in any case');
});

t.test('filters of different handlers, or apart, need no identifiers', async (t) => {
  const subscriptions = new Subscriptions(() => 0);
  const handler = (): void => undefined;
  subscriptions.add('a/+', {}, handler);
  subscriptions.add('b/+', {}, handler);
  subscriptions.add('a/b', {}, () => undefined);
  t.same(
    subscriptions.all().map(({ id }) => id),
    [undefined, undefined, undefined],
  );
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
