import t from 'tap';
import fc from 'fast-check';
import { Bootstrap } from '../../../../lab/eval/statistics/bootstrap.js';
import { featuresOf, FEATURES, standardised } from '../../../../lab/eval/outputs/features.js';
import {
  auroc,
  calibrationError,
  hardnessOf,
  ranked,
  rightWrongMatrix,
} from '../../../../lab/eval/statistics/metrics.js';
import { crossValidated, halves } from '../../../../lab/eval/outputs/neighbours.js';
import { smooth, solve } from '../../../../lab/eval/statistics/smooth.js';

const near = (a: number, b: number, by = 1e-9) => Math.abs(a - b) < by;

t.test('AUROC: the share of pairs in the right order, ties half', (t) => {
  t.equal(auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]), 0.75);
  t.equal(auroc([1, 2, 3], [0, 0, 1]), 1);
  t.equal(auroc([3, 2, 1], [0, 0, 1]), 0);
  t.equal(auroc([1, 1, 1, 1], [0, 1, 0, 1]), 0.5);
  t.equal(auroc([1, 2], [1, 1]), null, 'one kind only');
  t.end();
});

t.test('AUROC agrees with counting pairs, and mirrors where scores are negated', (t) => {
  const image = fc.record({
    score: fc.integer({ min: 0, max: 5 }),
    positive: fc.integer({ min: 0, max: 1 }),
  });
  fc.assert(
    fc.property(fc.array(image, { minLength: 2, maxLength: 30 }), (images) => {
      const scores = images.map(({ score }) => score);
      const positive = images.map(({ positive: p }) => p);
      const found = auroc(scores, positive);
      const pairs = images.flatMap((a) =>
        images.filter((b) => a.positive > b.positive).map((b) => a.score - b.score),
      );
      if (pairs.length === 0) return found === null;
      const counted = pairs.reduce((sum, d) => sum + (d > 0 ? 1 : d === 0 ? 0.5 : 0), 0) / pairs.length;
      const mirrored = auroc(
        scores.map((score) => -score),
        positive,
      );
      return near(found!, counted) && near(mirrored!, 1 - counted);
    }),
  );
  t.end();
});

t.test('weights count images: twice the weight is the image twice', (t) => {
  const [scores, positive] = [
    [0.2, 0.9, 0.5],
    [0, 1, 1],
  ];
  const twice = auroc([0.2, 0.9, 0.5, 0.2, 0.5], [0, 1, 1, 0, 1]);
  t.equal(auroc(scores, positive, ranked(scores), [2, 1, 2]), twice);
  t.end();
});

t.test('calibration error: nil where confidence is the share right, the gap where it is not', (t) => {
  t.ok(near(calibrationError([0.75, 0.75, 0.75, 0.75], [1, 1, 1, 0]), 0));
  t.ok(near(calibrationError([1, 1], [1, 0]), 0.5));
  t.ok(near(calibrationError([0.9, 0.1], [0, 1]), 0.9), 'gaps of two bins do not cancel');
  t.end();
});

t.test('hardness counts the models that are wrong; Fig. 1 has who is right where another is wrong', (t) => {
  const models = [{ right: Uint8Array.of(1, 1, 0, 0) }, { right: Uint8Array.of(1, 0, 1, 0) }];
  t.same([...hardnessOf(models)], [0, 1, 1, 2]);
  t.same(rightWrongMatrix(models), [
    [0, 0.25],
    [0.25, 0],
  ]);
  t.end();
});

t.test('bootstrap: repeatable, holds its value, and pairs what it compares', (t) => {
  const a = Uint8Array.from({ length: 400 }, (_, i) => (i % 10 === 0 ? 0 : 1));
  const b = a.map((right, i) => (i === 5 ? 0 : right));
  const one = new Bootstrap(400, 7).of([a], (mean) => mean);
  t.same(
    one,
    new Bootstrap(400, 7).of([a], (mean) => mean),
  );
  t.ok(near(one.value, 0.9) && one.low < 0.9 && one.high > 0.9);
  t.ok(one.high - one.low > 0.04 && one.high - one.low < 0.08, 'about ±2 · √(0.9 · 0.1 / 400)');
  const bootstrap = new Bootstrap(400, 7);
  const difference = bootstrap.of([a, b], (x, y) => x - y);
  t.ok(
    near(difference.value, 1 / 400) && difference.low >= 0 && difference.high <= 4 / 400,
    'one image differs',
  );
  t.same(
    bootstrap.of([a, a], (x, y) => x - y),
    { value: 0, low: 0, high: 0 },
  );
  t.equal(
    bootstrap.recomputed(() => null),
    null,
  );
  t.end();
});

t.test('a smoothed P(right) keeps the number of right answers and rises where confidence helps', (t) => {
  const confidence = Array.from({ length: 200 }, (_, i) => (i + 0.5) / 200);
  const right = confidence.map((value, i) => (((i * 7919) % 200) / 200 < value ? 1 : 0));
  const fitted = smooth(confidence, right);
  const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
  t.ok(near(sum(fitted), sum(right), 0.01));
  t.ok(fitted[20]! < fitted[100]! && fitted[100]! < fitted[180]!);
  t.same(
    solve(
      [
        [2, 1],
        [1, 3],
      ],
      [3, 5],
    ).map((x) => Math.round(x * 1e9) / 1e9),
    [0.8, 1.4],
  );
  t.end();
});

t.test('features: known answers for plain images', (t) => {
  const shape = { height: 4, width: 4, channels: 1 } as const;
  const flat = featuresOf(new Uint8Array(16).fill(255), shape);
  t.same(
    flat,
    [1, 0, 0, 0, 0, 0, 0, 0].map((value) => (Object.is(value, -0) ? 0 : value)),
  );
  const half = featuresOf(
    Uint8Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? 0 : 255)),
    shape,
  );
  t.equal(half.length, FEATURES.length);
  t.match(half.slice(0, 2), [0.5, 0.5], 'brightness and contrast');
  t.equal(half[2], 1, 'an edge everywhere inside');
  t.equal(half[3], 4, 'Sobel of a full step');
  t.ok(near(half[5]!, Math.LN2), 'two grey values');
  t.equal(half[6], 0.5, 'half of it is dark');
  t.equal(half[7], 1, 'nothing is symmetric');
  const colour = featuresOf(new Uint8Array(48).fill(128), { ...shape, channels: 3 });
  t.ok(near(colour[0]!, 128 / 255), 'luma of grey is grey');
  t.end();
});

t.test('neighbours come from the other half only', (t) => {
  const points = standardised([[0], [0.1], [5], [5.1], [0.05], [5.05]]);
  const positive = Uint8Array.of(0, 0, 1, 1, 0, 1);
  const said = crossValidated(
    points,
    positive,
    [
      [0, 2, 4],
      [1, 3, 5],
    ],
    1,
  );
  t.same([...said], [0, 0, 1, 1, 0, 1]);
  const alone = crossValidated(points, Uint8Array.of(1, 0, 0, 0, 0, 0), [[0], [1, 2, 3, 4, 5]], 1);
  t.equal(alone[0], 0, 'not its own neighbour');
  const [a, b] = halves(11, 3);
  t.same(
    [...a, ...b].sort((x, y) => x - y),
    Array.from({ length: 11 }, (_, i) => i),
  );
  t.not(halves(11, 4)[0].join(), a.join());
  t.end();
});
