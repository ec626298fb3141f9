import fc from 'fast-check';
import t from 'tap';
import { compileFilter } from '../../../protocol/connection/subscriptions.js';
import { CameraPattern } from '../../../protocol/topics/camera-pattern.js';
import { isName } from '../../../protocol/topics/topics.js';

t.test('{camera} names the level that names the camera', async (t) => {
  const plain = new CameraPattern('cameras/{camera}/frame');
  t.equal(plain.filter, 'cameras/+/frame');
  t.equal(plain.match('cameras/door/frame'), 'door');
  t.equal(plain.match('cameras/door/frames'), null);
  t.equal(plain.match('cameras/door/frame/1'), null);
  t.equal(plain.match('cameras/door'), null);
  const frigate = new CameraPattern('frigate/{camera}/+/snapshot');
  t.equal(frigate.filter, 'frigate/+/+/snapshot');
  t.equal(frigate.match('frigate/yard/person/snapshot'), 'yard');
});

t.test('a last # stands for any number of levels, also none', async (t) => {
  const pattern = new CameraPattern('site/{camera}/#');
  t.equal(pattern.filter, 'site/+/#');
  for (const topic of ['site/a', 'site/a/b', 'site/a/b/c']) t.equal(pattern.match(topic), 'a');
  t.equal(pattern.match('site'), null);
});

t.test('a camera whose name cannot stand in a result topic is not a camera', async (t) => {
  const pattern = new CameraPattern('cameras/{camera}/frame');
  for (const camera of ['front door', '', 'ä', 'x'.repeat(65), '+', '#', '\0']) {
    t.equal(pattern.match(`cameras/${camera}/frame`), null);
  }
});

t.test('a pattern that MQTT or the contract does not know is refused, saying which level', async (t) => {
  const refused: [string, RegExp][] = [
    ['cameras/door/frame', /0 levels "\{camera\}"/],
    ['{camera}/{camera}', /2 levels/],
    ['cameras/cam-{camera}/frame', /cam-\{camera\}/],
    ['cameras/{camera}/#/frame', /only be its last/],
    ['cameras/{camera}/fra+', /fra\+/],
    ['cameras/{camera}/fra me', /fra me/],
    ['cameras//{camera}', /""/],
    ['/cameras/{camera}', /""/],
    ['', /""/],
    ['$SYS/{camera}', /\$SYS/],
    [`${'a/'.repeat(400)}{camera}`, /512/],
    ['cameras/{Camera}/frame', /\{Camera\}/],
  ];
  for (const [pattern, message] of refused) {
    t.throws(() => new CameraPattern(pattern), { code: 'TOPIC_INVALID', message }, pattern);
  }
});

t.test('a match is always selected by the filter, and always a name', async (t) => {
  const part = fc.constantFrom('a', 'b', '+', 'frame', 'front-door');
  const pattern = fc
    .tuple(fc.array(part, { maxLength: 3 }), fc.array(part, { maxLength: 3 }), fc.boolean())
    .map(([before, after, open]) => [...before, '{camera}', ...after, ...(open ? ['#'] : [])].join('/'));
  const level = fc.oneof(part, fc.string({ maxLength: 4 }));
  const topic = fc.array(level, { minLength: 1, maxLength: 7 }).map((levels) => levels.join('/'));
  let matches = 0;
  fc.assert(
    fc.property(pattern, topic, (pattern, topic) => {
      const compiled = new CameraPattern(pattern);
      const camera = compiled.match(topic);
      if (camera === null) return true;
      matches += 1;
      return isName(camera) && compileFilter(compiled.filter)(topic);
    }),
    { numRuns: 5000, seed: 7 },
  );
  t.ok(matches > 100, `${matches} of 5,000 matched`);
});
