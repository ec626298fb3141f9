import t from 'tap';
import fc from 'fast-check';
import {
  allFinite,
  argmax,
  entropyNats,
  fuse,
  margin,
  maximum,
  mean,
  softmax,
  topK,
} from '../../../mux/rules/probabilities.js';

const distribution = fc
  .array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: 2, maxLength: 12 })
  .map((values) => {
    const sum = values.reduce((total, value) => total + value, 0);
    return values.map((value) => value / sum);
  });

t.test('argmax takes the first of equal entries, and −1 of nothing', (t) => {
  t.equal(argmax([0.2, 0.4, 0.4]), 1);
  t.equal(argmax(Float32Array.of(0.1)), 0);
  t.equal(argmax([]), -1);
  t.equal(maximum([0.2, 0.5, 0.3]), 0.5);
  t.end();
});

t.test('topK lists the largest first and keeps class order on ties', (t) => {
  t.same(topK([0.1, 0.4, 0.1, 0.4], 3), [
    { classIndex: 1, probability: 0.4 },
    { classIndex: 3, probability: 0.4 },
    { classIndex: 0, probability: 0.1 },
  ]);
  t.same(topK([0.1], 5).length, 1);
  t.same(topK([0.1], 0), []);
  t.ok(Math.abs(margin([0.7, 0.2, 0.1]) - 0.5) < 1e-12);
  t.end();
});

t.test('entropy is 0 for certainty, ln K for a uniform vector, and never outside', (t) => {
  t.equal(entropyNats([0, 1, 0]), 0);
  t.ok(Math.abs(entropyNats([0.25, 0.25, 0.25, 0.25]) - Math.log(4)) < 1e-12);
  fc.assert(
    fc.property(distribution, (p) => {
      const entropy = entropyNats(p);
      return entropy >= -1e-12 && entropy <= Math.log(p.length) + 1e-9;
    }),
  );
  t.end();
});

t.test('softmax sums to 1 and does not overflow', (t) => {
  const p = softmax([1000, 1001, 999]);
  t.ok(allFinite(p));
  t.ok(Math.abs(p.reduce((sum, value) => sum + value, 0) - 1) < 1e-6);
  t.equal(argmax(p), 1);
  t.end();
});

t.test('fusing with weights (1, 0) changes nothing, and with an expert twice sharpens it', (t) => {
  fc.assert(
    fc.property(distribution, (p) => {
      const other = [...p].reverse();
      const same = fuse([
        { probabilities: p, weight: 1 },
        { probabilities: other, weight: 0 },
      ]);
      const twice = fuse([
        { probabilities: p, weight: 1 },
        { probabilities: p, weight: 1 },
      ]);
      return p.every((value, k) => Math.abs(value - same[k]!) < 1e-5) && maximum(twice) >= maximum(p) - 1e-6;
    }),
  );
  t.end();
});

t.test('a class that one expert excludes stays possible for the other, and nothing becomes NaN', (t) => {
  const fused = fuse([
    { probabilities: [1, 0], weight: 1 },
    { probabilities: [0, 1], weight: 1 },
  ]);
  t.ok(allFinite(fused));
  t.ok(Math.abs(fused[0]! - 0.5) < 1e-6);
  t.end();
});

t.test('the mean of distributions is one', (t) => {
  t.same(
    [
      ...mean([
        [1, 0],
        [0, 1],
      ]),
    ],
    [0.5, 0.5],
  );
  t.notOk(allFinite([0, Number.NaN]));
  t.notOk(allFinite([Infinity]));
  t.end();
});
