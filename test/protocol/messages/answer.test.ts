import fc from 'fast-check';
import t from 'tap';
import {
  encodeMessage,
  isErrorAnswer,
  maxAnswerBytes,
  parseAnswer,
  type Answer,
} from '../../../protocol/messages.js';

const expect = { frameId: 'f1', classes: 3, zooHash: 'abc' };

function answer(over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    frameId: 'f1',
    server: 'gpu1',
    zooHash: 'abc',
    models: ['cloud'],
    weights: { cloud: 1 },
    classIndex: 1,
    label: 'shoe',
    probabilities: [0.1, 0.7, 0.2],
    latencyMs: { residence: 9.5, queue: 1, decode: 2, mux: 0, inference: 6 },
    batchSize: 1,
    ...over,
  };
}
const read = (value: object) => parseAnswer(encodeMessage(value), expect);

t.test('a good answer is read, and what later versions may add is dropped', async (t) => {
  const good = read(answer({ addedLater: { deep: [1] } })) as Answer;
  t.notOk(isErrorAnswer(good));
  t.same(good.probabilities, [0.1, 0.7, 0.2]);
  t.notOk('addedLater' in good);
});

t.test('an error answer is an answer: the server refused this frame', async (t) => {
  const refused = read({ frameId: 'f1', error: { code: 'QUEUE_FULL', message: 'too many' } });
  t.ok(isErrorAnswer(refused) && refused.error.code === 'QUEUE_FULL');
});

t.test('whatever is wrong with an answer, it is refused and the text says what', async (t) => {
  const wrong: [what: string, over: Record<string, unknown>, text: RegExp][] = [
    ['another frame', { frameId: 'f2' }, /for frame "f2", not f1/],
    ['another zoo', { zooHash: 'abd' }, /zoo "abd"/],
    ['too few probabilities', { probabilities: [0.5, 0.5] }, /2 probabilities for 3/],
    ['too many probabilities', { probabilities: [0.1, 0.7, 0.1, 0.1] }, /4 probabilities for 3/],
    ['no probabilities', { probabilities: [] }, /probabilities/],
    ['missing probabilities', { probabilities: undefined }, /probabilities/],
    ['NaN (null in JSON)', { probabilities: [NaN, 0.7, 0.3] }, /probabilities\.0/],
    ['negative', { probabilities: [-0.1, 0.8, 0.3] }, /\[0\] is -0.1/],
    ['above one', { probabilities: [0, 1.1, -0.1] }, /\[1\] is 1.1/],
    ['all zero', { probabilities: [0, 0, 0] }, /all its probabilities are 0/],
    ['a sum that is not one', { probabilities: [0.1, 0.5, 0.2] }, /sum to 0.8/],
    ['not the argmax', { classIndex: 2 }, /not the most probable/],
    ['a class that is none', { classIndex: 3 }, /classIndex 3/],
    ['a fractional class', { classIndex: 0.5 }, /classIndex/],
    ['text for a number', { probabilities: ['0.1', '0.7', '0.2'] }, /probabilities/],
    [
      'a negative duration',
      { latencyMs: { residence: -1, queue: 0, decode: 0, mux: 0, inference: 0 } },
      /residence/,
    ],
    ['no models', { models: [] }, /models/],
  ];
  for (const [what, over, message] of wrong)
    t.throws(() => read(answer(over)), { code: 'MESSAGE_INVALID', message }, what);
});

t.test('an error for another frame is refused', async (t) => {
  const other = { frameId: 'f9', error: { code: 'QUEUE_FULL', message: 'x' } };
  t.throws(() => read(other), { code: 'MESSAGE_INVALID', message: /f9/ });
});

t.test('rounding is forgiven, ties are fine, and a zoo hash is only compared when expected', async (t) => {
  const tie = parseAnswer(encodeMessage(answer({ probabilities: [0.4, 0.4, 0.2] })), {
    ...expect,
    zooHash: undefined,
  });
  t.notOk(isErrorAnswer(tie));
  t.doesNotThrow(() => read(answer({ probabilities: [0, 1.0000001, 0] })));
  t.doesNotThrow(() => read(answer({ probabilities: [0.1, 0.705, 0.2] })));
});

t.test('an answer too large for its zoo is refused before it is parsed', async (t) => {
  const huge = Buffer.alloc(maxAnswerBytes(3) + 1, '[');
  t.throws(() => parseAnswer(huge, expect), { code: 'MESSAGE_INVALID', message: /bytes, more than/ });
  const thousand = Array.from({ length: 1000 }, (_, at) =>
    at === 7 ? 1 - 999 * 0.00012345678901234567 : 0.00012345678901234567,
  );
  const full = answer({ probabilities: thousand, classIndex: 7 });
  t.doesNotThrow(() => parseAnswer(encodeMessage(full), { ...expect, classes: 1000 }));
});

t.test('no bytes whatever end otherwise than in a checked answer or MESSAGE_INVALID', async (t) => {
  const json = fc.json().map((text) => Buffer.from(text));
  const mutated = fc
    .tuple(fc.constantFrom(...Object.keys(answer())), fc.jsonValue())
    .map(([key, value]) => Buffer.from(JSON.stringify(answer({ [key]: value }))));
  const nested = fc.integer({ min: 1, max: 16_000 }).map((depth) => Buffer.from('['.repeat(depth)));
  const proto = fc.constant(Buffer.from('{"__proto__":{"frameId":"f1"},"constructor":1}'));
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 500 }), json, mutated, nested, proto);
  let accepted = 0;
  fc.assert(
    fc.property(bytes, (payload) => {
      try {
        const read = parseAnswer(payload, expect);
        accepted += 1;
        return read.frameId === 'f1';
      } catch (error) {
        return (error as { code?: string }).code === 'MESSAGE_INVALID';
      }
    }),
    { numRuns: 3000 },
  );
  t.pass(`${accepted} of 3,000 were valid`);
});
