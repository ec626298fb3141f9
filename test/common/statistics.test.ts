import t from 'tap';
import { seededRandom, shuffled } from '../../common/random.js';
import { mean, percentile } from '../../common/statistics.js';

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
