import t from 'tap';
import fc from 'fast-check';
import { CameraSlots } from '../../../agent/frames/slots.js';

t.test('a newer frame replaces the waiting one of its camera', async (t) => {
  const slots = new CameraSlots<string>();
  t.equal(slots.put('a', 'a1'), null);
  t.equal(slots.put('a', 'a2'), 'a1');
  t.equal(slots.next(), 'a2');
  t.equal(slots.next(), null);
});

t.test('cameras are served round robin, however much one of them sends', async (t) => {
  const slots = new CameraSlots<string>();
  for (const frame of ['a1', 'a2', 'a3']) slots.put('a', frame);
  slots.put('b', 'b1');
  t.equal(slots.next(), 'a3');
  slots.put('a', 'a4');
  t.same([slots.next(), slots.next()], ['b1', 'a4']);
});

t.test('every frame put in is either replaced, taken or drained, once', async () => {
  const actions = fc.array(fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constant(null)));
  fc.assert(
    fc.property(actions, (steps) => {
      const slots = new CameraSlots<number>();
      const out: number[] = [];
      let put = 0;
      for (const camera of steps) {
        const gone = camera === null ? slots.next() : slots.put(camera, put++);
        if (gone !== null) out.push(gone);
      }
      out.push(...slots.drain());
      return out.length === put && new Set(out).size === put && slots.size === 0;
    }),
  );
});
