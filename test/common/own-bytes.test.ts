import t from 'tap';
import { ownBytes } from '../../common/own-bytes.js';

t.test('a small part of a large buffer becomes bytes of its own, with the same content', async (t) => {
  const chunk = new Uint8Array(65_536).map((_, i) => i);
  const own = ownBytes(chunk.subarray(100, 2500));
  t.equal(own.buffer.byteLength, 2400);
  t.same(own, chunk.subarray(100, 2500));
});

t.test('a small Node.js buffer, a view of the shared pool, does too', async (t) => {
  const pooled = Buffer.from('a word');
  t.ok(pooled.buffer.byteLength > 1000);
  t.equal(ownBytes(pooled).buffer.byteLength, 6);
  t.equal(Buffer.from(ownBytes(pooled)).toString(), 'a word');
});

t.test('what holds little more than it is stays, uncopied', async (t) => {
  const chunk = new Uint8Array(65_536);
  for (const bytes of [chunk, chunk.subarray(5000), Buffer.alloc(10)]) t.equal(ownBytes(bytes), bytes);
});
