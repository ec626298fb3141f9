import t from 'tap';
import { seededRandom, shuffled } from '../../common/random.js';
import { mean, percentile, standardDeviation, wilsonInterval } from '../../common/statistics.js';

t.test('percentiles interpolate between ranks and do not need sorted values', async (t) => {
  t.equal(percentile([3, 1, 2], 0.5), 2);
  t.equal(percentile([1, 2], 0.5), 1.5);
  t.equal(percentile([10, 20, 30, 40, 50], 1), 50);
  t.ok(Number.isNaN(percentile([], 0.5)));
  t.equal(mean([1, 2, 6]), 3);
});

t.test('a seed fixes the order, and shuffling loses nothing', async (t) => {
  const items = [...Array(100).keys()];
  const once = shuffled(items, seededRandom(7));
  t.same(once, shuffled(items, seededRandom(7)));
  t.notSame(once, shuffled(items, seededRandom(8)));
  t.same(
    [...once].sort((a, b) => a - b),
    items,
  );
});

t.test("Wilson's interval stays within [0, 1] and narrows with the number of trials", async (t) => {
  const { low, high } = wilsonInterval(0.9, 100);
  t.ok(
    Math.abs(low - 0.8256) < 1e-3 && Math.abs(high - 0.9448) < 1e-3,
    'as tables of the score interval have it',
  );
  t.same(wilsonInterval(0, 0), { low: 0, high: 1 });
  t.ok(wilsonInterval(1, 50).high > 1 - 1e-9 && wilsonInterval(1, 50).high <= 1);
  t.ok(wilsonInterval(0.9, 10_000).low > low);
  t.equal(standardDeviation([2, 4]), Math.SQRT2);
  t.equal(standardDeviation([5]), 0);
});
