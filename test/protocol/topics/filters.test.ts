import fc from 'fast-check';
import t from 'tap';
import { compileFilter } from '../../../protocol/connection/subscriptions.js';
import { covers, overlap } from '../../../protocol/topics/filters.js';

const LEVELS = ['a', 'b'];
/** Every topic of up to four levels: enough to decide filters of up to three. */
const TOPICS = [1, 2, 3, 4].flatMap((length) =>
  Array.from({ length: LEVELS.length ** length }, (_, at) =>
    Array.from(
      { length },
      (_, level) => LEVELS[Math.floor(at / LEVELS.length ** level) % LEVELS.length],
    ).join('/'),
  ),
);
const filters = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '+'), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'));

t.test('filters overlap where a topic is selected by both', async (t) => {
  fc.assert(
    fc.property(filters, filters, (one, other) => {
      const [a, b] = [compileFilter(one), compileFilter(other)];
      return overlap(one, other) === TOPICS.some((topic) => a(topic) && b(topic));
    }),
    { numRuns: 2000 },
  );
  t.ok(overlap('#', 'a/b'));
  t.ok(overlap('a/#', 'a'));
  t.notOk(overlap('a/+', 'a'));
});

t.test('a filter that covers another selects all of its topics', async (t) => {
  fc.assert(
    fc.property(filters, filters, (wide, narrow) => {
      const [a, b] = [compileFilter(wide), compileFilter(narrow)];
      return !covers(wide, narrow) || TOPICS.every((topic) => a(topic) || !b(topic));
    }),
    { numRuns: 2000 },
  );
  for (const [wide, narrow] of [
    ['frigate/+/+/snapshot', 'frigate/+/person/snapshot'],
    ['a/#', 'a/+/b'],
    ['a/#', 'a'],
    ['#', '+/#'],
  ] as const) {
    t.ok(covers(wide, narrow), `${wide} ${narrow}`);
    t.notOk(covers(narrow, wide), `${narrow} ${wide}`);
  }
});
