import t from 'tap';
import { CameraPatterns } from '../../../protocol/topics/topics.js';

t.test('no subscription is made twice, or within another', async (t) => {
  const patterns = new CameraPatterns([
    'frigate/{camera}/person/snapshot',
    'frigate/{camera}/+/snapshot',
    'frigate/+/{camera}/snapshot',
    'yard/{camera}/frame',
    'yard/north/{camera}',
  ]);
  t.same(patterns.filters, ['frigate/+/+/snapshot', 'yard/+/frame', 'yard/north/+']);
});

t.test('a topic belongs to the first pattern that finds a camera in it', async (t) => {
  const patterns = new CameraPatterns(['site/+/{camera}/frame', 'site/{camera}/+/frame']);
  t.equal(patterns.match('site/one/two/frame'), 'two');
  t.equal(patterns.match('site/one/front door/frame'), 'one', 'the other level is no usable name');
  t.equal(patterns.match('elsewhere/one/two/frame'), null);
});

t.test('patterns that select topics of the contract are refused, with key, pattern and topic', async (t) => {
  for (const [pattern, topic] of [
    ['+/{camera}/#', 'edgemux/d1/#'],
    ['edgemux/{camera}/frame', 'edgemux/d1/#'],
    ['edgemux/offload/+/{camera}/#', 'edgemux/offload/#'],
    ['{camera}/#', 'edgemux/d1/#'],
    ['+/answer/{camera}', 'edgemux/answer/#'],
  ] as const) {
    const refuse = () =>
      new CameraPatterns(['cameras/{camera}/frame', pattern]).assertApartFrom('edgemux', 'd1');
    t.throws(refuse, {
      code: 'CONFIG_INVALID',
      message: /cameras\.topics.+broker\.baseTopic/,
      details: { key: 'cameras.topics', value: pattern, topic },
    });
  }
  for (const pattern of [
    'cameras/{camera}/frame',
    'edgemux/cameras/{camera}/frame',
    'homeassistant/+/{camera}',
  ])
    t.doesNotThrow(() => new CameraPatterns([pattern]).assertApartFrom('edgemux', 'd1'), pattern);
});
