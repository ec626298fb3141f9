import t from 'tap';
import fc from 'fast-check';
import { costMs, FairQueue, type Work } from '../../cloud-stub/fair-queue.js';

const LIMITS = { maxRequests: 4, maxBytes: 100 };
const USUAL = { decodeMs: 1, costly: false };
/** 40 usual ones. */
const COSTLY = { decodeMs: 430, costly: true };

function offer<Item>(
  queue: FairQueue<Item>,
  device: string,
  item: Item,
  bytes = 1,
  work: Work = USUAL,
): { admitted: boolean; evicted: Item[] } {
  return queue.offer(device, item, { bytes, work });
}

t.test('devices are served round robin, each in its own order', (t) => {
  const queue = new FairQueue<string>({ maxRequests: 100, maxBytes: 1000 });
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) offer(queue, item.slice(0, 1), item, 1);
  const served = Array.from({ length: 7 }, () => queue.take());
  t.same(served, ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', null]);
  t.same([queue.length, queue.bytes], [0, 0]);
  t.end();
});

t.test('one that fills the queue loses its newest places to others, one by one', (t) => {
  const queue = new FairQueue<string>(LIMITS);
  for (const item of ['a1', 'a2', 'a3', 'a4']) t.ok(offer(queue, 'a', item, 10).admitted);
  t.same(offer(queue, 'a', 'a5', 10), { admitted: false, evicted: [] }, 'nobody pushes itself out');
  t.same(offer(queue, 'b', 'b1', 10), { admitted: true, evicted: ['a4'] });
  t.same(offer(queue, 'b', 'b2', 10), { admitted: true, evicted: ['a3'] });
  t.same(offer(queue, 'b', 'b3', 10), { admitted: false, evicted: [] }, 'equal shares stay');
  t.same(offer(queue, 'c', 'c1', 10).admitted, true);
  t.equal(queue.length, 4);
  t.end();
});

t.test('bytes bound it as well, and nobody is pushed out in vain', (t) => {
  const queue = new FairQueue<string>(LIMITS);
  t.ok(offer(queue, 'a', 'a1', 60).admitted);
  t.ok(offer(queue, 'b', 'b1', 30).admitted);
  t.same(offer(queue, 'c', 'c1', 101), { admitted: false, evicted: [] });
  t.same(offer(queue, 'c', 'c2', 70), { admitted: false, evicted: [] }, 'it wants more than a has');
  t.same(offer(queue, 'c', 'c3', 20), { admitted: true, evicted: ['a1'] });
  t.equal(queue.bytes, 50);
  t.end();
});

t.test('a newcomer knows how many will be served before it', (t) => {
  const queue = new FairQueue<number>({ maxRequests: 100, maxBytes: 1000 });
  for (let i = 0; i < 5; i += 1) offer(queue, 'loud', i, 1);
  offer(queue, 'quiet', 9, 1);
  t.equal(queue.ahead('new').requests, 2);
  t.equal(queue.ahead('quiet').requests, 3);
  t.equal(queue.ahead('loud').requests, 6);
  t.same(queue.ahead('new'), { requests: 2, ms: 2 * costMs(USUAL), costlyMs: 0 });
  t.end();
});

t.test('a device of costly requests has its turn when the others have had as much', (t) => {
  const queue = new FairQueue<string>({ maxRequests: 1000, maxBytes: 1000 });
  t.equal(costMs(COSTLY), 40 * costMs(USUAL));
  for (let i = 0; i < 3; i += 1) offer(queue, 'bomb', 'B', 1, COSTLY);
  for (let i = 0; i < 100; i += 1) offer(queue, 'honest', 'h');
  const order = Array.from({ length: 103 }, () => queue.take()).join('');
  t.equal(order, `B${'h'.repeat(40)}B${'h'.repeat(40)}B${'h'.repeat(20)}`);
  t.end();
});

t.test('what a device had before counts when it comes again', (t) => {
  const queue = new FairQueue<string>({ maxRequests: 1000, maxBytes: 1000 });
  offer(queue, 'bomb', 'B1', 1, COSTLY);
  t.equal(queue.take(), 'B1');
  offer(queue, 'bomb', 'B2', 1, COSTLY);
  for (let i = 0; i < 39; i += 1) offer(queue, 'honest', 'h');
  t.match(queue.ahead('new'), { requests: 1, costlyMs: 0 });
  t.equal(Array.from({ length: 40 }, () => queue.take()).join(''), `${'h'.repeat(39)}B2`);
  t.end();
});

t.test('what may not be taken now lets others pass, and keeps its turn', (t) => {
  const queue = new FairQueue<string>({ maxRequests: 100, maxBytes: 1000 });
  offer(queue, 'bomb', 'B', 1, COSTLY);
  offer(queue, 'honest', 'h1');
  offer(queue, 'honest', 'h2');
  const usual = (_device: string, { costly }: Work): boolean => !costly;
  t.equal(queue.take(usual), 'h1');
  t.equal(queue.take(), 'B');
  t.equal(queue.take(usual), 'h2');
  t.equal(queue.take(usual), null);
  t.end();
});

t.test('whatever comes, the bounds hold and every item is served, pushed out or refused once', (t) => {
  const offers = fc.array(
    fc.record({ device: fc.constantFrom('a', 'b', 'c'), bytes: fc.nat(60), take: fc.boolean() }),
  );
  fc.assert(
    fc.property(offers, (all) => {
      const queue = new FairQueue<number>(LIMITS);
      const ended: number[] = [];
      for (const [n, { device, bytes, take }] of all.entries()) {
        const { admitted, evicted } = offer(queue, device, n, bytes);
        ended.push(...evicted, ...(admitted ? [] : [n]));
        if (queue.length > LIMITS.maxRequests || queue.bytes > LIMITS.maxBytes) return false;
        const served = take ? queue.take() : null;
        if (served !== null) ended.push(served);
      }
      for (let item = queue.take(); item !== null; item = queue.take()) ended.push(item);
      return (
        ended.sort((x, y) => x - y).every((n, i) => n === i) &&
        queue.bytes === 0 &&
        ended.length === all.length
      );
    }),
  );
  t.end();
});

t.test('full says before the image is looked at what an offer of few bytes would come to', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean())), (steps) => {
      const queue = new FairQueue<number>({ maxRequests: 4, maxBytes: 1000 });
      for (const [device, offers] of steps) {
        if (offers) {
          const full = queue.full(device);
          t.equal(offer(queue, device, 0, 1).admitted, !full);
        } else queue.take();
      }
    }),
  );
  t.end();
});
