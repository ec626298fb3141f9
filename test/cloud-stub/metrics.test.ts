import t from 'tap';
import { ServerCounters } from '../../cloud-stub/counters.js';
import { Metrics } from '../../cloud-stub/metrics.js';
import { GROUP_MUX_ID } from '../../mux/inference/inference-types.js';

t.test('runs are counted by model, those of the mux under the label (mux)', async (t) => {
  const metrics = new Metrics();
  metrics.ran(GROUP_MUX_ID, 4, 2);
  metrics.ran(GROUP_MUX_ID, 1, 1);
  metrics.ran('resnet12', 3, 500);
  const { runs_total, run_images_total, run_seconds_total } = metrics.snapshot();
  t.strictSame(runs_total, { '(mux)': 2, resnet12: 1 });
  t.strictSame(run_images_total, { '(mux)': 5, resnet12: 3 });
  t.strictSame(run_seconds_total, { '(mux)': 0.003, resnet12: 0.5 });
});

t.test('an answer is counted for every model that ran, and its time where it went, in seconds', async (t) => {
  const metrics = new Metrics();
  const verdict = { probabilities: [1], weights: {}, muxMs: 1, inferenceMs: 20, waitMs: 4, batchSize: 2 };
  metrics.answered({ ...verdict, models: ['a', 'b'] }, 100, 8);
  metrics.answered({ ...verdict, models: ['b'] }, 100, 8);
  const { answers_by_model_total, stage_seconds_total } = metrics.snapshot();
  t.strictSame(answers_by_model_total, { a: 1, b: 2 });
  t.strictSame(stage_seconds_total, { queue: 0.2, decode: 0.016, batch: 0.008, mux: 0.002, inference: 0.04 });
});

t.test('percentiles of the residence are those of the last 1000 answers, between the ranks', async (t) => {
  const counters = new ServerCounters();
  t.equal(counters.latencyMs(), null, 'not known before the first');
  t.match(counters.statusLine(0), /0 answers of 0 requests.* p50 0\.0 ms, p99 0\.0 ms/);
  for (let ms = 100; ms >= 1; ms -= 1) counters.answered(ms);
  const { p50, p95, p99 } = counters.latencyMs() ?? { p50: NaN, p95: NaN, p99: NaN };
  for (const [found, wanted] of [
    [p50, 50.5],
    [p95, 95.05],
    [p99, 99.01],
  ] as const)
    t.ok(Math.abs(found - wanted) < 1e-9, `${found} is ${wanted}`);
  for (let n = 0; n < 1000; n += 1) counters.answered(7);
  t.strictSame(counters.latencyMs(), { p50: 7, p95: 7, p99: 7 });
});
