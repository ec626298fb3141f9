/** The meter of a device that has rails, real or simulated. */
import { CHIPS } from '../drivers/chips.js';
import { Sampler, type SampledRail } from '../drivers/sampler/sampler.js';
import type { SamplerPlan } from '../drivers/sampler/sampler-plan.js';
import { topRails } from '../drivers/sysfs/boards.js';
import type { PowerConfig } from './config.js';
import { FrameTracker } from './frame-tracker.js';
import type { EnergyMeter, EnergyMeterDeps, EnergyTotals, FrameMeter, RailState } from './meter.js';
import { planRails, type RailsPlan } from './plan.js';
import { RailFollower } from './rail-follower.js';
import { SampleRecorder } from './recorder.js';
import { railState } from './rail-state.js';

const CATCH_UP_MS = 100;
const IDLE_KEPT_MS = 2000;
/** Most of the wait for the first samples in `start`. */
const FIRST_SAMPLES_MS = 500;
/** Slower rails say nothing about a single frame. */
const FRAME_RATE_HZ = 100;
const SEED = 20_261_123;

export class LiveMeter implements EnergyMeter {
  readonly #deps: EnergyMeterDeps;
  readonly #config: PowerConfig;
  #plan: RailsPlan | null = null;
  #samplers: Sampler[] = [];
  #followers: RailFollower[] = [];
  #summed: RailFollower[] = [];
  #frames: FrameTracker;
  #timer: NodeJS.Timeout | null = null;
  #recorder: SampleRecorder | null = null;

  constructor(deps: EnergyMeterDeps, config: PowerConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#frames = new FrameTracker({ ...deps, rails: [] }, config);
  }

  /** Throws where the settings are impossible; what is missing on this machine is said by `health`. */
  async start(): Promise<void> {
    if (this.#plan) return;
    const plan = planRails(this.#config, this.#deps.sysRoot ?? '/sys');
    this.#plan = plan;
    for (const warning of plan.warnings) this.#deps.log.warn(`power: ${warning}`);
    this.#samplers = this.#plans(plan).map((each) => new Sampler(this.#deps, each));
    const sampled = this.#samplers.flatMap((sampler) => sampler.rails);
    const followed = {
      idleWindowMs: this.#config.idle.windowMs,
      bridgeMs: this.#config.bridgeMs,
      startMs: this.#deps.clock.monotonicMs(),
    };
    this.#followers = sampled.map((rail) => new RailFollower(rail, followed));
    this.#summed = this.#summedRails();
    this.#frames = new FrameTracker({ ...this.#deps, rails: this.#frameRails() }, this.#config);
    if (this.#config.recordFile !== null)
      this.#recorder = new SampleRecorder(this.#deps, this.#config.recordFile);
    for (const sampler of this.#samplers) sampler.start();
    this.#timer = setInterval(() => this.#catchUp(), CATCH_UP_MS);
    this.#timer.unref();
    await this.#firstSamples();
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    await Promise.all(this.#samplers.map((sampler) => sampler.stop()));
    this.#catchUp();
    await this.#recorder?.close();
    this.#recorder = null;
    this.#plan = null;
  }

  frame(): FrameMeter {
    return this.#frames.frame();
  }

  /** The rails with their samples, for recordings and alerts. */
  sampled(): readonly SampledRail[] {
    return this.#followers.map((follower) => follower.sampled);
  }

  rails(): RailState[] {
    this.#catchUp();
    const nowMs = this.#deps.clock.monotonicMs();
    return this.#followers.map((follower) => ({
      ...railState(follower, nowMs),
      counted: this.#summed.includes(follower),
    }));
  }

  health(): string[] {
    const warnings = [...(this.#plan?.warnings ?? [])];
    for (const rail of this.#plan ? this.rails() : []) {
      if (rail.problem !== null) warnings.push(`${rail.name}: ${rail.problem}`);
      if (rail.clipped > 0) {
        warnings.push(`${rail.name}: the shunt clips; the true power is higher (take a smaller shunt)`);
      }
    }
    if (this.#plan && this.#frameRails().length === 0) {
      warnings.push('no rail is fast enough for energy per frame: it is null (an INA226 at 1 kHz is)');
    } else if (this.#plan && this.#config.idle.powerW === null && !this.#idleLearned()) {
      warnings.push('idle power is not learned yet: net energies are preliminary');
    }
    return warnings.map((warning) => `power: ${warning}`);
  }

  totals(): EnergyTotals {
    this.#catchUp();
    return {
      energyJ: this.#summed.reduce((sum, rail) => sum + rail.integral.energyJ, 0),
      idleW: this.#frames.idleW(),
      framesMeasured: this.#frames.measured,
      framesBridged: this.#frames.bridged,
      framesUnmeasured: this.#frames.unmeasured,
      simulated: this.#summed.some((rail) => rail.sampled.rail.simulated),
    };
  }

  #plans(plan: RailsPlan): SamplerPlan[] {
    const { gapPeriods, simulate } = this.#config;
    const simulation = simulate
      ? {
          board: this.#deps.board.buffer,
          link: this.#config.simulatedLink,
          seed: SEED,
          ...this.#deps.simulation,
        }
      : null;
    return [
      { rails: plan.i2c, simulation, gapPeriods },
      { rails: plan.kernel, simulation: null, gapPeriods },
    ].filter((each) => each.rails.length > 0);
  }

  /**
   * The rails of `sum`; by default, of the fast ones where there are any, the top rails that were wired by hand, else the
   * kernel's rails that are the board's whole. The two kinds are never added up: nobody but the owner knows how they lie.
   */
  #summedRails(): RailFollower[] {
    const { sum } = this.#config;
    if (sum.length > 0) {
      const chosen = this.#followers.filter((each) => sum.includes(each.sampled.rail.name));
      return chosen.length === new Set(sum).size ? chosen : [];
    }
    const fast = this.#followers.filter((each) => each.sampled.rateHz >= FRAME_RATE_HZ);
    const pool = fast.length > 0 ? fast : this.#followers;
    const own = pool.filter((each) => each.sampled.rail.kind in CHIPS);
    const names = new Set(
      own.length > 0
        ? topRails(own.map((each) => each.sampled.rail)).map((rail) => rail.name)
        : this.#plan?.counted,
    );
    return pool.filter((each) => names.has(each.sampled.rail.name));
  }

  /** Frames need every summed rail to be fast. */
  #frameRails(): RailFollower[] {
    return this.#summed.every((each) => each.sampled.rateHz >= FRAME_RATE_HZ) ? this.#summed : [];
  }

  #idleLearned(): boolean {
    return this.#summed.every((each) => each.baseline.learned);
  }

  #catchUp(): void {
    const { idle } = this.#frames;
    for (const follower of this.#followers) {
      follower.catchUp((fromMs, toMs) => idle.isIdle(fromMs, toMs));
    }
    idle.prune(this.#deps.clock.monotonicMs(), IDLE_KEPT_MS);
    this.#recorder?.look(this.sampled());
  }

  async #firstSamples(): Promise<void> {
    const untilMs = this.#deps.clock.monotonicMs() + FIRST_SAMPLES_MS;
    const fast = this.#followers.filter((each) => each.sampled.rateHz >= FRAME_RATE_HZ);
    while (
      fast.some(({ sampled }) => sampled.ring.head === 0 && sampled.problem === null) &&
      this.#deps.clock.monotonicMs() < untilMs
    ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
