import t from 'tap';
import { Histogram } from '../../common/histogram.js';

t.test(
  'counts are cumulative, bounds belong to their bucket, and what is above all is counted',
  async (t) => {
    const histogram = new Histogram([1, 2, 5]);
    for (const value of [0.5, 1, 1.5, 5, 100]) histogram.observe(value);
    t.same(histogram.counts(), { bounds: [1, 2, 5], atMost: [2, 3, 4], count: 5, sum: 108 });
  },
);

t.test('nothing observed is zeros', async (t) => {
  t.same(new Histogram([1]).counts(), { bounds: [1], atMost: [0], count: 0, sum: 0 });
});
