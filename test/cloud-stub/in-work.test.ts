import t from 'tap';
import { InWork } from '../../cloud-stub/in-work.js';

const usual = { decodeMs: 1, costly: false };
const large = { decodeMs: 45, costly: false };
const costly = { decodeMs: 400, costly: true };

t.test('one costly request at a time, whoever sends it', async (t) => {
  const inWork = new InWork();
  t.ok(inWork.allows('a', costly));
  inWork.begin('a', costly);
  t.notOk(inWork.allows('a', costly));
  t.notOk(inWork.allows('b', costly));
  t.ok(inWork.allows('b', usual));
  inWork.end('a', costly);
  t.ok(inWork.allows('b', costly));
});

t.test(
  'one device has so much decoding in work, the others theirs; many small requests are not many',
  async (t) => {
    const inWork = new InWork();
    inWork.begin('a', large);
    t.ok(inWork.allows('a', large));
    inWork.begin('a', large);
    t.notOk(inWork.allows('a', large));
    t.ok(inWork.allows('b', large));
    for (let i = 0; i < 64; i += 1) {
      t.ok(inWork.allows('c', usual), `${i}`);
      inWork.begin('c', usual);
    }
  },
);

t.test('a single request may be larger than that, and sums come back to nothing', async (t) => {
  const inWork = new InWork();
  const third = { decodeMs: 1 / 3, costly: false };
  for (let i = 0; i < 3; i += 1) inWork.begin('a', third);
  t.ok(inWork.ms > 0);
  for (let i = 0; i < 3; i += 1) inWork.end('a', third);
  t.equal(inWork.ms, 0);
  t.ok(inWork.allows('a', { decodeMs: 1000, costly: false }));
});
