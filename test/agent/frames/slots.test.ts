import t from 'tap';
import fc from 'fast-check';
import { CameraSlots, type Cost } from '../../../agent/frames/slots.js';

interface Named extends Cost {
  name: string;
}

function frame(name: string, decodeMs = 1): Named {
  return { name, decodeMs, costly: decodeMs > 50 };
}

t.test('a newer frame replaces the waiting one of its camera', async (t) => {
  const slots = new CameraSlots<Named>();
  t.equal(slots.put('a', frame('a1')), null);
  t.equal(slots.put('a', frame('a2'))?.name, 'a1');
  t.equal(slots.next(true)?.name, 'a2');
  t.equal(slots.next(true), null);
});

t.test('cameras take turns, however much one of them sends', async (t) => {
  const slots = new CameraSlots<Named>();
  for (const name of ['a1', 'a2', 'a3']) slots.put('a', frame(name));
  slots.put('b', frame('b1'));
  t.equal(slots.next(true)?.name, 'a3');
  slots.put('a', frame('a4'));
  t.same([slots.next(true)?.name, slots.next(true)?.name], ['b1', 'a4']);
});

t.test('a camera of costly frames comes again when the others have had as much', async (t) => {
  const slots = new CameraSlots<Named>();
  const order: string[] = [];
  for (let i = 0; i < 100; i += 1) {
    slots.put('bomb', frame('bomb', 395)); // 400 with what every frame takes
    for (const camera of ['a', 'b']) slots.put(camera, frame(camera, 15)); // 20
    order.push(slots.next(true)?.name ?? '');
  }
  const bombs = order.flatMap((name, at) => (name === 'bomb' ? [at] : []));
  t.same(bombs, [0, 41, 82], 'one for twenty of each other camera');
});

t.test('a costly frame waits while another is in work, and nobody waits with it', async (t) => {
  const slots = new CameraSlots<Named>();
  slots.put('bomb-1', frame('bomb-1', 400));
  slots.put('bomb-2', frame('bomb-2', 400));
  slots.put('door', frame('door'));
  t.equal(slots.next(true)?.name, 'bomb-1');
  t.equal(slots.next(false)?.name, 'door');
  t.equal(slots.next(false), null);
  t.equal(slots.next(true)?.name, 'bomb-2');
});

t.test('every frame put in is either replaced, taken or drained, once', async () => {
  const actions = fc.array(
    fc.oneof(fc.record({ camera: fc.constantFrom('a', 'b', 'c'), ms: fc.nat(100) }), fc.boolean()),
  );
  fc.assert(
    fc.property(actions, (steps) => {
      const slots = new CameraSlots<Named>();
      const out: string[] = [];
      let put = 0;
      for (const step of steps) {
        const gone =
          typeof step === 'boolean'
            ? slots.next(step)
            : slots.put(step.camera, frame(String((put += 1)), step.ms));
        if (gone !== null) out.push(gone.name);
      }
      out.push(...slots.drain().map(({ name }) => name));
      return out.length === put && new Set(out).size === put && slots.size === 0;
    }),
  );
});
