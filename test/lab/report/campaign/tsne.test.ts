import t from 'tap';
import { tsne } from '../../../../lab/report/campaign/tsne.js';

t.test('t-SNE keeps two clusters apart and gives the same picture again', async (t) => {
  const vectors = Array.from({ length: 40 }, (_, i) => [i < 20 ? 0 : 10, (i * 7) % 5, (i * 3) % 4]);
  const options = { perplexity: 8, iterations: 150, seed: 3 };
  const points = tsne(vectors, options);
  t.same(tsne(vectors, options), points);
  const centre = (from: number): [number, number] =>
    [0, 1].map((axis) => {
      return points.slice(from, from + 20).reduce((sum, point) => sum + (point[axis] ?? 0) / 20, 0);
    }) as [number, number];
  const [a, b] = [centre(0), centre(20)];
  const spread = Math.max(...points.slice(0, 20).map(([x, y]) => Math.hypot(x - a[0], y - a[1])));
  t.ok(Math.hypot(a[0] - b[0], a[1] - b[1]) > spread, 'farther apart than they are wide');
});
