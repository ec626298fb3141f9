/** Numbers of the status, named as Prometheus wants them: base units, `_total` for what only grows, one label at most. */
import { Histogram, LATENCY_BOUNDS_S, type HistogramCounts } from '../common/histogram.js';
import { GROUP_MUX_ID } from '../mux/inference/inference-types.js';
import type { Verdict } from './loaded-group.js';

/** Label of the group's mux; no model id can be equal to it. */
const MUX_LABEL = '(mux)';

type ByLabel = Record<string, number>;

/** Where the time of the answers went, in s. */
interface Seconds {
  queue: number;
  decode: number;
  batch: number;
  mux: number;
  inference: number;
}

const BATCH_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128] as const;

export class Metrics {
  readonly #answersByModel = new Map<string, number>();
  readonly #runs = new Map<string, number>();
  readonly #images = new Map<string, number>();
  readonly #runSeconds = new Map<string, number>();
  readonly #seconds: Seconds = { queue: 0, decode: 0, batch: 0, mux: 0, inference: 0 };
  readonly #stages: Record<keyof Seconds, Histogram> = {
    queue: new Histogram(LATENCY_BOUNDS_S),
    decode: new Histogram(LATENCY_BOUNDS_S),
    batch: new Histogram(LATENCY_BOUNDS_S),
    mux: new Histogram(LATENCY_BOUNDS_S),
    inference: new Histogram(LATENCY_BOUNDS_S),
  };
  readonly #batches = new Map<string, Histogram>();
  readonly #residence = new Histogram(LATENCY_BOUNDS_S);

  /** A batch of one network has run. */
  ran(network: string, count: number, runMs: number): void {
    const label = network === GROUP_MUX_ID ? MUX_LABEL : network;
    add(this.#runs, label, 1);
    add(this.#images, label, count);
    add(this.#runSeconds, label, runMs / 1000);
    const sizes = this.#batches.get(label) ?? new Histogram(BATCH_BOUNDS);
    this.#batches.set(label, sizes);
    sizes.observe(count);
  }

  /** An answer was given. `queueMs` is the wait before decoding, `verdict.waitMs` that for batches. */
  answered(verdict: Verdict, queueMs: number, decodeMs: number): void {
    for (const model of verdict.models) add(this.#answersByModel, model, 1);
    this.#spent('queue', queueMs);
    this.#spent('decode', decodeMs);
    this.#spent('batch', verdict.waitMs);
    this.#spent('mux', verdict.muxMs);
    this.#spent('inference', verdict.inferenceMs);
  }

  /** An answer has left, so long after its request came. */
  resided(residenceMs: number): void {
    this.#residence.observe(residenceMs / 1000);
  }

  /** Distributions, which the status topic does not carry. */
  histograms(): {
    residence: HistogramCounts;
    stages: Record<string, HistogramCounts>;
    batches: Record<string, HistogramCounts>;
  } {
    return {
      residence: this.#residence.counts(),
      stages: countsOf(Object.entries(this.#stages)),
      batches: countsOf(this.#batches),
    };
  }

  /** Name → value, or label value → value: `answers_by_model_total` and `run…` by `model`, `stage_seconds_total` by `stage`. */
  snapshot(): Record<string, number | ByLabel> {
    return {
      answers_by_model_total: Object.fromEntries(this.#answersByModel),
      runs_total: Object.fromEntries(this.#runs),
      run_images_total: Object.fromEntries(this.#images),
      run_seconds_total: Object.fromEntries(this.#runSeconds),
      stage_seconds_total: { ...this.#seconds },
    };
  }

  #spent(stage: keyof Seconds, ms: number): void {
    this.#seconds[stage] += ms / 1000;
    if (ms > 0) this.#stages[stage].observe(ms / 1000);
  }
}

function countsOf(histograms: Iterable<[string, Histogram]>): Record<string, HistogramCounts> {
  return Object.fromEntries([...histograms].map(([name, histogram]) => [name, histogram.counts()]));
}

function add(map: Map<string, number>, key: string, by: number): void {
  map.set(key, (map.get(key) ?? 0) + by);
}
