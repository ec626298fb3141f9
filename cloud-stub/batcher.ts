import type { Clock } from '../common/clock.js';
import { GROUP_MUX_ID } from '../mux/inference/inference-types.js';
import { nextBatch, type BatchRule } from './batch-rule.js';
import type { Engine, EngineOutput } from './engines/engine.js';

export interface BatcherDeps {
  clock: Clock;
  infer: Engine['infer'];
  /** Told of every batch that has run. */
  onBatch: (network: string, count: number, runMs: number) => void;
}

/** What one image got out of a batch. Vectors are its own rows. */
export interface Row {
  probabilities: Float32Array;
  /** Of the mux only. */
  correct: Float32Array | null;
  weights: Float32Array | null;
  /** From the call until the run began, in ms. */
  waitMs: number;
  /** Duration of the batch's run in ms. */
  runMs: number;
  batchSize: number;
}

interface Ticket {
  pixels: Uint8Array;
  /** On the monotonic clock: after this nobody waits any more. */
  expiresMs: number;
  enteredMs: number;
  resolve: (row: Row | null) => void;
  reject: (error: unknown) => void;
}

/**
 * Puts images that wait for the same network together into one run. One batch is with the worker at a time, so that
 * what comes meanwhile makes up the next; without batching (sizes [1]) a second one waits there for no gap to arise.
 */
export class Batcher {
  readonly #deps: BatcherDeps;
  readonly #rule: BatchRule;
  readonly #slots: number;
  readonly #lanes = new Map<string, Ticket[]>();
  /** Lone jobs that wait for a place. */
  readonly #turns: (() => void)[] = [];
  #running = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(deps: BatcherDeps, rule: BatchRule) {
    this.#deps = deps;
    this.#rule = rule;
    this.#slots = (rule.sizes.at(-1) ?? 1) > 1 ? 1 : 2;
  }

  /**
   * One image through one network (`GROUP_MUX_ID` or a model's id); null where `expiresMs` passed before its run.
   * @throws EdgemuxError INFERENCE_FAILED, INFERENCE_STOPPED
   */
  run(network: string, pixels: Uint8Array, expiresMs: number): Promise<Row | null> {
    return new Promise((resolve, reject) => {
      const lane = this.#lanes.get(network) ?? [];
      this.#lanes.set(network, lane);
      lane.push({ pixels, expiresMs, enteredMs: this.#deps.clock.monotonicMs(), resolve, reject });
      // at the end of this turn: whoever else is ready now gets into the same batch
      queueMicrotask(() => this.#pump());
    });
  }

  /** True where nothing runs and nothing waits. */
  get idle(): boolean {
    return this.#running === 0 && [...this.#lanes.values()].every((lane) => lane.length === 0);
  }

  /** Runs a job that is no batch; it and batches wait for each other. null where `expiresMs` passed meanwhile. */
  async alone<T>(job: () => Promise<T>, expiresMs: number): Promise<T | null> {
    while (this.#running >= this.#slots) await new Promise<void>((resolve) => this.#turns.push(resolve));
    this.#running += 1;
    try {
      return this.#deps.clock.monotonicMs() > expiresMs ? null : await job();
    } finally {
      this.#running -= 1;
      this.#turns.shift()?.();
      setImmediate(() => this.#pump());
    }
  }

  /** Ends the timer; what waits stays unanswered. */
  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #pump(): void {
    this.stop();
    while (this.#running < this.#slots) {
      const nowMs = this.#deps.clock.monotonicMs();
      const networks = [...this.#lanes.keys()];
      const lanes = networks.map((network) => this.#waiting(network, nowMs));
      const step = nextBatch(lanes, this.#rule, nowMs);
      if (step.kind === 'wait') {
        if (step.waitMs !== null) this.#timer = setTimeout(() => this.#pump(), step.waitMs);
        return;
      }
      const network = networks[step.lane] ?? GROUP_MUX_ID;
      const tickets = this.#lanes.get(network)?.splice(0, step.count) ?? [];
      this.#running += 1;
      void this.#runBatch(network, tickets, nowMs);
    }
  }

  /** Lets those go whose time is over, and says what is left. */
  #waiting(network: string, nowMs: number): { count: number; oldestMs: number; first: boolean } {
    const lane = this.#lanes.get(network) ?? [];
    const alive = lane.filter((ticket) => nowMs <= ticket.expiresMs);
    if (alive.length < lane.length) {
      for (const ticket of lane) if (nowMs > ticket.expiresMs) ticket.resolve(null);
      this.#lanes.set(network, alive);
    }
    return { count: alive.length, oldestMs: alive[0]?.enteredMs ?? 0, first: network === GROUP_MUX_ID };
  }

  async #runBatch(network: string, tickets: Ticket[], nowMs: number): Promise<void> {
    try {
      const count = tickets.length;
      const pixels = sideBySide(tickets.map((ticket) => ticket.pixels));
      const expiresMs = Math.max(...tickets.map((ticket) => ticket.expiresMs));
      const output = await this.#deps.infer({ network, pixels, count, expiresMs });
      if (output) this.#deps.onBatch(network, count, output.runMs);
      tickets.forEach((ticket, i) => {
        ticket.resolve(output && rowOf(output, i, count, nowMs - ticket.enteredMs + output.queueMs));
      });
    } catch (error) {
      for (const ticket of tickets) ticket.reject(error);
    } finally {
      this.#running -= 1;
      // not at once: those that were just answered may have their next network to ask
      setImmediate(() => this.#pump());
    }
  }
}

/** Images of one size in one buffer of their own, which may be given away. */
function sideBySide(images: readonly Uint8Array[]): Uint8Array {
  const size = images[0]?.length ?? 0;
  const all = new Uint8Array(size * images.length);
  images.forEach((image, i) => all.set(image, i * size));
  return all;
}

function rowOf(output: EngineOutput, i: number, count: number, waitMs: number): Row {
  const cut = (matrix: Float32Array): Float32Array => {
    const width = matrix.length / count;
    return matrix.subarray(i * width, (i + 1) * width);
  };
  return {
    probabilities: cut(output.probabilities),
    correct: output.correct && cut(output.correct),
    weights: output.weights && cut(output.weights),
    waitMs,
    runMs: output.runMs,
    batchSize: count,
  };
}
