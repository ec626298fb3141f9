/** The main thread's side of the sampler: starts and stops its thread, and reads the rings it fills. */
import { Worker } from 'node:worker_threads';
import type { Log } from '../../common/log.js';
import { messageOf } from '../../common/errors.js';
import type { Rail } from '../power-sensor.js';
import { SampleRing } from './sample-ring.js';
import { gapAfterMs, type RailPlan, type SamplerPlan } from './sampler-plan.js';
import type { ThreadData, ThreadMessage } from './sampler-thread.js';

/** One rail as others see it. */
export interface SampledRail {
  rail: Rail;
  rateHz: number;
  gapMs: number;
  ring: SampleRing;
  /** What is wrong now, for people; null while it measures or has not begun. */
  problem: string | null;
}

/** Seconds of samples that stay readable. */
const KEPT_S = 16;
const RESTART_MS = 5000;
/** A transfer that hangs holds the thread for 1 s on Tegra; after that it is left to die by itself. */
const STOP_MS = 1500;

export class Sampler {
  readonly rails: readonly SampledRail[];
  readonly #log: Log;
  readonly #plan: SamplerPlan;
  #stop = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | null = null;
  #restart: NodeJS.Timeout | null = null;

  constructor(deps: { log: Log }, plan: SamplerPlan) {
    this.#log = deps.log;
    this.#plan = plan;
    this.rails = plan.rails.map((rail) => describe(rail, plan.gapPeriods));
  }

  start(): void {
    if (this.#worker || this.#plan.rails.length === 0) return;
    // A fresh word: a thread left behind in a hanging transfer must still find its own set.
    this.#stop = new Int32Array(new SharedArrayBuffer(4));
    const data: ThreadData = {
      plan: this.#plan,
      rings: this.rails.map((rail) => rail.ring.buffer),
      stop: this.#stop.buffer,
    };
    const worker = new Worker(new URL('./sampler-thread.js', import.meta.url), {
      name: 'sampler',
      // Not the flags of this process: loaders of a test runner take seconds to start, and the thread needs none.
      execArgv: [],
      workerData: data,
    });
    worker.unref();
    worker.on('message', (message: ThreadMessage) => this.#receive(message));
    worker.on('error', (error) => this.#died(messageOf(error)));
    this.#worker = worker;
  }

  async stop(): Promise<void> {
    if (this.#restart) clearTimeout(this.#restart);
    this.#restart = null;
    const worker = this.#worker;
    this.#worker = null;
    if (!worker) return;
    Atomics.store(this.#stop, 0, 1);
    Atomics.notify(this.#stop, 0);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, STOP_MS, 'late');
    });
    const ended = new Promise<'ended'>((resolve) => worker.once('exit', () => resolve('ended')));
    if ((await Promise.race([ended, late])) === 'late') {
      this.#log.warn('power: the sampler hangs in a transfer; left behind');
      void worker.terminate();
    }
    clearTimeout(timer);
  }

  #receive(message: ThreadMessage): void {
    if (message.type === 'notice') {
      this.#log.warn(`power: ${message.message}`);
      return;
    }
    const rail = this.rails[message.change.rail];
    if (!rail) return;
    rail.problem = message.change.error?.message ?? null;
    if (rail.problem === null) this.#log.info(`power: ${rail.rail.name} measures again`);
    else this.#log.warn({ code: message.change.error?.code }, `power: ${rail.rail.name}: ${rail.problem}`);
  }

  /** The thread ended by an error it should have caught; the frames never notice, the rails say so. */
  #died(reason: string): void {
    if (!this.#worker) return;
    this.#worker = null;
    this.#log.error(`power: the sampler stopped: ${reason}`);
    for (const rail of this.rails) rail.problem = `the sampler stopped: ${reason}`;
    this.#restart = setTimeout(() => this.start(), RESTART_MS);
    this.#restart.unref();
  }
}

function describe(plan: RailPlan, gapPeriods: number): SampledRail {
  return {
    rail: plan.rail,
    rateHz: plan.rateHz,
    gapMs: gapAfterMs(plan, gapPeriods),
    ring: new SampleRing(SampleRing.allocate(plan.rateHz, KEPT_S)),
    problem: null,
  };
}
