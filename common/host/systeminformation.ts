import { cpu, cpuCurrentSpeed, currentLoad, mem, osInfo } from 'systeminformation';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { readMachine, type MachineFacts } from './machine.js';
import { noticeThrottling, type ClocksSeen } from './throttling.js';

/** What the machine is: said in `state` and beside every benchmark. */
export interface HostFacts {
  cpu: string;
  cores: number;
  memoryBytes: number;
  os: string;
  kernel: string;
  arch: string;
  node: string;
}

/** Reads the facts that do not change while the program runs. */
export async function hostFacts(): Promise<HostFacts> {
  const [processor, memory, system] = await Promise.all([cpu(), mem(), osInfo()]);
  return {
    cpu: `${processor.manufacturer} ${processor.brand}`.trim(),
    cores: processor.cores,
    memoryBytes: memory.total,
    os: `${system.distro} ${system.release}`.trim(),
    kernel: system.kernel,
    arch: system.arch,
    node: process.version,
  };
}

/** What the machine does now. Names carry units; what it does not say is absent. */
export interface HostNow {
  /** Share of the cores' time since the last reading, in [0, 1]. */
  cpuLoad: number;
  /** Mean of the cores. */
  cpuMHz?: number;
  memoryFreeBytes: number;
  gpuLoad?: number;
  gpuMHz?: number;
  /** By thermal zone. */
  temperaturesC?: Record<string, number>;
  /** nvpmodel's mode of a TX2. */
  powerMode?: string;
  /** What is throttled, and how far. */
  throttled?: string[];
}

/** One reading, for whoever writes figures down: reports, measuring campaigns, `state`. */
export async function hostNow(machine: MachineFacts = readMachine()): Promise<HostNow> {
  const [load, memory, speed] = await Promise.all([currentLoad(), mem(), cpuCurrentSpeed()]);
  const clocks = Object.values(machine.cpuClocks).map(({ nowHz }) => nowHz / 1e6);
  const meanMHz =
    clocks.length > 0 ? clocks.reduce((sum, mhz) => sum + mhz, 0) / clocks.length : 1000 * speed.avg;
  const { gpu, temperaturesC, powerMode } = machine;
  return {
    cpuLoad: round(load.currentLoad / 100, 3),
    ...(meanMHz > 0 ? { cpuMHz: Math.round(meanMHz) } : {}),
    memoryFreeBytes: memory.available,
    ...(gpu?.load == null ? {} : { gpuLoad: gpu.load }),
    ...(gpu?.clock == null ? {} : { gpuMHz: Math.round(gpu.clock.nowHz / 1e6) }),
    ...(Object.keys(temperaturesC).length === 0 ? {} : { temperaturesC }),
    ...(powerMode === null ? {} : { powerMode }),
  };
}

export interface HostWatchDeps {
  log: Log;
  sysRoot?: string;
}

/** Keeps the newest reading, and notices throttling: logged when it begins, a warning for as long as it lasts. */
export class HostWatch {
  readonly #deps: HostWatchDeps;
  readonly #periodMs: number;
  #timer: NodeJS.Timeout | null = null;
  #facts: HostFacts | null = null;
  #now: HostNow | null = null;
  #seen: ClocksSeen | null = null;
  #throttled: string[] = [];
  #failed = false;

  constructor(deps: HostWatchDeps, periodMs: number) {
    this.#deps = deps;
    this.#periodMs = periodMs;
  }

  /** What does not change, and what was read last; empty until `start` has resolved. */
  get facts(): Partial<HostFacts & HostNow> {
    return { ...this.#facts, ...this.#now };
  }

  /** Warnings for people, empty when all is well. */
  health(): string[] {
    if (this.#throttled.length === 0) return [];
    return [
      `the machine throttles itself (${this.#throttled.join(', ')}): look at cooling, supply and nvpmodel`,
    ];
  }

  /** Reads at once, and then every period. */
  async start(): Promise<void> {
    if (this.#timer) return;
    this.#timer = setInterval(() => void this.look(), this.#periodMs);
    this.#timer.unref();
    [this.#facts] = await Promise.all([hostFacts(), this.look()]);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** One reading. What cannot be read leaves the last one, and is logged once. */
  async look(): Promise<void> {
    try {
      const machine = readMachine(this.#deps.sysRoot);
      const { causes, seen } = noticeThrottling(machine, this.#seen);
      this.#seen = seen;
      this.#say(causes);
      this.#now = { ...(await hostNow(machine)), ...(causes.length > 0 ? { throttled: causes } : {}) };
    } catch (error) {
      if (!this.#failed) this.#deps.log.warn({ error: messageOf(error) }, 'the host cannot be read');
      this.#failed = true;
    }
  }

  #say(causes: string[]): void {
    const before = this.#throttled;
    this.#throttled = causes;
    if (before.length === 0 && causes.length > 0)
      this.#deps.log.warn({ causes }, 'the machine throttles itself');
    if (before.length > 0 && causes.length === 0) this.#deps.log.info('the machine throttles itself no more');
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
