/** Numbers of the status, named as Prometheus wants them: base units, `_total` for what only grows, one label at most. */
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

export class Metrics {
  readonly #answersByModel = new Map<string, number>();
  readonly #runs = new Map<string, number>();
  readonly #images = new Map<string, number>();
  readonly #runSeconds = new Map<string, number>();
  readonly #seconds: Seconds = { queue: 0, decode: 0, batch: 0, mux: 0, inference: 0 };

  /** A batch of one network has run. */
  ran(network: string, count: number, runMs: number): void {
    const label = network === GROUP_MUX_ID ? MUX_LABEL : network;
    add(this.#runs, label, 1);
    add(this.#images, label, count);
    add(this.#runSeconds, label, runMs / 1000);
  }

  /** An answer was given. `queueMs` is the wait before decoding, `verdict.waitMs` that for batches. */
  answered(verdict: Verdict, queueMs: number, decodeMs: number): void {
    for (const model of verdict.models) add(this.#answersByModel, model, 1);
    this.#seconds.queue += queueMs / 1000;
    this.#seconds.decode += decodeMs / 1000;
    this.#seconds.batch += verdict.waitMs / 1000;
    this.#seconds.mux += verdict.muxMs / 1000;
    this.#seconds.inference += verdict.inferenceMs / 1000;
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
}

function add(map: Map<string, number>, key: string, by: number): void {
  map.set(key, (map.get(key) ?? 0) + by);
}
